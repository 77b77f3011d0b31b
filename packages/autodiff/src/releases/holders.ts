/**
 * Who holds the storage of a leaf. A storage is counted from the moment a registered derivative, which keeps nothing for
 * itself (`retains: false`), has made it; whatever is stored where generated code does not see its end keeps its count for
 * good, and is left to the garbage collector. With PULLBACK_RELEASE=off nothing is ever counted.
 */
import { type Any, isLeaf, storageClock, storageOf } from "../protocol/index.ts";

const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env;
const counting = environment?.PULLBACK_RELEASE !== "off";

const clock = storageClock();

/** The time before a call whose results may be counted. */
export function ticked(): number {
  return ++clock.now;
}

/** Counts a holder of what was made since; of anything else, where it is counted. */
export function own(value: Any, since: number): void {
  if (counting) storageOf(value)?.own(value, since);
}

/** `own` for every leaf of a tangent. */
export function ownTree(tangent: Any, since: number): void {
  if (typeof tangent !== "object" || tangent === null || ArrayBuffer.isView(tangent)) return;
  if (isLeaf(tangent)) own(tangent, since);
  else if (Array.isArray(tangent)) for (const item of tangent) ownTree(item, since);
  else for (const item of tangent instanceof Map ? tangent.values() : Object.values(tangent)) ownTree(item, since);
}

/** One more holder of each leaf. */
export function hold(...values: readonly Any[]): void {
  for (const value of values) storageOf(value)?.hold(value);
}

/** The leaves among some values, each with one more holder. */
export function leavesOf(values: readonly Any[]): Any[] {
  const leaves = values.filter((value) => storageOf(value) !== undefined);
  hold(...leaves);
  return leaves;
}

/** One holder less of a leaf. */
export function letGo(value: Any): void {
  storageOf(value)?.release(value);
}

/** What a frame keeps alive for its backward function: leaves, frames of other functions, and arrays of these. */
interface Holding {
  held?: readonly Any[] | undefined;
}

/** Ends frames and stacks: what they hold is let go of, once. A backward function must not be called on them again. */
export function drop(...frames: readonly Any[]): void {
  for (const frame of frames) dropOne(frame);
}

function dropOne(frame: Any): void {
  if (typeof frame !== "object" || frame === null) return;
  const storage = storageOf(frame);
  if (storage !== undefined) storage.release(frame);
  else if (Array.isArray(frame)) for (const each of frame.splice(0)) dropOne(each);
  else {
    const { held } = frame as Holding;
    if (held === undefined) return;
    (frame as Holding).held = undefined;
    for (const each of held) dropOne(each);
  }
}
