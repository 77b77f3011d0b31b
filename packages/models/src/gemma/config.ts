/** What makes one Gemma differ from another: the numbers of its architecture. */
import { ConfigError } from "../errors.ts";

/** Which keys a layer sees: those of its sliding window, or every earlier one. */
export type LayerKind = "local" | "global";

export interface GemmaConfig {
  /** 2 caps its attention scores and logits; 3 normalises queries and keys and has a rope base of its own for local layers. */
  readonly generation: 2 | 3;
  /** Rows of the embedding, which is the output matrix too. */
  readonly vocabularySize: number;
  /** Ids from here on are never generated: the 4B and larger have 64 rows more, for images to be embedded by. */
  readonly generatedTokens: number;
  /** Width of the residual stream. */
  readonly hiddenSize: number;
  /** Width of each branch of the gated feed-forward network. */
  readonly feedForwardSize: number;
  readonly heads: number;
  /** Each key-value head serves `heads / keyValueHeads` query heads. */
  readonly keyValueHeads: number;
  /** Even; `heads * headDim` need not be the hidden size. */
  readonly headDim: number;
  /** Queries are scaled by its inverse square root. */
  readonly queryScalar: number;
  /** One entry per layer. */
  readonly layers: readonly LayerKind[];
  /** Keys that a local layer sees, the query's own included. */
  readonly slidingWindow: number;
  /** Rotary base of the global layers. */
  readonly ropeBase: number;
  /** Rotary base of the local layers. */
  readonly localRopeBase: number;
  /** Global layers divide positions by it ("linear" scaling). */
  readonly ropeScalingFactor: number;
  /** RMSNorm over the head dimension of queries and keys, before rotation. */
  readonly normalizeQueryAndKey: boolean;
  /** `cap * tanh(score / cap)` before the mask; undefined: no cap. */
  readonly attentionSoftCap: number | undefined;
  /** The same on the logits. */
  readonly finalSoftCap: number | undefined;
  readonly normEpsilon: number;
  /** Longest sequence that the model was trained for. */
  readonly contextLength: number;
  readonly beginToken: number;
  /** Tokens that end a text unless a caller says otherwise. */
  readonly stopTokens: readonly number[];
}

/** Layer i is global when i + 1 is a multiple of `period`: 2 gives Gemma 2's alternation, 6 Gemma 3's five to one. */
export function layerPattern(count: number, period: number): LayerKind[] {
  return Array.from({ length: count }, (_, i) => ((i + 1) % period === 0 ? "global" : "local"));
}

/** A Gemma 2 with the 2B's values for all that is not given. Throws ConfigError PB8103. */
export function gemma2Config(values: Partial<GemmaConfig> = {}): GemmaConfig {
  return validated({
    generation: 2,
    vocabularySize: 256000,
    generatedTokens: values.vocabularySize ?? 256000,
    hiddenSize: 2304,
    feedForwardSize: 9216,
    heads: 8,
    keyValueHeads: 4,
    headDim: 256,
    queryScalar: values.headDim ?? 256,
    layers: layerPattern(26, 2),
    slidingWindow: 4096,
    ropeBase: 10_000,
    localRopeBase: values.ropeBase ?? 10_000,
    ropeScalingFactor: 1,
    normalizeQueryAndKey: false,
    attentionSoftCap: 50,
    finalSoftCap: 30,
    normEpsilon: 1e-6,
    contextLength: 8192,
    beginToken: 2,
    stopTokens: [1],
    ...values,
  });
}

/** A Gemma 3 (text) with the 1B's values for all that is not given. Throws ConfigError PB8103. */
export function gemma3Config(values: Partial<GemmaConfig> = {}): GemmaConfig {
  return validated({
    generation: 3,
    vocabularySize: 262144,
    generatedTokens: values.vocabularySize === 262208 ? 262144 : (values.vocabularySize ?? 262144),
    hiddenSize: 1152,
    feedForwardSize: 6912,
    heads: 4,
    keyValueHeads: 1,
    headDim: 256,
    queryScalar: values.headDim ?? 256,
    layers: layerPattern(26, 6),
    slidingWindow: 512,
    ropeBase: 1_000_000,
    localRopeBase: 10_000,
    ropeScalingFactor: 1,
    normalizeQueryAndKey: true,
    attentionSoftCap: undefined,
    finalSoftCap: undefined,
    normEpsilon: 1e-6,
    contextLength: 32768,
    beginToken: 2,
    stopTokens: [1],
    ...values,
  });
}

const counts = ["vocabularySize", "generatedTokens", "hiddenSize", "feedForwardSize", "heads", "keyValueHeads", "headDim", "slidingWindow",
  "contextLength"] as const; // biome-ignore format: a table
const positives = ["queryScalar", "ropeBase", "localRopeBase", "ropeScalingFactor", "normEpsilon"] as const;

function validated(config: GemmaConfig): GemmaConfig {
  const problems: string[] = [];
  for (const name of counts) {
    if (!Number.isSafeInteger(config[name]) || config[name] < 1) {
      problems.push(`${name} is ${config[name]}, and must be a positive integer`);
    }
  }
  for (const name of positives) {
    if (!(config[name] > 0 && config[name] < Infinity))
      problems.push(`${name} is ${config[name]}, and must be positive`);
  }
  for (const name of ["attentionSoftCap", "finalSoftCap"] as const) {
    const cap = config[name];
    if (cap !== undefined && !(cap > 0)) problems.push(`${name} is ${cap}, and must be positive or absent`);
  }
  if (config.heads % config.keyValueHeads !== 0) {
    problems.push(`heads (${config.heads}) is not a multiple of keyValueHeads (${config.keyValueHeads})`);
  }
  if (config.headDim % 2 !== 0) problems.push(`headDim is ${config.headDim}; rotary embedding needs an even one`);
  if (config.layers.length === 0) problems.push("layers is empty");
  for (const token of [config.beginToken, ...config.stopTokens]) {
    if (!(Number.isSafeInteger(token) && token >= 0 && token < config.vocabularySize)) {
      problems.push(`token ${token} is outside the vocabulary of ${config.vocabularySize}`);
    }
  }
  if (problems.length > 0) {
    throw new ConfigError(`the Gemma ${config.generation} configuration is inconsistent: ${problems.join("; ")}`, {
      code: "PB8103",
      hint: "Correct the values named; the published ones are in gemmaSizes.",
    });
  }
  return Object.freeze(config);
}
