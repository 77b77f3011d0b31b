/** Dropout. */
import { ShapeError } from "../errors.ts";
import { rand } from "../random/distributions.ts";
import type { RandomKey } from "../random/key.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { where } from "./where.ts";

export interface DropoutOptions {
  readonly key?: RandomKey | undefined;
}

/** Which elements are kept: each with probability 1 - rate, bool of x's shape. */
export function keptElements(x: Tensor, rate: number, options?: DropoutOptions): Tensor {
  if (!(rate >= 0 && rate <= 1)) throw new ShapeError(`dropout: the rate ${rate} must lie between 0 and 1.`);
  return rand(x.shape, { key: options?.key }).to(x.device).greaterEqual(rate);
}

/** x / (1 - rate) where kept, else 0. */
export function keep(x: Tensor, kept: Tensor, rate: number): Tensor {
  return rate === 1 ? x.mul(0) : where(kept, x.mul(1 / (1 - rate)), 0);
}

/**
 * Sets each element to 0 with probability `rate` and scales the others by 1 / (1 - rate). Srivastava et al. 2014.
 * Draws from `key`, or from the default generator without one. Differentiable in x.
 * @throws ShapeError when the rate does not lie between 0 and 1.
 */
export function dropout(x: Tensor, rate: number, options?: DropoutOptions): Tensor {
  return rate === 0 ? x : keep(x, keptElements(x, rate, options), rate);
}
