/** Low-rank adaptation of a layer that itself stays as it is. */
import type { NoDerivative } from "@pullback/autodiff";
import { type RandomKey, randomKey, type Tensor, zeros } from "@pullback/core";
import { ParameterError } from "../errors.ts";
import { fanInUniform } from "../initializers/index.ts";
import { Dropout } from "./dropout.ts";
import type { Layer } from "./layer.ts";
import { Linear } from "./linear.ts";
import type { QuantisedLinear } from "./quantised-linear.ts";

export interface LoRAOptions {
  readonly rank: number;
  /** The adaptation is scaled by `alpha / rank`; default `rank`, that is, by 1. */
  readonly alpha?: number;
  /** Dropout on the adaptation's input, while training; default 0. */
  readonly dropout?: number;
  readonly key?: RandomKey;
}

/**
 * `base(x) + alpha / rank · x downᵀ upᵀ`: only `down [rank, in]` and `up [out, rank]` are parameters; the wrapped layer
 * has no tangent, costs no gradient, and may be quantised. `up` starts at zero, so that nothing changes at first. Hu et
 * al. 2022, section 4.1. PEFT's names are lora_A and lora_B.
 *
 * @throws ParameterError PB7402 for a rank that is no whole number from 1
 */
export class LoRA implements Layer<Tensor, Tensor> {
  readonly base: NoDerivative<Linear | QuantisedLinear>;
  down: Tensor;
  up: Tensor;
  readonly dropout: Dropout;
  readonly scale: NoDerivative<number>;

  constructor(base: Linear | QuantisedLinear, { rank, alpha = rank, dropout = 0, key }: LoRAOptions) {
    if (!Number.isInteger(rank) || rank < 1) {
      throw new ParameterError(`LoRA's rank is ${rank}`, { code: "PB7402", hint: "Give a whole number from 1." });
    }
    const [outFeatures, inFeatures] = base.weight.shape;
    this.base = base;
    this.down = fanInUniform([rank, inFeatures], inFeatures, key && { key });
    this.up = zeros([outFeatures, rank]);
    this.dropout = new Dropout(dropout);
    this.scale = alpha / rank;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const low = this.dropout.forward(input).matmul(this.down, { transposeB: true });
    return this.base.forward(input).add(low.matmul(this.up, { transposeB: true }).mul(this.scale));
  }

  /** One layer that computes the same, without dropout; a quantised base is decoded to float32. */
  merged(): Linear {
    const { base, up, down, scale } = this;
    const [outFeatures, inFeatures] = base.weight.shape;
    const linear = new Linear(inFeatures, outFeatures, { bias: base.bias !== undefined, key: randomKey(0) });
    linear.weight = base.weight.cast(up.dtype).add(up.matmul(down).mul(scale));
    if (base.bias !== undefined) linear.bias = base.bias;
    return linear;
  }
}
