/** Where a token stands in its sequence, told to a model that would not know otherwise. */
import type { Int, NoDerivative } from "@pullback/autodiff";
import { arange, concatenate, randn, rotaryEmbedding, type Tensor } from "@pullback/core";
import type { InitializerOptions } from "../initializers/index.ts";
import type { Layer } from "./layer.ts";

/**
 * Adds sines and cosines of the position to `[…, sequence, dim]`: feature 2i gets `sin(p / base^(2i/dim))`, feature
 * 2i + 1 the cosine. Vaswani et al. 2017, section 3.5. Has no parameters, and serves any length.
 */
export class SinusoidalPositions implements Layer<Tensor, Tensor> {
  readonly base: NoDerivative<number>;

  constructor({ base = 10000 }: { readonly base?: number } = {}) {
    this.base = base;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const [sequence, dim] = input.shape.slice(-2);
    return input.add(sinusoids(sequence, dim, this.base).cast(input.dtype));
  }
}

/** The table `[sequence, dim]` of `SinusoidalPositions`, for an odd `dim` too. */
function sinusoids(sequence: Int, dim: Int, base: NoDerivative<number>): NoDerivative<Tensor> {
  const pairs = Math.ceil(dim / 2);
  const frequencies = arange(0, pairs)
    .mul((-2 * Math.log(base)) / dim)
    .exp();
  const angles = arange(0, sequence).expandDims(1).mul(frequencies);
  const both = concatenate([angles.sin().expandDims(-1), angles.cos().expandDims(-1)], -1);
  return both.reshape([sequence, 2 * pairs]).slice(undefined, [0, dim]);
}

/** Adds a learned vector per position to `[…, sequence, dim]`. Weight `[count, dim]` starts normal with deviation 0.02. */
export class LearnedPositions implements Layer<Tensor, Tensor> {
  weight: Tensor;

  constructor(count: number, dim: number, { key }: InitializerOptions = {}) {
    this.weight = randn([count, dim], key === undefined ? {} : { key }).mul(0.02);
  }

  /**
   * @throws ShapeError for a sequence longer than `count`
   * @differentiable
   */
  forward(input: Tensor): Tensor {
    return input.add(this.weight.slice([0, input.shape[input.rank - 2]]));
  }
}

/**
 * Rotates the features of queries or keys `[…, sequence, headDim]` by their position, so that their products depend on
 * the distance alone. Su et al. 2021 (RoFormer), with the halves paired. Has no parameters.
 */
export class RotaryPositions implements Layer<Tensor, Tensor> {
  readonly base: NoDerivative<number>;

  constructor({ base = 10000 }: { readonly base?: number } = {}) {
    this.base = base;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const positions = arange(0, input.shape[input.rank - 2], 1, { dtype: "int32" });
    return rotaryEmbedding(input, positions, { base: this.base });
  }
}
