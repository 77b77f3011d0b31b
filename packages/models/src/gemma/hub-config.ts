/**
 * The published form of a configuration: a Hub folder's config.json and generation_config.json.
 * Source of the names and of the defaults for absent ones: transformers, Gemma2Config and Gemma3TextConfig (released
 * files are sparse and rely on those defaults), and `rope_parameters` as transformers 5 writes it.
 */
import { ConfigError } from "../errors.ts";
import { type GemmaConfig, gemma2Config, gemma3Config, type LayerKind, layerPattern } from "./config.ts";

type Json = Readonly<Record<string, unknown>>;

/** Gemma2Config's class defaults. */
const gemma2Defaults: Json = {
  vocab_size: 256000, hidden_size: 2304, intermediate_size: 9216, num_hidden_layers: 26, num_attention_heads: 8,
  num_key_value_heads: 4, head_dim: 256, query_pre_attn_scalar: 256, sliding_window: 4096, sliding_window_pattern: 2,
  rope_theta: 10_000, attn_logit_softcapping: 50, final_logit_softcapping: 30, rms_norm_eps: 1e-6,
  max_position_embeddings: 8192, hidden_activation: "gelu_pytorch_tanh", bos_token_id: 2, eos_token_id: 1,
}; // biome-ignore format: a table

/** Gemma3TextConfig's class defaults. */
const gemma3Defaults: Json = {
  vocab_size: 262208, hidden_size: 2304, intermediate_size: 9216, num_hidden_layers: 26, num_attention_heads: 8,
  num_key_value_heads: 4, head_dim: 256, query_pre_attn_scalar: 256, sliding_window: 4096, sliding_window_pattern: 6,
  rope_theta: 1_000_000, rope_local_base_freq: 10_000, attn_logit_softcapping: null, final_logit_softcapping: null,
  rms_norm_eps: 1e-6, max_position_embeddings: 131072, hidden_activation: "gelu_pytorch_tanh", bos_token_id: 2,
  eos_token_id: 1,
}; // biome-ignore format: a table

/**
 * Reads a parsed config.json. Of a multimodal Gemma 3 it takes the text part.
 *
 * @param where the file's path, for messages
 * @throws ConfigError PB8102 for another model type, PB8103 for values that contradict each other, PB8104 for a
 *   feature that Gemma 2 and 3 do not have
 */
export function parseHubConfig(json: unknown, where = "config.json"): GemmaConfig {
  if (!isObject(json)) {
    throw new ConfigError(`${where} is not a JSON object`, { code: "PB8101", hint: "Download the file again." });
  }
  switch (json.model_type) {
    case "gemma2":
      return parseText(2, gemma2Defaults, json, where);
    case "gemma3_text":
      return parseText(3, gemma3Defaults, json, where);
    case "gemma3": {
      const text = isObject(json.text_config) ? json.text_config : {};
      // End-of-turn tokens stand at the top level of a multimodal configuration.
      const tokens = json.eos_token_id === undefined ? {} : { eos_token_id: json.eos_token_id };
      return parseText(3, gemma3Defaults, { ...text, ...tokens }, `${where} (text_config)`);
    }
    default:
      throw new ConfigError(`${where} has model_type ${JSON.stringify(json.model_type)}, which is no Gemma 2 or 3`, {
        code: "PB8102",
        hint: `Use a checkpoint of model_type "gemma2", "gemma3_text" or "gemma3".`,
      });
  }
}

function parseText(generation: 2 | 3, defaults: Json, given: Json, where: string): GemmaConfig {
  refuseUnsupported(given, where);
  const value = (name: string): unknown => (given[name] === undefined ? defaults[name] : given[name]);
  const number = (name: string): number => asNumber(value(name), name, where);
  const optional = (name: string): number | undefined => (value(name) === null ? undefined : number(name));

  const values: Partial<GemmaConfig> = {
    vocabularySize: number("vocab_size"),
    hiddenSize: number("hidden_size"),
    feedForwardSize: number("intermediate_size"),
    heads: number("num_attention_heads"),
    keyValueHeads: number("num_key_value_heads"),
    headDim: number("head_dim"),
    queryScalar: number("query_pre_attn_scalar"),
    layers: parseLayers(
      given,
      number("num_hidden_layers"),
      asNumber(defaults.sliding_window_pattern, "", where),
      where,
    ),
    slidingWindow: number("sliding_window"),
    ...parseRope(generation, given, number, where),
    normalizeQueryAndKey: generation === 3,
    attentionSoftCap: optional("attn_logit_softcapping"),
    finalSoftCap: optional("final_logit_softcapping"),
    normEpsilon: number("rms_norm_eps"),
    contextLength: number("max_position_embeddings"),
    beginToken: number("bos_token_id"),
    stopTokens: parseTokens(value("eos_token_id"), where),
  };
  return generation === 2 ? gemma2Config(values) : gemma3Config(values);
}

