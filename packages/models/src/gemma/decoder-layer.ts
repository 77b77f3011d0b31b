/** One layer of the decoder: attention, then the feed-forward network, each between two norms. */
import type { Tensor } from "@pullback/core";
import type { RMSNorm } from "@pullback/nn";
import { Attention } from "./attention.ts";
import type { LayerCache } from "./cache.ts";
import type { GemmaConfig, LayerKind } from "./config.ts";
import { FeedForward } from "./feed-forward.ts";
import type { LayerFactory } from "./initialization.ts";

/** Both sub-layers are normalised before and after ("sandwich"). Source: Gemma 2 report (arXiv 2408.00118), §2. */
export class DecoderLayer {
  readonly preAttentionNorm: RMSNorm;
  readonly attention: Attention;
  readonly postAttentionNorm: RMSNorm;
  readonly preFeedForwardNorm: RMSNorm;
  readonly feedForward: FeedForward;
  readonly postFeedForwardNorm: RMSNorm;

  constructor(config: GemmaConfig, kind: LayerKind, make: LayerFactory) {
    const { hiddenSize } = config;
    this.preAttentionNorm = make.norm(hiddenSize);
    this.attention = new Attention(config, kind, make);
    this.postAttentionNorm = make.norm(hiddenSize);
    this.preFeedForwardNorm = make.norm(hiddenSize);
    this.feedForward = new FeedForward(config, make);
    this.postFeedForwardNorm = make.norm(hiddenSize);
  }

  /**
   * @param x the residual stream, `[batch, sequence, hidden]`
   * @param positions int32 `[sequence]`
   * @returns `[batch, sequence, hidden]`
   * @differentiable
   */
  forward(x: Tensor, positions: Tensor): Tensor {
    return this.add(x, this.attention.forward(this.preAttentionNorm.forward(x), positions));
  }

  /** As `forward`, for the tokens that follow those in `cache`. */
  extend(x: Tensor, positions: Tensor, cache: LayerCache): Tensor {
    return this.add(x, this.attention.extend(this.preAttentionNorm.forward(x), positions, cache));
  }

  private add(x: Tensor, attended: Tensor): Tensor {
    const h = x.add(this.postAttentionNorm.forward(attended));
    return h.add(this.postFeedForwardNorm.forward(this.feedForward.forward(this.preFeedForwardNorm.forward(h))));
  }
}
