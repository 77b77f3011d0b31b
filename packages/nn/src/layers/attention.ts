/** Multi-head attention. */
import type { Int, NoDerivative } from "@pullback/autodiff";
import { scaledDotProductAttention, type Tensor } from "@pullback/core";
import { ParameterError } from "../errors.ts";
import type { InitializerOptions } from "../initializers/index.ts";
import type { Layer } from "./layer.ts";
import { Linear } from "./linear.ts";

export interface MultiHeadAttentionOptions extends InitializerOptions {
  /** Heads of keys and values, each shared by `heads / keyValueHeads` query heads; default `heads`. Ainslie et al. 2023. */
  readonly keyValueHeads?: number;
  /** Features per head; default `dim / heads`. */
  readonly headDim?: number;
  /** Whether the projections have biases; default true. */
  readonly bias?: boolean;
  /** Whether a position attends only to itself and those before it; default false. */
  readonly causal?: boolean;
  /** Attends only to positions nearer than this. Beltagy, Peters and Cohan 2020. */
  readonly window?: number;
  /** Squashes the scores: `softCap * tanh(score / softCap)`. */
  readonly softCap?: number;
}

/**
 * Queries `[batch, sequence, dim]`, keys and values `[batch, source, dim]` (by default the queries) to
 * `[batch, sequence, dim]`. Vaswani et al. 2017, section 3.2.2. A boolean `mask` that broadcasts to
 * `[batch, heads, sequence, source]` says who may attend to whom; a floating one is added to the scores.
 *
 * @throws ParameterError PB7402 when the heads do not divide the features, or the heads of keys those of queries
 */
export class MultiHeadAttention implements Layer<Tensor, Tensor> {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly heads: Int;
  readonly keyValueHeads: Int;
  readonly headDim: Int;
  readonly causal: NoDerivative<boolean>;
  readonly window: NoDerivative<number | undefined>;
  readonly softCap: NoDerivative<number | undefined>;

  constructor(dim: number, heads: number, options: MultiHeadAttentionOptions = {}) {
    const { keyValueHeads = heads, headDim = dim / heads, bias = true, causal = false, window, softCap } = options;
    if (!Number.isInteger(headDim) || !Number.isInteger(heads / keyValueHeads)) {
      throw new ParameterError(
        `${heads} heads with ${keyValueHeads} heads of keys and values do not divide ${dim} features`,
        {
          code: "PB7402",
          hint: "Choose heads that divide dim (or give headDim), and keyValueHeads that divide heads.",
        },
      );
    }
    const keys = options.key?.split(4);
    const linear = (from: number, to: number, i: number) =>
      new Linear(from, to, keys ? { bias, key: keys[i] } : { bias });
    this.query = linear(dim, heads * headDim, 0);
    this.key = linear(dim, keyValueHeads * headDim, 1);
    this.value = linear(dim, keyValueHeads * headDim, 2);
    this.output = linear(heads * headDim, dim, 3);
    this.heads = heads;
    this.keyValueHeads = keyValueHeads;
    this.headDim = headDim;
    this.causal = causal;
    this.window = window;
    this.softCap = softCap;
  }

  /** @differentiable */
  forward(query: Tensor, key: Tensor = query, value: Tensor = key, mask?: Tensor): Tensor {
    const attended = scaledDotProductAttention(
      this.byHead(this.query.forward(query), this.heads),
      this.byHead(this.key.forward(key), this.keyValueHeads),
      this.byHead(this.value.forward(value), this.keyValueHeads),
      { causal: this.causal, window: this.window, softCap: this.softCap, mask },
    );
    const { shape } = query;
    return this.output.forward(attended.swapAxes(-3, -2).reshape([...shape.slice(0, -1), this.heads * this.headDim]));
  }

  /** `[…, sequence, heads · headDim]` to `[…, heads, sequence, headDim]`. */
  private byHead(x: Tensor, heads: Int): Tensor {
    return x.reshape([...x.shape.slice(0, -1), heads, this.headDim]).swapAxes(-3, -2);
  }
}
