/**
 * Stacks of numbers that live no longer than one call are borrowed: the run time keeps arrays of the usual sizes, and a
 * call takes them and gives them back, so that a gradient in a loop allocates nothing and touches no fresh memory. Where
 * the call throws in between, what it borrowed is garbage like any other array. One of the last steps before a function
 * is written down: differentiation knows nothing of it.
 */
import {
  type HirFunction,
  mapOp,
  type NewArrayOp,
  type Op,
  operands,
  type Region,
  regions,
  uses,
  type Value,
  walk,
} from "../hir/index.ts";

/** Constant lengths up to this are cheaper to make than to borrow. */
const short = 16;

export function borrowStacks(fn: HirFunction): HirFunction {
  const borrowed = eligible(fn.body);
  if (borrowed.size === 0) return fn;
  const rewrite = (region: Region): Region => {
    const ends = new Map<Op, Op[]>();
    for (const op of region.ops) {
      const array = op.results[0] as Value;
      if (op.kind !== "newArray" || !borrowed.has(array)) continue;
      const last = region.ops.findLast((each) => mentions(each, array)) as Op;
      const back: Op = { kind: "runtime", fn: "giveBack", args: [array], effects: true, span: op.span, results: [] };
      ends.set(last, [...(ends.get(last) ?? []), back]);
    }
    const taken = (op: Op): Op =>
      op.kind === "newArray" && borrowed.has(op.results[0] as Value)
        ? { kind: "runtime", fn: "borrow", args: [op.length], effects: false, span: op.span, results: op.results }
        : mapOp(op, (v) => v, rewrite);
    return { ...region, ops: region.ops.flatMap((op) => [taken(op), ...(ends.get(op) ?? [])]) };
  };
  return { ...fn, body: rewrite(fn.body) };
}

/** Does an operation, or one nested in it, read the value? */
function mentions(op: Op, v: Value): boolean {
  if (operands(op).includes(v)) return true;
  return regions(op).some((region) => region.results.includes(v) || region.ops.some((each) => mentions(each, v)));
}

/** The stacks of numbers that nobody uses but to read and write their entries. */
function eligible(body: Region): Set<Value> {
  const made = new Map<Value, number>();
  const constants = new Map<Value, unknown>();
  walk(body, (op, region) => {
    if (op.kind === "const") constants.set(op.results[0] as Value, op.value);
    if (op.kind === "newArray" && holdsNumbers(op) && region.ops.at(-1)?.kind !== "throw") {
      const length = constants.get(op.length);
      if (typeof length !== "number" || length > short) made.set(op.results[0] as Value, 0);
    }
    if ((op.kind === "load" || op.kind === "store") && made.has(op.object))
      made.set(op.object, (made.get(op.object) as number) + 1);
  });
  const counts = uses(body);
  return new Set([...made].filter(([array, found]) => found === counts.get(array)).map(([array]) => array));
}

function holdsNumbers({ stack, results }: NewArrayOp): boolean {
  const type = results[0]?.type;
  return stack === true && type?.kind === "array" && type.element.kind === "number";
}
