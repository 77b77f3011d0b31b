/**
 * What makes an immutable value a leaf of a tangent: it belongs to a vector space. Numbers have the built-in
 * implementations below; any other type carries its own on its prototype (`Symbol.for("pullback.vector")`).
 */
import { pointwise, vector } from "./symbols.ts";

/** What the operators of reverse mode take as `gradientDtype`. */
export type GradientDType = "float32";

/**
 * Vector space operations. `T` is the type of the tangent; where a method takes a primal value (`zero`, `one`,
 * `differentiable`, the first operand of `add` when a value moves) the leaf type itself is meant, and for numbers and
 * tensors the two are the same. Results are new values; operands never change.
 */
export interface VectorLeaf<T> {
  add(a: T, b: T): T;
  subtract(a: T, b: T): T;
  scale(a: T, factor: number): T;
  /**
   * The sum of two cotangents inside a derivative, where many come together: in a wider precision, if the type has a
   * narrow one. Absent means `add`.
   */
  accumulate?(a: T, b: T): T;
  /**
   * A cotangent of `a` as it leaves a derivative: in the precision of `a`, or in `dtype`, which is the `gradientDtype` of
   * the operator, where that is wider. Absent means that a type has one precision.
   */
  rounded?(cotangent: T, a: T, dtype?: GradientDType): T;
  /** Sum of the products of corresponding elements. */
  dot(a: T, b: T): number;
  /** The zero tangent at `a`: same shape, dtype and device. */
  zero(a: T): T;
  /**
   * The cotangent 1 with which `gradient` starts at a result `a`. Throws a typed error naming the shape unless `a` has
   * exactly one element. A type without it cannot be the result of a function whose gradient is taken.
   */
  one?(a: T): T;
  /**
   * False for values of the type that have no derivative (an integer tensor): `move`, norms and optimizers leave them
   * alone. Absent means always true.
   */
  differentiable?(a: T): boolean;
  /** For whole matrices of derivatives (`jacobian`, `hessian`): how many numbers `a` holds. */
  size?(a: T): number;
  /** The tangent at `a` with a 1 at element i, counted in row-major order, and zeros elsewhere. */
  unit?(a: T, i: number): T;
  /** Puts one part per element of `a` together: leaves of shape `part` (or numbers, or arrays of them) to `[...a, ...part]`. */
  assemble?(parts: readonly (T | number | readonly number[])[], a: T): T;
  /** The parts that `assemble` put together. */
  disassemble?(whole: T, a: T): readonly T[];
}

/** Elementwise operations, for optimizers. Same rules as `VectorLeaf`. */
export interface PointwiseLeaf<T> {
  multiply(a: T, b: T): T;
  divide(a: T, b: T): T;
  sqrt(a: T): T;
  abs(a: T): T;
  /** -1, 0 or 1 per element. */
  sign(a: T): T;
  maximum(a: T, b: T): T;
  minimum(a: T, b: T): T;
}

/** A value that is a leaf by its own protocol member. */
export interface Leaf<T = unknown> {
  readonly [vector]: VectorLeaf<T>;
}

const numberVector: VectorLeaf<number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  scale: (a, factor) => a * factor,
  dot: (a, b) => a * b,
  zero: () => 0,
  one: () => 1,
};

const numberPointwise: PointwiseLeaf<number> = {
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  sqrt: Math.sqrt,
  abs: Math.abs,
  sign: Math.sign,
  maximum: Math.max,
  minimum: Math.min,
};

/** The vector operations of a leaf (a number or a value that carries them). */
export function vectorOf<T>(leaf: T): VectorLeaf<T> {
  return (typeof leaf === "number" ? numberVector : (leaf as Leaf<T>)[vector]) as VectorLeaf<T>;
}

/** The pointwise operations of a leaf; undefined for a leaf type that has none. */
export function pointwiseOf<T>(leaf: T): PointwiseLeaf<T> {
  return (
    typeof leaf === "number" ? numberPointwise : (leaf as Record<symbol, unknown>)[pointwise]
  ) as PointwiseLeaf<T>;
}

/** A cotangent of `value` as it leaves a derivative: leaves may have been summed up in a wider precision than theirs. */
export function roundedLeaf<T>(cotangent: T, value: unknown, dtype?: GradientDType): T {
  if (!isLeaf(value) || !isLeaf(cotangent)) return cotangent;
  return (value[vector].rounded?.(cotangent, value, dtype) ?? cotangent) as T;
}

/** Whether a value is a leaf object (numbers excluded). */
export function isLeaf(value: unknown): value is Leaf {
  return typeof value === "object" && value !== null && (value as Partial<Leaf>)[vector] !== undefined;
}
