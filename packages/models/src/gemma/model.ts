/** Gemma 2 and 3, the text model. */
import type { NoDerivative } from "@pullback/autodiff";
import { arange, type DType, full, type RandomKey, randomKey, type Tensor } from "@pullback/core";
import { crossEntropy, type Embedding, type RMSNorm } from "@pullback/nn";
import type { KeyValueCache } from "./cache.ts";
import type { GemmaConfig } from "./config.ts";
import { DecoderLayer } from "./decoder-layer.ts";
import { type GenerateOptions, generate } from "./generate.ts";
import type { GenerationDefaults } from "./hub-config.ts";
import { type Initialize, LayerFactory, scaledNormal } from "./initialization.ts";
import type { Piece } from "./text-stream.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { type Tokens, tokenTensor } from "./tokens.ts";

export interface GemmaOptions {
  /** Draws the first weights; default `randomKey(0)`. */
  readonly key?: RandomKey;
  /** Of the weights; default float32. */
  readonly dtype?: DType;
  /** Gives the matrices their first values instead of `key`. */
  readonly initialize?: Initialize;
  readonly tokenizer?: Tokenizer;
}

export interface LossOptions {
  /** Same shape as the tokens; default the tokens themselves. Position i is predicted from those before it; -100 is ignored. */
  readonly labels?: Tokens;
}

/** What every part of the model gives, each `[batch, sequence, hidden]`. */
export interface HiddenStates {
  /** The scaled embeddings. */
  readonly embed: Tensor;
  /** The residual stream after each layer. */
  readonly layers: Tensor[];
  /** The last of them, normalised: what the logits are made of. */
  readonly finalNorm: Tensor;
}

/**
 * A decoder-only transformer. Source: Gemma 2 report (arXiv 2408.00118), Gemma 3 report (arXiv 2503.19786).
 *
 * `new Gemma(config, { key })` draws weights for training from scratch; `loadGemma` reads published ones. Methods that
 * take tokens throw ShapeError for rows of unequal length and IndexError for ids outside the vocabulary.
 */
export class Gemma {
  /** Published names of the weights. Source: the Hub's Gemma2ForCausalLM and Gemma3ForCausalLM checkpoints. */
  static readonly names = {
    embedding: "model.embed_tokens",
    "layers.{i}.preAttentionNorm": "model.layers.{i}.input_layernorm",
    "layers.{i}.attention.query": "model.layers.{i}.self_attn.q_proj",
    "layers.{i}.attention.key": "model.layers.{i}.self_attn.k_proj",
    "layers.{i}.attention.value": "model.layers.{i}.self_attn.v_proj",
    "layers.{i}.attention.output": "model.layers.{i}.self_attn.o_proj",
    "layers.{i}.attention.queryNorm": "model.layers.{i}.self_attn.q_norm",
    "layers.{i}.attention.keyNorm": "model.layers.{i}.self_attn.k_norm",
    "layers.{i}.postAttentionNorm": "model.layers.{i}.post_attention_layernorm",
    "layers.{i}.preFeedForwardNorm": "model.layers.{i}.pre_feedforward_layernorm",
    "layers.{i}.feedForward.gate": "model.layers.{i}.mlp.gate_proj",
    "layers.{i}.feedForward.up": "model.layers.{i}.mlp.up_proj",
    "layers.{i}.feedForward.down": "model.layers.{i}.mlp.down_proj",
    "layers.{i}.postFeedForwardNorm": "model.layers.{i}.post_feedforward_layernorm",
    finalNorm: "model.norm",
  };

  readonly embedding: Embedding;
  readonly layers: DecoderLayer[];
  readonly finalNorm: RMSNorm;
  readonly config: NoDerivative<GemmaConfig>;
  /** What `generate` falls back to. */
  generation: NoDerivative<GenerationDefaults> = {};
  /** Needed for text prompts and for text in answers. */
  tokenizer: NoDerivative<Tokenizer | undefined>;

