/** What only generated code calls. */
import type { Any } from "../protocol/index.ts";
import { add } from "../shadows/index.ts";
import { leavesOf, letGo, own, ticked } from "./holders.ts";

/** What a frame holds: frames of other functions and stacks, and those of the values that are leaves, once more. */
export function held(frames: readonly Any[], ...values: readonly Any[]): readonly Any[] {
  const leaves = leavesOf(values);
  return frames.length === 0 ? leaves : [...frames, ...leaves];
}

/** One holder less of each leaf. */
export function release(...leaves: readonly Any[]): void {
  for (const leaf of leaves) letGo(leaf);
}

/** The sum of two cotangents, either of which may be `undefined`, with a holder of its own. */
export function sum<T>(a: T | undefined, b: T | undefined): T | undefined {
  const since = ticked();
  const total = add(a, b);
  own(total, since);
  return total;
}
