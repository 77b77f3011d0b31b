/** What forward-mode code needs to be differentiated again: the rules of registrations, and tangents without holes. */
import { PullbackError } from "../errors.ts";
import { type Any, type AnyFunction, isLeaf, type Jvp, vectorOf } from "../protocol/index.ts";
import { carry, requireDerivative } from "../registry/index.ts";
import { accumulate, tangentOf, zeroShadow, zeroTangent } from "../shadows/index.ts";
import { isByReference } from "../structure/index.ts";

/** The registered `jvp` of a function, which carries its own derivative. Throws PB3004, PB9001, PB3013. */
export function rule(fn: unknown): AnyFunction {
  const carried = requireDerivative(fn);
  const found = carried.registered?.jvp;
  if (found !== undefined) return found;
  throw new PullbackError(`"${carried.name}" has no registered forward mode to differentiate again.`, {
    code: "PB3013",
    hint: "Give its registration a jvp: registerDerivative(f, { vjp, jvp: (x, y) => ({ value, differential: (dx, dy) => … }) }).",
  });
}

/** A function literal with its forward-mode code. */
export function withCode<F extends AnyFunction>(fn: F, kinds: string, mask: string, jvp: Jvp): F {
  return carry(fn, { abi: 1, name: fn.name, kinds, variants: { [mask]: { jvp } } });
}

/** A tangent as rules take and give it: a number for a number, all of it for a by-reference value; a leaf's stays. */
export function tree(value: Any, tangent: Any): Any {
  if (typeof value === "number") return tangent ?? 0;
  if (!isByReference(value)) return tangent;
  const copy = zeroShadow(value);
  accumulate(copy, tangent);
  return tangentOf(copy, value);
}

/** A tangent of `value` with every zero filled in, a leaf's too. */
export function wholeTangent(value: Any, tangent: Any): Any {
  if (isByReference(value)) return tree(value, tangent);
  if (tangent !== undefined) return tangent;
  return isLeaf(value) ? vectorOf(value).zero(value) : zeroTangent(value);
}
