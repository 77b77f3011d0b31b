/** The affine map, `y = x Wᵀ + b`. */
import type { Tensor } from "@pullback/core";
import { fanInUniform, type InitializerOptions } from "../initializers/index.ts";
import type { Layer } from "./layer.ts";

export interface LinearOptions extends InitializerOptions {
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
}

/**
 * `x · weightᵀ + bias` on the last axis: `[…, in]` to `[…, out]`. Weight `[out, in]` and bias `[out]` start uniform in
 * ±1/sqrt(in), as PyTorch's `nn.Linear`.
 */
export class Linear implements Layer<Tensor, Tensor> {
  weight: Tensor;
  bias?: Tensor;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    const [weightKey, biasKey] = options.key?.split() ?? [];
    this.weight = fanInUniform([outFeatures, inFeatures], inFeatures, weightKey && { key: weightKey });
    if (options.bias ?? true) this.bias = fanInUniform([outFeatures], inFeatures, biasKey && { key: biasKey });
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const product = input.matmul(this.weight, { transposeB: true });
    return this.bias === undefined ? product : product.add(this.bias);
  }
}
