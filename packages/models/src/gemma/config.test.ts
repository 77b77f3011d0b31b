import { describe, expect, test } from "@jest/globals";
import { ConfigError } from "../errors.ts";
import { type GemmaConfig, gemma2Config, gemma3Config, layerPattern } from "./config.ts";

test("layers alternate in Gemma 2 and go five to one in Gemma 3", () => {
  expect(layerPattern(4, 2)).toEqual(["local", "global", "local", "global"]);
  const globals = layerPattern(26, 6).flatMap((kind, i) => (kind === "global" ? [i] : []));
  expect(globals).toEqual([5, 11, 17, 23]);
});

test("the query scalar follows the head dimension unless given", () => {
  expect(gemma3Config({ headDim: 32 }).queryScalar).toBe(32);
  expect(gemma3Config({ headDim: 32, queryScalar: 40 }).queryScalar).toBe(40);
});

test("rows beyond the tokenizer are never generated", () => {
  expect(gemma3Config({ vocabularySize: 262208 }).generatedTokens).toBe(262144);
  expect(gemma3Config({ vocabularySize: 100 }).generatedTokens).toBe(100);
});

describe("inconsistent values", () => {
  const cases: [string, Partial<GemmaConfig>][] = [
    ["heads that do not share key-value heads evenly", { heads: 6, keyValueHeads: 4 }],
    ["an odd head dimension", { headDim: 15 }],
    ["no layers", { layers: [] }],
    ["a fractional width", { hiddenSize: 2.5 }],
    ["a negative window", { slidingWindow: -1 }],
    ["a zero rope base", { ropeBase: 0 }],
    ["a soft-cap of zero", { attentionSoftCap: 0 }],
    ["a stop token outside the vocabulary", { vocabularySize: 10, stopTokens: [10] }],
  ];
  test.each(cases)("%s", (_, values) => {
    for (const make of [gemma2Config, gemma3Config]) {
      try {
        make(values);
        throw new Error("accepted");
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as ConfigError).code).toBe("PB8103");
      }
    }
  });
});
