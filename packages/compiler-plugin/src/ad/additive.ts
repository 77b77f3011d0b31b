/** Does a loop only add to a value that it carries, so that its iterations may run in any order? */
import { type Op, operands, type Region, regions, type Value } from "../hir/index.ts";

/** `counts`: how often each value is read in the outermost region asked about. */
export function additive(region: Region, entering: Value, leaving: Value, counts: ReadonlyMap<Value, number>): boolean {
  let at = entering;
  while (at !== leaving) {
    const reader = region.ops.find((op) => reads(op, at));
    if (reader === undefined) return false;
    const next = added(reader, at, counts);
    if (next === undefined) return false;
    at = next;
  }
  return at === entering ? (counts.get(at) ?? 0) <= 1 : counts.get(at) === 1;
}

function reads(op: Op, v: Value): boolean {
  return operands(op).includes(v) || regions(op).some((r) => r.results.includes(v) || r.ops.some((o) => reads(o, v)));
}

/** The sum that the only reader of `v` makes of it. */
function added(op: Op, v: Value, counts: ReadonlyMap<Value, number>): Value | undefined {
  switch (op.kind) {
    case "prim":
      if (counts.get(v) !== 1) return undefined;
      return (op.op === "+" && op.args.length === 2) || (op.op === "-" && op.args.length === 2 && op.args[0] === v)
        ? op.results[0]
        : undefined;
    case "runtime":
      return op.fn === "add" && counts.get(v) === 1 ? op.results[0] : undefined;
    case "if": {
      // Each branch reads it once, as its result or on the way to it.
      if (counts.get(v) !== 2 || op.condition === v) return undefined;
      const k = op.then.results.findIndex(
        (r, i) => sumsTo(op.then, v, r, counts) && sumsTo(op.else, v, op.else.results[i], counts),
      );
      return k < 0 ? undefined : op.results[k];
    }
    case "loop": {
      if (counts.get(v) !== 1) return undefined;
      const k = op.initial.indexOf(v);
      if (k < 0 || op.hasBreak || op.test !== undefined) return undefined;
      const param = op.body.params[k + (op.counted === undefined ? 0 : 1)] as Value;
      return additive(op.body, param, op.body.results[k] as Value, counts) ? op.results[k] : undefined;
    }
    default:
      return undefined;
  }
}

/** Is the result of a branch `v` with something added, and nothing else made of it? */
function sumsTo(branch: Region, v: Value, result: Value | undefined, counts: ReadonlyMap<Value, number>): boolean {
  let at = result;
  while (at !== undefined && at !== v && counts.get(at) === 1) at = summand(branch, at);
  return at === v;
}

function summand(branch: Region, sum: Value): Value | undefined {
  const op = branch.ops.find((each) => each.results.includes(sum));
  const adds =
    (op?.kind === "prim" && op.op === "+" && op.args.length === 2) || (op?.kind === "runtime" && op.fn === "add");
  return adds && op !== undefined ? operands(op)[0] : undefined;
}
