/** Layers that disturb their input while training and are the identity otherwise. */
import type { NoDerivative } from "@pullback/autodiff";
import { type RandomKey, rand, randn, type Tensor, where } from "@pullback/core";
import { ParameterError } from "../errors.ts";
import type { Layer } from "./layer.ts";

/** Adds normal noise of deviation `deviation`. */
export class GaussianNoise implements Layer<Tensor, Tensor> {
  training: NoDerivative<boolean> = true;
  readonly deviation: NoDerivative<number>;

  constructor(deviation: number) {
    this.deviation = requireBetween("GaussianNoise's deviation", deviation, Number.MAX_VALUE);
  }

  /** @differentiable */
  forward(input: Tensor, key?: NoDerivative<RandomKey>): Tensor {
    return this.training ? input.add(normal(input, key).mul(this.deviation)) : input;
  }
}

/** Multiplies by normal noise of mean 1 and variance `rate / (1 - rate)`. Srivastava et al. 2014, section 10. */
export class GaussianDropout implements Layer<Tensor, Tensor> {
  training: NoDerivative<boolean> = true;
  readonly rate: NoDerivative<number>;

  constructor(rate = 0.5) {
    this.rate = requireBetween("GaussianDropout's rate", rate, 1 - Number.EPSILON);
  }

  /** @differentiable */
  forward(input: Tensor, key?: NoDerivative<RandomKey>): Tensor {
    if (!this.training) return input;
    return input.mul(
      normal(input, key)
        .mul(Math.sqrt(this.rate / (1 - this.rate)))
        .add(1),
    );
  }
}

/** What dropped elements become under `AlphaDropout`: the value that `selu` approaches at minus infinity. */
const saturation = -1.7580993408473766;

/**
 * Dropout that keeps mean 0 and variance 1, for networks of `selu`: dropped elements take selu's lowest value, and an
 * affine map restores mean and variance. Klambauer et al. 2017, section 3, "Alpha Dropout".
 */
export class AlphaDropout implements Layer<Tensor, Tensor> {
  training: NoDerivative<boolean> = true;
  readonly rate: NoDerivative<number>;

  constructor(rate = 0.5) {
    this.rate = requireBetween("AlphaDropout's rate", rate, 1 - Number.EPSILON);
  }

  /** @differentiable */
  forward(input: Tensor, key?: NoDerivative<RandomKey>): Tensor {
    if (!this.training || this.rate === 0) return input;
    const keep = 1 - this.rate;
    const factor = (keep + saturation ** 2 * keep * this.rate) ** -0.5;
    const kept = rand(input.shape, key === undefined ? {} : { key }).less(keep);
    return where(kept, input, saturation)
      .mul(factor)
      .sub(factor * this.rate * saturation);
  }
}

function normal(like: Tensor, key: NoDerivative<RandomKey> | undefined): NoDerivative<Tensor> {
  return randn(like.shape, key === undefined ? { dtype: like.dtype } : { dtype: like.dtype, key });
}

function requireBetween(what: string, value: number, most: number): number {
  if (value >= 0 && value <= most) return value;
  throw new ParameterError(`${what} is ${value}`, {
    code: "PB7402",
    hint: `Give a number from 0 to ${most < 1 ? "1 (excluded)" : "infinity"}.`,
  });
}
