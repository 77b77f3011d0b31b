/** A product of two inputs. */
import { einsum, type Tensor } from "@pullback/core";
import { fanInUniform } from "../initializers/index.ts";
import type { LinearOptions } from "./linear.ts";

/**
 * `y_k = aᵀ weight_k b + bias_k` on the last axes: `[…, left]` and `[…, right]` to `[…, out]`. Weight
 * `[out, left, right]` and bias `[out]` start uniform in ±1/sqrt(left), as PyTorch's `nn.Bilinear`.
 */
export class Bilinear {
  weight: Tensor;
  bias?: Tensor;

  constructor(left: number, right: number, out: number, options: LinearOptions = {}) {
    const [weightKey, biasKey] = options.key?.split() ?? [];
    this.weight = fanInUniform([out, left, right], left, weightKey && { key: weightKey });
    if (options.bias ?? true) this.bias = fanInUniform([out], left, biasKey && { key: biasKey });
  }

  /** @differentiable */
  forward(a: Tensor, b: Tensor): Tensor {
    const product = einsum("...i,kij,...j->...k", a, this.weight, b);
    return this.bias === undefined ? product : product.add(this.bias);
  }
}
