/** Which value a tangent belongs to: a tangent is made of plain objects, but names and ties are the value's. */
import { structureOf } from "../structure/index.ts";

const primals = new WeakMap<object, object>();

/**
 * Remembers that `tangent` is one of `primal`, and returns it. Only values that hold objects are remembered: a tensor or
 * a list of numbers has no names, and its tangent should not keep it alive.
 */
export function ofPrimal<T>(tangent: T, primal: unknown): T {
  if (typeof tangent === "object" && tangent !== null && hasFields(primal)) primals.set(tangent, primal as object);
  return tangent;
}

/**
 * The value at which a tangent was taken: of a tangent that an operator, `zeroTangent` or the algebra of tangents
 * returned, the argument it belongs to. `undefined` for anything else, parts of such tangents included.
 */
export function primalOf(tangent: unknown): object | undefined {
  return typeof tangent === "object" && tangent !== null ? primals.get(tangent) : undefined;
}

function hasFields(value: unknown): boolean {
  const structure = structureOf(value);
  if (structure === "array") return structureOf((value as readonly unknown[])[0]) === "struct";
  return structure === "struct" || structure === "map";
}
