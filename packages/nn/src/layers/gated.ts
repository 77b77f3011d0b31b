/** Gated feed-forward layers. Shazeer 2020, "GLU Variants Improve Transformer", equation 6. */
import type { Tensor } from "@pullback/core";
import type { InitializerOptions } from "../initializers/index.ts";
import type { Layer } from "./layer.ts";
import { Linear } from "./linear.ts";

/** The three projections, `[dim]` to `[hidden]` twice and back, without biases. */
class GatedProjections {
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;

  constructor(dim: number, hidden: number, options: InitializerOptions = {}) {
    const keys = options.key?.split(3) ?? [];
    const linear = (from: number, to: number, i: number) =>
      new Linear(from, to, { bias: false, ...(keys[i] === undefined ? {} : { key: keys[i] }) });
    this.gate = linear(dim, hidden, 0);
    this.up = linear(dim, hidden, 1);
    this.down = linear(hidden, dim, 2);
  }
}

/** `down(gelu(gate x) * up x)` with the tanh form of GELU, as Gemma; `[…, dim]` to `[…, dim]`, without biases. */
export class GeGLU extends GatedProjections implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return this.down.forward(this.gate.forward(input).gelu("tanh").mul(this.up.forward(input)));
  }
}

/** `down(silu(gate x) * up x)`; `[…, dim]` to `[…, dim]`, without biases. */
export class SwiGLU extends GatedProjections implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return this.down.forward(this.gate.forward(input).silu().mul(this.up.forward(input)));
  }
}