function refuseUnsupported(given: Json, where: string): void {
  const refuse = (name: string, hint: string): never => {
    throw new ConfigError(`${where} has ${name} = ${JSON.stringify(given[name])}, which Gemma 2 and 3 do not have`, {
      code: "PB8104",
      hint,
    });
  };
  const activation = given.hidden_activation ?? "gelu_pytorch_tanh";
  if (activation !== "gelu_pytorch_tanh") refuse("hidden_activation", `Only "gelu_pytorch_tanh" is implemented.`);
  if (given.attention_bias === true) refuse("attention_bias", "Projections have no bias; remove the field.");
  if (given.tie_word_embeddings === false) refuse("tie_word_embeddings", "The output matrix is the embedding.");
  if (given.use_bidirectional_attention === true) {
    refuse("use_bidirectional_attention", "This is an embedding model; use a generative checkpoint.");
  }
}

function parseLayers(given: Json, count: number, defaultPeriod: number, where: string): LayerKind[] {
  if (Array.isArray(given.layer_types)) {
    if (given.layer_types.length !== count) {
      throw new ConfigError(`${where} has ${count} num_hidden_layers but ${given.layer_types.length} layer_types`, {
        code: "PB8103",
        hint: "Give one entry of layer_types per layer.",
      });
    }
    return given.layer_types.map((type) => {
      if (type === "sliding_attention") return "local";
      if (type === "full_attention") return "global";
      throw new ConfigError(`${where} has the layer type ${JSON.stringify(type)}`, {
        code: "PB8104",
        hint: `Known are "sliding_attention" and "full_attention".`,
      });
    });
  }
  const period = given.sliding_window_pattern ?? given._sliding_window_pattern ?? defaultPeriod;
  return layerPattern(count, asNumber(period, "sliding_window_pattern", where));
}

/** `rope_theta` and its like, or transformers 5's `rope_parameters`, one entry per kind of layer. */
function parseRope(generation: 2 | 3, given: Json, number: (name: string) => number, where: string) {
  const parameters = isObject(given.rope_parameters) ? given.rope_parameters : undefined;
  if (parameters !== undefined) {
    const full = isObject(parameters.full_attention) ? parameters.full_attention : parameters;
    const sliding = isObject(parameters.sliding_attention) ? parameters.sliding_attention : full;
    if (linearFactor(sliding, where) !== 1) {
      throw new ConfigError(`${where} scales the rotary positions of sliding layers`, {
        code: "PB8104",
        hint: "Gemma scales those of full attention only.",
      });
    }
    const ropeBase = asNumber(full.rope_theta, "rope_parameters.full_attention.rope_theta", where);
    return {
      ropeBase,
      localRopeBase: asNumber(sliding.rope_theta, "rope_parameters.sliding_attention.rope_theta", where),
      ropeScalingFactor: linearFactor(full, where),
    };
  }
  return {
    ropeBase: number("rope_theta"),
    localRopeBase: number(generation === 2 ? "rope_theta" : "rope_local_base_freq"),
    ropeScalingFactor: isObject(given.rope_scaling) ? linearFactor(given.rope_scaling, where) : 1,
  };
}

function linearFactor(scaling: Json, where: string): number {
  const type = scaling.rope_type ?? scaling.type ?? "default";
  if (type === "default") return 1;
  if (type === "linear") return asNumber(scaling.factor, "rope_scaling.factor", where);
  throw new ConfigError(`${where} has the rope type ${JSON.stringify(type)}`, {
    code: "PB8104",
    hint: `Known are "default" and "linear".`,
  });
}

function parseTokens(value: unknown, where: string): number[] {
  if (value === null) return [];
  return (Array.isArray(value) ? value : [value]).map((token) => asNumber(token, "eos_token_id", where));
}

/** What a checkpoint's authors generate with; absent entries are left to our own defaults. */
export interface GenerationDefaults {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly maxTokens?: number;
  readonly stop?: readonly number[];
}

/** Reads a parsed generation_config.json. `do_sample` false (its default) means greedy. Throws ConfigError PB8101. */
export function parseGenerationConfig(json: unknown, where = "generation_config.json"): GenerationDefaults {
  if (!isObject(json)) {
    throw new ConfigError(`${where} is not a JSON object`, { code: "PB8101", hint: "Download the file again." });
  }
  const names = { temperature: "temperature", topK: "top_k", topP: "top_p", minP: "min_p",
    repetitionPenalty: "repetition_penalty", maxTokens: "max_new_tokens" } as const; // biome-ignore format: a table
  const defaults: Record<string, number | readonly number[]> = {};
  for (const [ours, theirs] of Object.entries(names)) {
    const value = json[theirs];
    if (value !== undefined && value !== null) defaults[ours] = asNumber(value, theirs, where);
  }
  if (json.do_sample !== true) defaults.temperature = 0;
  if (json.eos_token_id !== undefined) defaults.stop = parseTokens(json.eos_token_id, where);
  return defaults;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asNumber(value: unknown, name: string, where: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new ConfigError(`${where} has ${name} = ${JSON.stringify(value)}, and a number is needed`, {
    code: "PB8103",
    hint: "Compare the file with the published one.",
  });
}
