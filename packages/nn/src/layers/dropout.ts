/** Dropout. */
import type { NoDerivative } from "@pullback/autodiff";
import { dropout, type RandomKey, type Tensor } from "@pullback/core";
import { ParameterError } from "../errors.ts";
import type { Layer } from "./layer.ts";

/**
 * In training, sets each element to zero with probability `rate` and scales the others by `1 / (1 - rate)`; otherwise
 * the identity. Srivastava et al. 2014. `setMode(model, "train" | "eval")` sets `training` on every layer of a model.
 *
 * @throws ParameterError PB7402 for a rate outside [0, 1]
 */
export class Dropout implements Layer<Tensor, Tensor> {
  training: NoDerivative<boolean> = true;
  readonly rate: NoDerivative<number>;

  constructor(rate = 0.5) {
    if (!(rate >= 0 && rate <= 1)) {
      throw new ParameterError(`Dropout's rate is ${rate}`, {
        code: "PB7402",
        hint: "Give a probability from 0 to 1.",
      });
    }
    this.rate = rate;
  }

  /**
   * Draws from `key`, or from the default generator when there is none.
   *
   * @differentiable
   */
  forward(input: Tensor, key?: NoDerivative<RandomKey>): Tensor {
    if (!this.training || this.rate === 0) return input;
    return key === undefined ? dropout(input, this.rate) : dropout(input, this.rate, { key });
  }
}
