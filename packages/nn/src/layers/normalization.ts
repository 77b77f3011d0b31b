/** Normalisation over trailing axes: LayerNorm and RMSNorm. */
import type { NoDerivative } from "@pullback/autodiff";
import { layerNorm, ones, rmsNorm, type Tensor, zeros } from "@pullback/core";
import type { Layer } from "./layer.ts";

export interface LayerNormOptions {
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
}

/**
 * `(x - mean) / sqrt(variance + epsilon) * weight + bias` over the trailing axes of extents `shape`. Weight and bias,
 * of that shape, start at 1 and 0. Ba, Kiros and Hinton 2016.
 */
export class LayerNorm implements Layer<Tensor, Tensor> {
  weight: Tensor;
  bias?: Tensor;
  readonly axes: NoDerivative<readonly number[]>;
  readonly epsilon: NoDerivative<number>;

  constructor(shape: number | readonly number[], options: LayerNormOptions = {}) {
    const extents = typeof shape === "number" ? [shape] : shape;
    this.weight = ones(extents);
    if (options.bias ?? true) this.bias = zeros(extents);
    this.axes = extents.map((_, i) => i - extents.length);
    this.epsilon = options.epsilon ?? 1e-5;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return layerNorm(input, this.weight, this.bias, { axes: this.axes, epsilon: this.epsilon });
  }
}

export interface RMSNormOptions {
  /** Added to the weight, so that a weight of `1 - offset` is the identity; Gemma uses 1. Default 0. */
  readonly offset?: number;
  /** Added to the mean square; default 1e-6. */
  readonly epsilon?: number;
}

/**
 * `x / sqrt(mean(x²) + epsilon) * (weight + offset)` over the last axis, of extent `dim`. The weight starts at
 * `1 - offset`. Zhang and Sennrich 2019, equation 4.
 */
export class RMSNorm implements Layer<Tensor, Tensor> {
  weight: Tensor;
  readonly offset: NoDerivative<number>;
  readonly epsilon: NoDerivative<number>;

  constructor(dim: number, options: RMSNormOptions = {}) {
    this.offset = options.offset ?? 0;
    this.epsilon = options.epsilon ?? 1e-6;
    this.weight = this.offset === 1 ? zeros([dim]) : ones([dim]).mul(1 - this.offset);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return rmsNorm(input, this.weight, { offset: this.offset, epsilon: this.epsilon });
  }
}
