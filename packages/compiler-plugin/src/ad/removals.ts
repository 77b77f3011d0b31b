/**
 * Entries that go: `map.delete(key)`, `map.clear()`, `delete record[key]`, `delete object.field`. What is gone is not read
 * until it is stored anew, and then its adjoint belongs to the new value: the reverse sweep has nothing to do. A tangent
 * goes with its value.
 */
import { type Builder, type CallOp, deletion, narrowed, type Value } from "../hir/index.ts";

export function removesEntries({ callee, args }: CallOp): boolean {
  const [object] = args;
  if (callee.kind !== "inert" || object === undefined) return false;
  if (callee.method === undefined) return callee.text === deletion;
  return (callee.method === "delete" || callee.method === "clear") && narrowed(object.type).kind === "map";
}

/** The same removal from the tangent of the object. */
export function removeTangents(b: Builder, op: CallOp, tangent: Value): void {
  b.call(op.callee, [tangent, ...op.args.slice(1)], op.results[0]!.type, { effects: true });
}
