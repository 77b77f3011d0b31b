/** Losses that stop at a margin. */
import type { NoDerivative } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * `max(0, 1 - target · prediction)` for targets of -1 and 1.
 *
 * @differentiable
 */
export function hingeLoss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return reduce(targets.mul(predictions).neg().add(1).relu(), options.reduction);
}

/**
 * The square of `hingeLoss`.
 *
 * @differentiable
 */
export function squaredHingeLoss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return reduce(targets.mul(predictions).neg().add(1).relu().square(), options.reduction);
}

/**
 * `max(0, 1 + max(prediction of the wrong classes) - prediction of the right one)` over the last axis, for one-hot
 * targets.
 *
 * @differentiable
 */
export function categoricalHingeLoss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  const right = targets.mul(predictions).sum(-1);
  const wrong = targets.neg().add(1).mul(predictions).max(-1);
  return reduce(wrong.sub(right).add(1).relu(), options.reduction);
}

export interface TripletOptions extends LossOptions {
  /** Default 1. */
  readonly margin?: NoDerivative<number>;
}

/**
 * `max(0, |anchor - positive| - |anchor - negative| + margin)` with Euclidean distances over the last axis; 1e-6 is
 * added to each difference, as PyTorch does, so that the distance of equal points has a derivative. Balntas et al. 2016.
 *
 * @differentiable
 */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletOptions = {},
): Tensor {
  const near = anchor.sub(positive).add(1e-6).norm(-1);
  const far = anchor.sub(negative).add(1e-6).norm(-1);
  return reduce(
    near
      .sub(far)
      .add(options.margin ?? 1)
      .relu(),
    options.reduction,
  );
}
