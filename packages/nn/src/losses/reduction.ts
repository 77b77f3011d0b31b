/** From one loss per element to the loss. */
import type { Tensor } from "@pullback/core";

/** "mean" over the elements of the unreduced loss, their "sum", or the unreduced loss itself ("none"). */
export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** Default "mean". */
  readonly reduction?: Reduction;
}

/** @differentiable */
export function reduce(loss: Tensor, reduction: Reduction = "mean"): Tensor {
  if (reduction === "none") return loss;
  return reduction === "sum" ? loss.sum() : loss.mean();
}
