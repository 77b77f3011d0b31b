/**
 * Which values have a count of their own: cotangents that backward functions and sums answer with, and, in a gradient,
 * what is popped off a stack; and the merged values of branches and loops where one of them comes out. What else comes
 * out beside it is held once more, so that the merged value owns its count whichever way the program took.
 */
import {
  definitionsOf,
  type HirFunction,
  type LoopOp,
  type Op,
  type Region,
  type Value,
  walk,
} from "../../hir/index.ts";
import type { Role } from "./insert.ts";
import { type Holders, isSweep, mayBeLeaf, mentions, type Places } from "./values.ts";

export interface Owned {
  /** Every value with a count of its own. */
  readonly values: ReadonlySet<Value>;
  /** Those among them that come out of branches and loops: they share no other value's count. */
  readonly counted: ReadonlySet<Value>;
  /** Those whose count goes on with other names: nobody releases them under this one. */
  readonly handedOn: ReadonlyMap<Value, readonly Value[]>;
  /** Results of regions that need a holder more at its end. */
  readonly held: ReadonlyMap<Region, readonly Value[]>;
  /** First values of loops that need one before. */
  readonly heldBefore: ReadonlyMap<Op, readonly Value[]>;
}

export function ownership(fn: HirFunction, role: Role, holders: Holders, { homes }: Places): Owned {
  const definitions = definitionsOf(fn.body);
  const values = sources(fn.body, role, holders, definitions);
  const counted = new Set<Value>();
  const merged: [op: Op, i: number][] = [];
  const isOwned = (v: Value | undefined, region: Region) => v !== undefined && values.has(v) && homes.get(v) === region;
  const count = (v: Value | undefined) => {
    if (v === undefined) return;
    values.add(v);
    counted.add(v);
  };
  for (let before = -1; before !== values.size; ) {
    before = values.size;
    walk(fn.body, (op) => {
      if (op.kind !== "if" && op.kind !== "loop") return;
      const bodies = op.kind === "if" ? [op.then, op.else] : [op.body];
      op.results.forEach((result, i) => {
        if (values.has(result) || !mayBeLeaf(result.type) || holders.frames.has(result)) return;
        if (!bodies.some((body) => body.diverges !== true && isOwned(body.results[i], body))) return;
        merged.push([op, i]);
        count(result);
        if (op.kind !== "loop") return;
        const k = i + (op.counted === undefined ? 0 : 1);
        count(op.body.params[k]);
        // The test reads what the body then owns.
        if (op.test !== undefined) counted.add(op.test.params[i] as Value);
      });
    });
  }

  const handedOn = new Map<Value, readonly Value[]>();
  const held = new Map<Region, Value[]>();
  const heldBefore = new Map<Op, Value[]>();
  const add = <K>(map: Map<K, Value[]>, key: K, v: Value) => map.set(key, [...(map.get(key) ?? []), v]);
  const isConstant = (v: Value) => definitions.get(v)?.kind === "const";
  const handOn = (v: Value | undefined, region: Region, names: readonly Value[]) => {
    if (v === undefined || region.diverges === true || isConstant(v)) return;
    if (isOwned(v, region) && !handedOn.has(v)) handedOn.set(v, names);
    else add(held, region, v);
  };
  for (const [op, i] of merged) {
    const result = op.results[i] as Value;
    if (op.kind === "if") for (const branch of [op.then, op.else]) handOn(branch.results[i], branch, [result]);
    if (op.kind !== "loop") continue;
    const names = [op.body.params[i + (op.counted === undefined ? 0 : 1)] as Value, result];
    handOn(op.body.results[i], op.body, names);
    const first = op.initial[i] as Value;
    if (isConstant(first)) continue;
    if (isOwned(first, regionOf(fn.body, op)) && !handedOn.has(first) && isLastUse(fn.body, op, first))
      handedOn.set(first, names);
    else add(heldBefore, op, first);
  }
  const [result] = fn.body.results;
  if (
    role === "backward" &&
    result !== undefined &&
    mayBeLeaf(result.type) &&
    definitions.get(result)?.kind !== "array"
  )
    handOn(result, fn.body, []);
  return { values, counted, handedOn, held, heldBefore };
}

function sources(
  body: Region,
  role: Role,
  { frames, stacks }: Holders,
  definitions: ReturnType<typeof definitionsOf>,
): Set<Value> {
  const found = new Set<Value>();
  const read = new Set<string>();
  walk(body, (op) => {
    const [result] = op.results;
    if (result === undefined || !mayBeLeaf(result.type) || frames.has(result)) return;
    if (isSweep(op, "backward")) {
      if (result.type.kind !== "inert") found.add(result);
    } else if (op.kind === "load" && op.key.kind === "index") {
      // One part of what several cotangents came in; read twice, it would be released twice.
      const from = definitions.get(op.object);
      if (!isSweep(from, "backward") || op.object.type.kind !== "inert") return;
      const place = definitions.get(op.key.index);
      const key = `${op.object.id} ${place?.kind === "const" ? String(place.value) : "?"}`;
      if (!read.has(key) && !key.endsWith("?")) found.add(result);
      read.add(key);
    } else if (op.kind === "runtime" && op.fn === "add") found.add(result);
    else if (op.kind === "pop" && role === "joint" && stacks.has(op.array)) found.add(result);
  });
  return found;
}

function regionOf(body: Region, wanted: Op): Region {
  let found = body;
  walk(body, (op, region) => {
    if (op === wanted) found = region;
  });
  return found;
}

/** Does nothing but the loop's beginning read its first value, from the loop on? */
function isLastUse(body: Region, loop: LoopOp, first: Value): boolean {
  if (loop.initial.filter((v) => v === first).length > 1) return false;
  const region = regionOf(body, loop);
  const at = region.ops.indexOf(loop);
  const values = new Set([first]);
  if (region.results.includes(first) || region.ops.slice(at + 1).some((op) => mentions(op, values))) return false;
  const inside = [loop.body, ...(loop.test === undefined ? [] : [loop.test])];
  return inside.every((each) => !each.results.includes(first) && !each.ops.some((op) => mentions(op, values)));
}
