/** The affine map with a weight that stays quantised in memory. */
import type { NoDerivative } from "@pullback/autodiff";
import type { QuantisedDType, Tensor } from "@pullback/core";
import type { Layer } from "./layer.ts";
import type { Linear } from "./linear.ts";

/**
 * `x · weightᵀ + bias`, `[…, in]` to `[…, out]`, with a weight `[out, in]` in blocks of a quantised dtype, which matmul
 * reads as they are. The weight has no tangent and is not trained; input and bias have theirs. In a state dict the weight
 * is a buffer; floating weights that are loaded into it are quantised. To fine-tune on top of it: `LoRA`.
 */
export class QuantisedLinear implements Layer<Tensor, Tensor> {
  readonly weight: NoDerivative<Tensor>;
  bias?: Tensor;

  constructor(weight: Tensor, bias?: Tensor) {
    this.weight = weight;
    if (bias !== undefined) this.bias = bias;
  }

  /**
   * A trained layer, its weight rounded to `dtype` (q8_0 by default).
   *
   * @throws DTypeError when the input features do not fill the blocks of that dtype (32, or 256 for q4_k and q6_k)
   */
  static of(layer: Linear, dtype: QuantisedDType = "q8_0"): QuantisedLinear {
    return new QuantisedLinear(layer.weight.cast(dtype), layer.bias);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const product = input.matmul(this.weight, { transposeB: true });
    return this.bias === undefined ? product : product.add(this.bias);
  }
}
