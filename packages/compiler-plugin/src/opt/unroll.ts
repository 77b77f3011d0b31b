/**
 * Writes out short loops that stand inside other loops. Reversed, such a loop would fill and empty a stack in every
 * iteration around it; written out, what it saves are locals.
 */
import { copyRegion, type Ids, type LoopOp, mapOp, type Op, type Region, type Value } from "../hir/index.ts";
import { weight } from "./weight.ts";

/** Iterations, and operations of all of them, up to which a loop is written out. */
const fewIterations = 8;
const fewOperations = 64;

export function unrollLoops(region: Region, ids: Ids): Region {
  const constants = new Map<Value, number>();
  const replaced = new Map<Value, Value>();
  const resolve = (v: Value): Value => {
    let at = v;
    for (let next = replaced.get(at); next !== undefined; next = replaced.get(at)) at = next;
    return at;
  };
  const inside = (r: Region, inLoop: boolean): Region => {
    const ops: Op[] = [];
    for (const original of r.ops) {
      const op = mapOp(original, resolve, (inner) => inside(inner, inLoop || original.kind === "loop"));
      if (op.kind === "const" && typeof op.value === "number") constants.set(op.results[0] as Value, op.value);
      const indices = inLoop && op.kind === "loop" ? indicesOf(op, constants) : undefined;
      if (op.kind !== "loop" || indices === undefined) {
        ops.push(op);
        continue;
      }
      let carried = op.initial;
      for (const index of indices) {
        const [param, ...rest] = op.body.params as [Value, ...Value[]];
        const at: Value = { ...param, id: ids.next++ };
        // Not a zero of ours: `x + index` keeps the sign of a zero.
        ops.push({ kind: "const", value: index, written: true, span: op.span, results: [at] });
        const bound = new Map<Value, Value>([[param, at], ...rest.map((p, i) => [p, carried[i] as Value] as const)]);
        const copy = copyRegion({ ...op.body, params: [] }, bound, ids);
        ops.push(...copy.ops);
        carried = copy.results;
      }
      op.results.forEach((result, i) => {
        replaced.set(result, carried[i] as Value);
      });
    }
    return { ...r, ops, results: r.results.map(resolve) };
  };
  return inside(region, false);
}

/** The values of the index, where they are known and few and the body is small. */
function indicesOf(op: LoopOp, constants: ReadonlyMap<Value, number>): number[] | undefined {
  const { counted, body, hasBreak } = op;
  if (counted === undefined || hasBreak || body.diverges === true) return undefined;
  const [start, end] = [constants.get(counted.start), constants.get(counted.end)];
  if (start === undefined || end === undefined || counted.step === 0) return undefined;
  const goesOn = {
    "<": (i: number) => i < end,
    "<=": (i: number) => i <= end,
    ">": (i: number) => i > end,
    ">=": (i: number) => i >= end,
  };
  const indices: number[] = [];
  for (let i = start; goesOn[counted.comparison](i); i += counted.step) {
    indices.push(i);
    if (indices.length > fewIterations) return undefined;
  }
  return indices.length * weight(body) > fewOperations ? undefined : indices;
}
