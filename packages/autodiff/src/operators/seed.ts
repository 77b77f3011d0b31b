/** The cotangent with which `gradient` starts. */
import { PullbackError } from "../errors.ts";
import { type Any, isLeaf, vector } from "../protocol/index.ts";

/**
 * The cotangent of a result: `cotangent` itself, but where it is the 1 of `gradient` and the result is a leaf, the leaf's
 * own one. Throws the leaf type's error (a tensor's ShapeError) unless it has exactly one element, and PB2001 for a
 * result that is neither a number nor such a leaf.
 */
export function seed(value: unknown, cotangent: Any = 1): Any {
  if (typeof value === "number" || cotangent !== 1) return cotangent;
  if (isLeaf(value)) {
    const one = value[vector].one;
    if (one !== undefined) return one(value);
  }
  throw notScalar(value);
}

/** Throws PB2001 for a value that `gradient` cannot start at; whether a leaf has one element is the leaf's own check. */
export function requireScalar(value: unknown): void {
  if (typeof value !== "number" && !(isLeaf(value) && value[vector].one !== undefined)) throw notScalar(value);
}

function notScalar(value: unknown): PullbackError {
  const what = value === null ? "null" : typeof value === "object" ? value.constructor?.name : typeof value;
  return new PullbackError(
    `gradient needs a function whose result is a number or has one element, but this one returned ${what}.`,
    {
      code: "PB2001",
      hint: "Reduce the result (a sum, a mean), or use pullback(f)(…)(cotangent), which takes the cotangent of any result.",
    },
  );
}