  constructor(config: GemmaConfig, options: GemmaOptions = {}) {
    const { dtype = "float32" } = options;
    const initialize = options.initialize ?? scaledNormal(options.key ?? randomKey(0), dtype);
    const make = new LayerFactory(initialize, dtype, config.normEpsilon);
    this.embedding = make.embedding(config.vocabularySize, config.hiddenSize);
    this.layers = config.layers.map((kind) => new DecoderLayer(config, kind, make));
    this.finalNorm = make.norm(config.hiddenSize);
    this.config = config;
    this.tokenizer = options.tokenizer;
  }

  /**
   * @param tokens `[batch, sequence]`
   * @returns logits `[batch, sequence, vocabulary]`: at each position, of the token that follows
   * @differentiable
   */
  forward(tokens: Tokens): Tensor {
    return this.logits(this.encode(tokens));
  }

  /**
   * Mean cross-entropy of every token given those before it, over all positions of the batch that are not ignored
   * (NaN when there is none).
   *
   * @param tokens `[batch, sequence]`
   * @returns a scalar, in nats
   * @differentiable
   */
  loss(tokens: Tokens, options: LossOptions = {}): Tensor {
    const labels = tokenTensor(options.labels ?? tokens, this.config.vocabularySize, -100);
    const hidden = this.encode(tokens).slice(undefined, [0, -1]);
    return crossEntropy(this.logits(hidden), labels.slice(undefined, [1]));
  }

  /** The states between the parts of the model. */
  hiddenStates(tokens: Tokens): HiddenStates {
    const embed = this.embed(tokens);
    const positions = arange(0, embed.shape[1]!, 1, { dtype: "int32" });
    const layers: Tensor[] = [];
    let x = embed;
    for (const layer of this.layers) {
      x = layer.forward(x, positions);
      layers.push(x);
    }
    return { embed, layers, finalNorm: this.finalNorm.forward(x) };
  }

  /**
   * Continues the texts in `cache` by `tokens` `[batch, sequence]` and remembers them there. The same numbers as
   * `forward` on the whole texts gives for its last position, without computing the earlier ones again.
   *
   * @returns logits `[batch, vocabulary]` of the token after the last, float32
   */
  extend(tokens: Tokens, cache: KeyValueCache): Tensor {
    let x = this.embed(tokens);
    const positions = arange(cache.length, cache.length + x.shape[1]!, 1, { dtype: "int32" });
    for (const [i, layer] of this.layers.entries()) x = layer.extend(x, positions, cache.layers[i]!);
    return this.logits(this.finalNorm.forward(x.slice(undefined, -1))).cast("float32");
  }

  /**
   * Continues `prompt` token by token: text, or token ids (which should begin with the beginning-of-sequence token).
   *
   * @throws TokenizerError for a text prompt without tokenizer, ConfigError for options out of range, AbortError
   */
  generate(prompt: string | readonly number[], options: GenerateOptions = {}): AsyncGenerator<Piece, void, undefined> {
    return generate(this, prompt, options);
  }

  private encode(tokens: Tokens): Tensor {
    let x = this.embed(tokens);
    const positions = arange(0, x.shape[1]!, 1, { dtype: "int32" });
    for (const layer of this.layers) x = layer.forward(x, positions);
    return this.finalNorm.forward(x);
  }

  /** Embeddings times sqrt(hidden), which is rounded to their dtype first. */
  private embed(tokens: Tokens): Tensor {
    const rows = this.embedding.forward(tokenTensor(tokens, this.config.vocabularySize));
    return rows.mul(full([], Math.sqrt(this.config.hiddenSize), { dtype: rows.dtype }));
  }

  private logits(hidden: Tensor): Tensor {
    const logits = this.embedding.attend(hidden);
    return this.config.finalSoftCap === undefined ? logits : logits.softCap(this.config.finalSoftCap);
  }
}
