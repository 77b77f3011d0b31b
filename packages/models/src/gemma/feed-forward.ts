/** The gated feed-forward network. */
import type { Tensor } from "@pullback/core";
import type { Linear } from "@pullback/nn";
import type { GemmaConfig } from "./config.ts";
import type { LayerFactory } from "./initialization.ts";

/** GeGLU: `down(gelu(gate(x)) * up(x))` with the tanh form of GELU. Source: Shazeer 2020 (arXiv 2002.05202), §2. */
export class FeedForward {
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;

  constructor({ hiddenSize, feedForwardSize }: GemmaConfig, make: LayerFactory) {
    this.gate = make.linear(hiddenSize, feedForwardSize);
    this.up = make.linear(hiddenSize, feedForwardSize);
    this.down = make.linear(feedForwardSize, hiddenSize);
  }

  /**
   * @param x `[..., hidden]`
   * @returns `[..., hidden]`
   * @differentiable
   */
  forward(x: Tensor): Tensor {
    return this.down.forward(this.gate.forward(x).gelu("tanh").mul(this.up.forward(x)));
  }
}
