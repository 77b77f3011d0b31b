/** How layers draw their first parameters: PyTorch's defaults. */
import { type RandomKey, randomUniform, type Tensor } from "@pullback/core";

/** Where a layer's random numbers come from: a key of its own, else the seeded default generator (`setSeed`). */
export interface InitializerOptions {
  readonly key?: RandomKey;
}

/**
 * Uniform in ±1/sqrt(fanIn), float32: what PyTorch gives the weights and biases of linear and convolution layers
 * (`kaiming_uniform_` with a = sqrt(5)). He et al. 2015, section 2.2, with the gain of that leaky slope.
 */
export function fanInUniform(shape: readonly number[], fanIn: number, { key }: InitializerOptions = {}): Tensor {
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  return randomUniform(shape, -bound, bound, key === undefined ? {} : { key });
}
