/**
 * What can hold counted storage in a function of a derivative: leaves by themselves, frames of other functions'
 * forward sweeps, and the stacks on which a loop keeps either. And which values may be the same storage as others.
 */
import {
  type HirFunction,
  type Op,
  operands,
  type Region,
  regions,
  type SweepOp,
  type Type,
  type Value,
  walk,
} from "../../hir/index.ts";

/** Types of values that are no leaf, whatever the program does. */
const plain = new Set([
  "boolean",
  "string",
  "undefined",
  "null",
  "Int",
  "number",
  "bigint",
  "void",
  "symbol",
  "true",
  "false",
]);

export function mayBeLeaf(type: Type): boolean {
  switch (type.kind) {
    case "leaf":
    case "unknown":
      return true;
    case "inert":
      return !plain.has(type.text) && !/^(\(|"|\d|readonly )|\[\]$/.test(type.text);
    case "union":
      return type.members.some(mayBeLeaf);
    default:
      return false;
  }
}

/** Run-time functions that keep none of their arguments and answer with one of them, or with no leaf at all. */
const passing = new Set([
  "seed",
  "adjointIn",
  "slotFor",
  "shadowIn",
  "zeroShadow",
  "zeroNumbers",
  "variant",
  "method",
  "jvp",
  "methodJvp",
  "accessor",
  "settled",
  "clearShadow",
]);

/** Operations that read their operands and are done with them: they keep none, though their result may be one of them. */
export function keepsNothing(op: Op): boolean {
  switch (op.kind) {
    case "const":
    case "global":
    case "prim":
    case "math":
    case "load":
    case "pop":
    case "cursor":
    case "if":
    case "loop":
    case "throw":
    case "allocate":
      return true;
    case "runtime":
      return op.fn === "add" || passing.has(op.fn);
    case "sweep":
      return op.sweep !== "jvp";
    case "call":
      return op.callee.kind === "registered" && !op.callee.retains;
    default:
      return false;
  }
}

export interface Places {
  /** Region that defines each value. */
  readonly homes: ReadonlyMap<Value, Region>;
  /** The operation and region around each region. */
  readonly around: ReadonlyMap<Region, { readonly op: Op; readonly region: Region }>;
}

export function placesOf(fn: HirFunction): Places {
  const homes = new Map<Value, Region>();
  const around = new Map<Region, { op: Op; region: Region }>();
  for (const v of [...fn.params, ...fn.captures]) homes.set(v, fn.body);
  walk(fn.body, (op, region) => {
    for (const v of op.results) homes.set(v, region);
    for (const inner of regions(op)) {
      around.set(inner, { op, region });
      for (const v of inner.params) homes.set(v, inner);
    }
  });
  return { homes, around };
}

/** Frames made here, stacks of them or of leaves, and what merges them. */
export interface Holders {
  readonly frames: ReadonlySet<Value>;
  readonly stacks: ReadonlySet<Value>;
}

/** Values that cannot be leaves, though their types do not say so: literals, code found at run time, and what merges them. */
export function leafless(body: Region): Set<Value> {
  const found = new Set<Value>();
  const code = new Set(["variant", "method", "jvp", "methodJvp", "accessor", "settled", "zeroNumbers", "borrow"]);
  walk(body, (op) => {
    const [result] = op.results;
    if (result === undefined) return;
    const made = ["const", "prim", "math", "array", "object", "newArray", "new", "allocate", "closure", "cursor"];
    const isCotangents = isSweep(op, "backward") && result.type.kind === "inert";
    if (made.includes(op.kind) || isCotangents || (op.kind === "runtime" && code.has(op.fn))) found.add(result);
  });
  addMerged(body, found, (ends) => ends.every((isIn) => isIn));
  return found;
}

/** Adds the results of branches that merge values of the set, where the ends that are in it satisfy the rule. */
function addMerged(body: Region, found: Set<Value>, rule: (ends: readonly boolean[]) => boolean): void {
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    walk(body, (op) => {
      if (op.kind !== "if") return;
      const branches = [op.then, op.else].filter((branch) => branch.diverges !== true);
      op.results.forEach((r, i) => {
        if (rule(branches.map(({ results }) => results[i] !== undefined && found.has(results[i])))) found.add(r);
      });
    });
  }
}

export function holdersOf(body: Region, without: ReadonlySet<Value>): Holders {
  const frames = new Set<Value>();
  const made = new Set<Value>();
  const stacks = new Set<Value>();
  walk(body, (op) => {
    const [result] = op.results;
    if (isSweep(op, "forward")) frames.add(result as Value);
    if ((op.kind === "array" || op.kind === "newArray") && op.stack === true) made.add(result as Value);
    const target = op.kind === "store" ? op.object : op.kind === "push" ? op.array : undefined;
    if (target === undefined || !made.has(target) || !("value" in op)) return;
    const value = op.value as Value;
    if (mayBeLeaf(value.type) && !without.has(value)) stacks.add(target);
  });
  addMerged(body, frames, (ends) => ends.includes(true));
  return { frames, stacks };
}

/** From each value to those that may be, or may lead to, the same storage without a count of their own. */
export function sharing(body: Region, { frames, stacks }: Holders, cut: ReadonlySet<Value>): Map<Value, Value[]> {
  const edges = new Map<Value, Value[]>();
  const join = (from: Value | undefined, to: Value | undefined) => {
    if (from === undefined || to === undefined || cut.has(to)) return;
    const list = edges.get(from);
    if (list === undefined) edges.set(from, [to]);
    else list.push(to);
  };
  walk(body, (op) => {
    const [result] = op.results;
    switch (op.kind) {
      case "load":
      case "pop":
        join(op.kind === "load" ? op.object : op.array, result);
        return;
      case "store":
      case "push": {
        const target = op.kind === "store" ? op.object : op.array;
        if (stacks.has(target) && frames.has(op.value)) join(op.value, target);
        return;
      }
      case "if":
        op.results.forEach((r, i) => {
          for (const branch of [op.then, op.else]) if (branch.diverges !== true) join(branch.results[i], r);
        });
        return;
      case "loop": {
        const offset = op.counted === undefined ? 0 : 1;
        op.initial.forEach((first, i) => {
          for (const from of [first, op.body.results[i]]) {
            join(from, op.body.params[i + offset]);
            join(from, op.test?.params[i]);
            join(from, op.results[i]);
          }
        });
        return;
      }
      case "runtime":
      case "call":
        if (op.kind === "runtime" ? op.fn !== "add" : true)
          if (keepsNothing(op)) for (const v of op.args) join(v, result);
        return;
      default:
        return;
    }
  });
  return edges;
}

/** A value with all that may share its storage. */
export function reach(from: Value, edges: ReadonlyMap<Value, readonly Value[]>): Set<Value> {
  const found = new Set([from]);
  for (const v of found) for (const next of edges.get(v) ?? []) found.add(next);
  return found;
}

/** Does an operation, or one nested in it, read one of the values? */
export function mentions(op: Op, values: ReadonlySet<Value>): boolean {
  if (operands(op).some((v) => values.has(v))) return true;
  return regions(op).some(
    (region) => region.results.some((v) => values.has(v)) || region.ops.some((each) => mentions(each, values)),
  );
}

export const isSweep = (op: Op | undefined, sweep: SweepOp["sweep"]): op is SweepOp =>
  op?.kind === "sweep" && op.sweep === sweep;
