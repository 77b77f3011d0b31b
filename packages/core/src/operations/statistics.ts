/** Variance, norms and logSumExp: reductions composed from others. */
import type { Axes } from "../shape.ts";
import { normalizeAxes, reducedShape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castTo, computeWide } from "./operand.ts";
import { reducedSize } from "./reduction.ts";
import { where } from "./where.ts";

/** Two passes: the mean, then the mean of squared deviations, over `n - correction`. */
export function variance(x: Tensor, axes?: Axes, keepDims = false, correction = 0): Tensor {
  const along = normalizeAxes("variance", axes, x.rank);
  // Python's and NumPy's rule: never a negative divisor.
  const divisor = Math.max(0, reducedSize(x, along) - correction);
  return computeWide(x, (wide) => {
    const deviation = wide.sub(wide.mean(along, true));
    return deviation.square().sum(along, keepDims).div(divisor);
  });
}

export function std(x: Tensor, axes?: Axes, keepDims = false, correction = 0): Tensor {
  const along = normalizeAxes("std", axes, x.rank);
  return computeWide(x, (wide) => wide.variance(along, keepDims, correction).sqrt());
}

export interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Mean and variance over `axes`. */
export function moments(x: Tensor, axes?: Axes, keepDims = false): Moments {
  return { mean: x.mean(axes, keepDims), variance: x.variance(axes, keepDims) };
}

export function logSumExp(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const sorted = normalizeAxes("logSumExp", axes, x.rank);
  return computeWide(x, (wide) => {
    if (sorted.some((axis) => x.shape[axis] === 0)) return wide.sum(sorted, keepDims).sub(Infinity);
    const maximum = wide.max(sorted, true);
    // An infinite maximum is subtracted as 0, or the difference of infinities would be NaN.
    const shift = where(maximum.isFinite(), maximum, 0);
    const result = wide.sub(shift).exp().sum(sorted, true).log().add(shift);
    return keepDims ? result : result.reshape(reducedShape(x.shape, sorted, false));
  });
}

/** (sum |x|^order)^(1/order) over `axes`, as a vector norm; orders 0, Infinity and -Infinity as in NumPy. */
export function norm(x: Tensor, axes?: Axes, keepDims = false, order = 2): Tensor {
  const along = normalizeAxes("norm", axes, x.rank);
  return computeWide(x, (wide) => magnitudeNorm(wide.abs(), along, keepDims, order));
}

function magnitudeNorm(magnitude: Tensor, axes: readonly number[], keepDims: boolean, order: number): Tensor {
  if (order === Infinity) return magnitude.max(axes, keepDims);
  if (order === -Infinity) return magnitude.min(axes, keepDims);
  if (order === 0) return castTo(magnitude.notEqual(0), magnitude.dtype).sum(axes, keepDims);
  if (order === 1) return magnitude.sum(axes, keepDims);
  if (order === 2) return magnitude.square().sum(axes, keepDims).sqrt();
  return magnitude
    .pow(order)
    .sum(axes, keepDims)
    .pow(1 / order);
}
