/** Reductions over axes. */
import type { ReduceOp } from "../backend/index.ts";
import { accumulatorOf } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import type { Axes } from "../shape.ts";
import { formatShape, normalizeAxes, normalizeAxis, reducedShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo, computeWide } from "./operand.ts";

/** The result of reducing over sorted axes, with the axes of extent 1 dropped unless kept. */
function compute(op: ReduceOp, x: Tensor, axes: readonly number[], keepDims: boolean): Tensor {
  const backend = x.backend;
  const result = new Tensor(backend.reduce(op, x.array, axes), backend);
  return keepDims ? result : result.reshape(reducedShape(x.shape, axes, false));
}

/** Throws ShapeError when an extremum is asked of nothing. */
function requireElements(op: string, x: Tensor, axes: readonly number[]): void {
  for (const axis of axes)
    if (x.shape[axis] === 0)
      throw new ShapeError(`${op}: axis ${axis} of shape ${formatShape(x.shape)} is empty and has no extremum.`);
}

export function sum(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return compute("sum", castTo(x, accumulatorOf(x.dtype)), normalizeAxes("sum", axes, x.rank), keepDims);
}

/** Number of elements that a reduction over `axes` reads for each element of its result. */
export function reducedSize(x: Tensor, axes: Axes | undefined): number {
  let count = 1;
  for (const axis of normalizeAxes("mean", axes, x.rank)) count *= x.shape[axis]!;
  return count;
}

export function mean(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const along = normalizeAxes("mean", axes, x.rank);
  return computeWide(x, (wide) => wide.sum(along, keepDims).div(reducedSize(x, along)));
}

export function prod(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return compute("prod", castTo(x, accumulatorOf(x.dtype)), normalizeAxes("prod", axes, x.rank), keepDims);
}

export function max(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const sorted = normalizeAxes("max", axes, x.rank);
  requireElements("max", x, sorted);
  return compute("max", x, sorted, keepDims);
}

export function min(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const sorted = normalizeAxes("min", axes, x.rank);
  requireElements("min", x, sorted);
  return compute("min", x, sorted, keepDims);
}

export function all(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return compute("all", castTo(x, "bool"), normalizeAxes("all", axes, x.rank), keepDims);
}

export function any(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return compute("any", castTo(x, "bool"), normalizeAxes("any", axes, x.rank), keepDims);
}

export function countNonzero(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return castTo(x, "bool").sum(axes, keepDims);
}

function argReduce(op: "argmax" | "argmin", x: Tensor, axis: number | undefined, keepDims: boolean): Tensor {
  const whole = axis === undefined || (x.rank === 0 && (axis === 0 || axis === -1));
  const flat = whole ? x.flatten() : x;
  const along = whole ? 0 : normalizeAxis(op, axis, x.rank);
  requireElements(op, flat, [along]);
  const result = new Tensor(x.backend.argReduce(op, flat.array, along), x.backend);
  if (whole) return result.reshape(keepDims ? x.shape.map(() => 1) : []);
  return keepDims ? result : result.reshape(reducedShape(x.shape, [along], false));
}

export function argmax(x: Tensor, axis?: number, keepDims = false): Tensor {
  return argReduce("argmax", x, axis, keepDims);
}

export function argmin(x: Tensor, axis?: number, keepDims = false): Tensor {
  return argReduce("argmin", x, axis, keepDims);
}
