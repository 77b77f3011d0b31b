import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { IndexError, randomKey } from "@pullback/core";
import { hubFolder, readGolden, removeFolders } from "../../testdata/golden-model.ts";
import { ConfigError, TokenizerError } from "../errors.ts";
import { KeyValueCache } from "./cache.ts";
import { CharacterTokenizer } from "./character-tokenizer.ts";
import { gemma3Config, layerPattern } from "./config.ts";
import type { GenerateOptions } from "./generate.ts";
import { loadGemma } from "./loading.ts";
import { Gemma } from "./model.ts";

afterAll(removeFolders);

const golden = readGolden("gemma3_text");
const prompt = golden.input_ids[golden.greedy.prompt_row]!;
let model: Gemma;
beforeAll(async () => {
  model = await loadGemma(hubFolder("gemma3_text"));
});

async function tokens(input: string | readonly number[], options: GenerateOptions, from = model): Promise<number[]> {
  const ids: number[] = [];
  for await (const piece of from.generate(input, options)) ids.push(piece.token);
  return ids;
}

test("a seed makes the answer reproducible, another seed another answer", async () => {
  const options = { maxTokens: 12, temperature: 1, stop: [] };
  const first = await tokens(prompt, { ...options, seed: 1 });
  expect(await tokens(prompt, { ...options, seed: 1 })).toEqual(first);
  expect(await tokens(prompt, { ...options, seed: 2 })).not.toEqual(first);
});

test("top-k of one is greedy whatever the temperature", async () => {
  expect(await tokens(prompt, { maxTokens: 16, temperature: 3, topK: 1, stop: [] })).toEqual(golden.greedy.tokens);
});

test("a stop token ends the answer and is not part of it", async () => {
  const stop = [golden.greedy.tokens[4]!];
  expect(await tokens(prompt, { temperature: 0, stop, maxTokens: 16 })).toEqual(golden.greedy.tokens.slice(0, 4));
});

test("a penalty keeps an answer from repeating itself", async () => {
  const free = await tokens(prompt, { temperature: 0, stop: [], maxTokens: 40 });
  const penalized = await tokens(prompt, { temperature: 0, stop: [], maxTokens: 40, repetitionPenalty: 50 });
  expect(new Set(free).size).toBeLessThan(free.length);
  expect(new Set(penalized).size).toBe(penalized.length);
});

test("a cache continues where it was left", async () => {
  const cache = new KeyValueCache(model.config);
  const options = { temperature: 0, stop: [], cache };
  const first = await tokens(prompt.slice(0, 10), { ...options, maxTokens: 3 });
  expect(cache.length).toBe(13);
  const whole = [...prompt.slice(0, 10), ...first, ...prompt.slice(10)];
  const rest = await tokens(prompt.slice(10), { ...options, maxTokens: 5 });
  expect(rest).toEqual(await tokens(whole, { temperature: 0, stop: [], maxTokens: 5 }));
});

test("a signal ends it with AbortError", async () => {
  const controller = new AbortController();
  const ids: number[] = [];
  const run = async () => {
    for await (const piece of model.generate(prompt, { stop: [], signal: controller.signal })) {
      ids.push(piece.token);
      if (ids.length === 3) controller.abort();
    }
  };
  await expect(run()).rejects.toMatchObject({ name: "AbortError" });
  expect(ids).toHaveLength(3);
});

describe("refusals", () => {
  test("text without a tokenizer", async () => {
    await expect(tokens("hello", {})).rejects.toBeInstanceOf(TokenizerError);
  });

  test("tokens outside the vocabulary", async () => {
    await expect(tokens([2, 320], {})).rejects.toBeInstanceOf(IndexError);
    expect(() => model.forward([[2, -1]])).toThrow(IndexError);
    expect(() => model.loss([[2, 3]], { labels: [[2, 320]] })).toThrow(IndexError);
    expect(() => model.loss([[2, 3]], { labels: [[-100, 3]] })).not.toThrow();
  });

  test.each<GenerateOptions>([{ temperature: -1 }, { topK: 0 }, { topK: 1.5 }, { topP: 0 }, { topP: 2 }, { minP: -1 },
    { repetitionPenalty: 0 }])("%j", async (options) => {
    await expect(tokens(prompt, options)).rejects.toBeInstanceOf(ConfigError);
  }); // biome-ignore format: a table

  test("an empty prompt", async () => {
    await expect(tokens([], {})).rejects.toBeInstanceOf(ConfigError);
  });
});

test("text in, text out", async () => {
  const tokenizer = new CharacterTokenizer("abcdefghij klmnop");
  const config = gemma3Config({
    vocabularySize: tokenizer.vocabularySize, hiddenSize: 16, feedForwardSize: 16, heads: 2, keyValueHeads: 1,
    headDim: 8, slidingWindow: 4, layers: layerPattern(2, 2),
  }); // biome-ignore format: a table
  const small = new Gemma(config, { key: randomKey(1), tokenizer });
  let text = "";
  const ids: number[] = [];
  for await (const piece of small.generate("a big", { maxTokens: 20, seed: 3, stop: [] })) {
    text += piece.text;
    ids.push(piece.token);
  }
  expect(ids).toHaveLength(20);
  expect(text).toBe(tokenizer.decode(ids));
  const stops = [text.slice(5, 8)];
  let stopped = "";
  for await (const piece of small.generate("a big", { maxTokens: 20, seed: 3, stop: stops })) stopped += piece.text;
  expect(stopped).toBe(text.slice(0, text.indexOf(stops[0]!)));
});
