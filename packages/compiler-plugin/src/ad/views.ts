/**
 * Calls that answer with memory they were given: a view of a typed array, a frozen object. The shadow of the result is
 * the same view of the shadow, so that both accumulate in one place.
 */
import type { Builder, CallOp, Value } from "../hir/index.ts";

/** The shadow of the result of such a call, from the shadow of its argument; undefined for other calls. */
export function viewOfShadow(b: Builder, op: CallOp, shadow: Value): Value | undefined {
  const { callee, args, results } = op;
  const result = results[0] as Value;
  if (callee.kind !== "inert" || result.type.kind === "inert") return undefined;
  if (callee.method === "subarray" && args[0]?.type.kind === "array" && args[0].type.typed !== undefined)
    return b.call(callee, [shadow, ...args.slice(1)], shadow.type, named(result));
  return callee.method === undefined && /^Object\.(freeze|seal|preventExtensions)$/.test(callee.text)
    ? shadow
    : undefined;
}

const named = ({ name }: Value) => (name === undefined ? {} : { name: `s_${name}` });
