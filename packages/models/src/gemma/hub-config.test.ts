import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { ConfigError } from "../errors.ts";
import { parseGenerationConfig, parseHubConfig } from "./hub-config.ts";
import { gemmaSizes } from "./sizes.ts";

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../testdata/${name}/config.json`, import.meta.url), "utf8"));

test("gemma2", () => {
  expect(parseHubConfig(golden("gemma2"))).toEqual({
    generation: 2,
    vocabularySize: 320,
    generatedTokens: 320,
    hiddenSize: 48,
    feedForwardSize: 96,
    heads: 4,
    keyValueHeads: 2,
    headDim: 16,
    queryScalar: 24,
    layers: ["local", "global", "local", "global", "local", "global"],
    slidingWindow: 8,
    ropeBase: 1e4,
    localRopeBase: 1e4,
    ropeScalingFactor: 1,
    normalizeQueryAndKey: false,
    attentionSoftCap: 50,
    finalSoftCap: 30,
    normEpsilon: 1e-6,
    contextLength: 256,
    beginToken: 2,
    stopTokens: [1],
  });
});

test("gemma3_text", () => {
  const config = parseHubConfig(golden("gemma3_text_ropescaled"));
  expect(config).toMatchObject({
    generation: 3, queryScalar: 12, ropeBase: 1e6, localRopeBase: 1e4, ropeScalingFactor: 8, normalizeQueryAndKey: true,
    attentionSoftCap: undefined, finalSoftCap: undefined,
    layers: ["local", "local", "local", "local", "local", "global"],
  }); // biome-ignore format: a table
});

describe("released forms", () => {
  test("the sparse 4B relies on defaults", () => {
    const config = parseHubConfig({
      model_type: "gemma3",
      eos_token_id: [1, 106],
      image_token_index: 262144,
      text_config: {
        hidden_size: 2560,
        intermediate_size: 10240,
        model_type: "gemma3_text",
        num_hidden_layers: 34,
        rope_scaling: { factor: 8.0, rope_type: "linear" },
        sliding_window: 1024,
      },
      vision_config: { hidden_size: 1152 },
    });
    expect(config).toEqual(gemmaSizes["gemma-3-4b"]);
  });

  test("the 1B, with transformers 5's rope_parameters and layer_types", () => {
    const types = Array.from({ length: 26 }, (_, i) => ((i + 1) % 6 === 0 ? "full_attention" : "sliding_attention"));
    const config = parseHubConfig({
      model_type: "gemma3_text", vocab_size: 262144, hidden_size: 1152, intermediate_size: 6912, num_hidden_layers: 26,
      num_attention_heads: 4, num_key_value_heads: 1, head_dim: 256, sliding_window: 512, max_position_embeddings: 32768,
      layer_types: types, eos_token_id: [1, 106],
      rope_parameters: {
        full_attention: { rope_type: "default", rope_theta: 1e6 },
        sliding_attention: { rope_type: "default", rope_theta: 1e4 },
      },
    }); // biome-ignore format: a table
    expect(config).toEqual(gemmaSizes["gemma-3-1b"]);
  });

  test("an empty gemma2 is the 2B", () => {
    expect(parseHubConfig({ model_type: "gemma2", eos_token_id: [1, 107] })).toEqual(gemmaSizes["gemma-2-2b"]);
  });

  test("caps that are null are off", () => {
    expect(parseHubConfig({ model_type: "gemma2", attn_logit_softcapping: null }).attentionSoftCap).toBeUndefined();
  });

  test("hidden_act is not hidden_activation", () => {
    expect(() => parseHubConfig({ model_type: "gemma2", hidden_act: "gelu" })).not.toThrow();
  });
});

describe("refusals", () => {
  const cases: [string, unknown, string][] = [
    ["no object", [], "PB8101"],
    ["another model", { model_type: "llama" }, "PB8102"],
    ["no model type", {}, "PB8102"],
    ["text for a number", { model_type: "gemma2", hidden_size: "48" }, "PB8103"],
    ["heads that do not divide", { model_type: "gemma2", num_key_value_heads: 3 }, "PB8103"],
    ["too few layer types", { model_type: "gemma2", layer_types: ["full_attention"] }, "PB8103"],
    ["an unknown layer type", { model_type: "gemma2", num_hidden_layers: 1, layer_types: ["conv"] }, "PB8104"],
    ["another activation", { model_type: "gemma2", hidden_activation: "silu" }, "PB8104"],
    ["attention bias", { model_type: "gemma3_text", attention_bias: true }, "PB8104"],
    ["an untied head", { model_type: "gemma3_text", tie_word_embeddings: false }, "PB8104"],
    ["bidirectional attention", { model_type: "gemma3_text", use_bidirectional_attention: true }, "PB8104"],
    ["yarn", { model_type: "gemma3_text", rope_scaling: { rope_type: "yarn", factor: 4 } }, "PB8104"],
  ];
  test.each(cases)("%s", (_, json, code) => {
    try {
      parseHubConfig(json);
      throw new Error("accepted");
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).code).toBe(code);
    }
  });
});

test("generation_config", () => {
  const json = { do_sample: true, top_k: 64, top_p: 0.95, eos_token_id: [1, 106], pad_token_id: 0 };
  expect(parseGenerationConfig(json)).toEqual({ topK: 64, topP: 0.95, stop: [1, 106] });
  expect(parseGenerationConfig({ eos_token_id: 1 })).toEqual({ temperature: 0, stop: [1] });
});
