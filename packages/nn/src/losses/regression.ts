/** Losses between real-valued predictions and targets of one shape (or shapes that broadcast). */
import type { NoDerivative } from "@pullback/autodiff";
import { type Tensor, where } from "@pullback/core";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * `(prediction - target)²`.
 *
 * @differentiable
 */
export function meanSquaredError(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return reduce(predictions.sub(targets).square(), options.reduction);
}

/**
 * `|prediction - target|`.
 *
 * @differentiable
 */
export function meanAbsoluteError(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return reduce(predictions.sub(targets).abs(), options.reduction);
}

/**
 * `(log(1 + prediction) - log(1 + target))²`, negative values counted as 0.
 *
 * @differentiable
 */
export function meanSquaredLogarithmicError(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return reduce(predictions.relu().log1p().sub(targets.relu().log1p()).square(), options.reduction);
}

/**
 * `100 |target - prediction| / |target|`; a target of 0 gives Infinity (NaN where the prediction is 0 too).
 *
 * @differentiable
 */
export function meanAbsolutePercentageError(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return reduce(targets.sub(predictions).div(targets).abs().mul(100), options.reduction);
}

/**
 * `log(cosh(prediction - target))`, computed without overflow.
 *
 * @differentiable
 */
export function logCoshLoss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  const difference = predictions.sub(targets);
  return reduce(difference.add(difference.mul(-2).softplus()).sub(Math.LN2), options.reduction);
}

/**
 * `prediction - target · log(prediction)`: the negative log-likelihood of a Poisson variable of mean `prediction`, up
 * to a constant.
 *
 * @differentiable
 */
export function poissonLoss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return reduce(predictions.sub(targets.mul(predictions.log())), options.reduction);
}

export interface HuberOptions extends LossOptions {
  /** Where the parabola becomes a line; default 1. */
  readonly delta?: NoDerivative<number>;
}

/**
 * `d² / 2` up to `|d| = delta`, `delta · (|d| - delta / 2)` beyond, for `d = prediction - target`. Huber 1964.
 *
 * @differentiable
 */
export function huberLoss(predictions: Tensor, targets: Tensor, options: HuberOptions = {}): Tensor {
  const delta = options.delta ?? 1;
  const difference = predictions.sub(targets);
  const distance = difference.abs();
  const line = distance.sub(delta / 2).mul(delta);
  return reduce(where(distance.lessEqual(delta), difference.square().mul(0.5), line), options.reduction);
}

export interface SmoothL1Options extends LossOptions {
  /** Where the parabola becomes a line of slope 1; default 1, and 0 is the absolute error. */
  readonly beta?: NoDerivative<number>;
}

/**
 * `d² / (2 beta)` up to `|d| = beta`, `|d| - beta / 2` beyond, for `d = prediction - target`. Girshick 2015 (Fast
 * R-CNN), equation 3, with PyTorch's `beta`.
 *
 * @differentiable
 */
export function smoothL1Loss(predictions: Tensor, targets: Tensor, options: SmoothL1Options = {}): Tensor {
  const beta = options.beta ?? 1;
  const difference = predictions.sub(targets);
  const distance = difference.abs();
  if (beta === 0) return reduce(distance, options.reduction);
  const parabola = difference.square().mul(0.5 / beta);
  return reduce(where(distance.less(beta), parabola, distance.sub(beta / 2)), options.reduction);
}
