/** Grouped-query attention over everything, or over a sliding window. */
import type { NoDerivative } from "@pullback/autodiff";
import { rotaryEmbedding, scaledDotProductAttention, type Tensor } from "@pullback/core";
import type { Linear, RMSNorm } from "@pullback/nn";
import type { LayerCache } from "./cache.ts";
import type { GemmaConfig, LayerKind } from "./config.ts";
import type { LayerFactory } from "./initialization.ts";

/** Queries `[batch, heads, sequence, headDim]`, keys and values `[batch, keyValueHeads, sequence, headDim]`. */
interface Projections {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
}

/**
 * Source: Gemma 2 report (arXiv 2408.00118) §2 for windows, grouped heads and the soft-cap; Gemma 3 report
 * (arXiv 2503.19786) §2 for QK-norm and the two rotary bases.
 */
export class Attention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly queryNorm?: RMSNorm;
  readonly keyNorm?: RMSNorm;
  private readonly headDim: NoDerivative<number>;
  private readonly rotary: NoDerivative<{ readonly base: number; readonly scalingFactor: number }>;
  private readonly masking: NoDerivative<{
    readonly causal: true;
    readonly scale: number;
    readonly window?: number;
    readonly softCap?: number;
  }>;

  constructor(config: GemmaConfig, kind: LayerKind, make: LayerFactory) {
    const { hiddenSize, heads, keyValueHeads, headDim } = config;
    this.query = make.linear(hiddenSize, heads * headDim);
    this.key = make.linear(hiddenSize, keyValueHeads * headDim);
    this.value = make.linear(hiddenSize, keyValueHeads * headDim);
    this.output = make.linear(heads * headDim, hiddenSize);
    if (config.normalizeQueryAndKey) {
      this.queryNorm = make.norm(headDim);
      this.keyNorm = make.norm(headDim);
    }
    this.headDim = headDim;
    this.rotary =
      kind === "local"
        ? { base: config.localRopeBase, scalingFactor: 1 }
        : { base: config.ropeBase, scalingFactor: config.ropeScalingFactor };
    this.masking = {
      causal: true,
      scale: config.queryScalar ** -0.5,
      ...(kind === "local" ? { window: config.slidingWindow } : {}),
      ...(config.attentionSoftCap === undefined ? {} : { softCap: config.attentionSoftCap }),
    };
  }

  /**
   * Every position attends to itself and to earlier ones.
   *
   * @param x `[batch, sequence, hidden]`
   * @param positions int32 `[sequence]`
   * @returns `[batch, sequence, hidden]`
   * @differentiable
   */
  forward(x: Tensor, positions: Tensor): Tensor {
    const { query, key, value } = this.project(x, positions);
    return this.attend(query, key, value);
  }

  /** As `forward`, for the tokens that follow those in `cache`, which it remembers there. */
  extend(x: Tensor, positions: Tensor, cache: LayerCache): Tensor {
    const { query, key, value } = this.project(x, positions);
    const { keys, values } = cache.append(key, value);
    return this.attend(query, keys, values);
  }

  private project(x: Tensor, positions: Tensor): Projections {
    const query = this.splitHeads(this.query.forward(x));
    const key = this.splitHeads(this.key.forward(x));
    const value = this.splitHeads(this.value.forward(x));
    const q = this.queryNorm === undefined ? query : this.queryNorm.forward(query);
    const k = this.keyNorm === undefined ? key : this.keyNorm.forward(key);
    return {
      query: rotaryEmbedding(q.swapAxes(1, 2), positions, this.rotary),
      key: rotaryEmbedding(k.swapAxes(1, 2), positions, this.rotary),
      value: value.swapAxes(1, 2),
    };
  }

  /** `[batch, sequence, heads * headDim]` to `[batch, sequence, heads, headDim]`. */
  private splitHeads(x: Tensor): Tensor {
    return x.reshape([x.shape[0]!, x.shape[1]!, -1, this.headDim]);
  }

  private attend(query: Tensor, keys: Tensor, values: Tensor): Tensor {
    const mixed = scaledDotProductAttention(query, keys, values, this.masking).swapAxes(1, 2);
    return this.output.forward(mixed.reshape([mixed.shape[0]!, mixed.shape[1]!, -1]));
  }
}
