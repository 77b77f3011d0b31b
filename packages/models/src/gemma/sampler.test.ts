import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { candidates, draw, greedy, penalize, type SamplingOptions, samplingDefaults } from "./sampler.ts";

interface Golden {
  readonly hidden: number[][];
  readonly embedding: number[][];
  readonly cases: {
    readonly temperature: number;
    readonly top_p: number;
    readonly top_k: number;
    readonly final_softcap: number;
    readonly probabilities: number[][];
  }[];
}
const golden: Golden = JSON.parse(readFileSync(new URL("../../testdata/sampling.json", import.meta.url), "utf8"));
const all: SamplingOptions = { temperature: 1, topK: Infinity, topP: 1, minP: 0, repetitionPenalty: 1 };

test.each(golden.cases)("gemma_pytorch's distribution, case $case", (one) => {
  for (const [row, hidden] of golden.hidden.entries()) {
    const logits = golden.embedding.map((weights) => {
      const logit = weights.reduce((sum, weight, i) => sum + weight * hidden[i]!, 0);
      return one.final_softcap * Math.tanh(logit / one.final_softcap);
    });
    const options = { ...all, temperature: one.temperature, topP: one.top_p, topK: one.top_k };
    const { tokens, probabilities } = candidates(Float32Array.from(logits), options);
    const spread = new Array<number>(logits.length).fill(0);
    for (const [i, token] of tokens.entries()) spread[token] = probabilities[i]!;
    for (const [token, probability] of spread.entries()) {
      expect(probability).toBeCloseTo(one.probabilities[row]![token]!, 5);
    }
  }
});

describe("candidates", () => {
  const logits = Float32Array.from([0, Math.log(4), Math.log(2), Math.log(3)]); // 0.1 0.4 0.2 0.3

  test("come likeliest first with probabilities that sum to 1", () => {
    const { tokens, probabilities } = candidates(logits, all);
    expect(tokens).toEqual([1, 3, 2, 0]);
    for (const [i, p] of [0.4, 0.3, 0.2, 0.1].entries()) expect(probabilities[i]).toBeCloseTo(p, 6);
  });

  test("top-p keeps the token that crosses the share", () => {
    expect(candidates(logits, { ...all, topP: 0.6 }).tokens).toEqual([1, 3]);
    expect(candidates(logits, { ...all, topP: 0.3 }).tokens).toEqual([1]);
  });

  test("min-p is relative to the likeliest", () => {
    expect(candidates(logits, { ...all, minP: 0.6 }).tokens).toEqual([1, 3]);
  });

  test("equal logits keep their order", () => {
    expect(candidates(new Float32Array(2000), { ...all, topK: 3 }).tokens).toEqual([0, 1, 2]);
  });

  test("agree with a full sort on a large vocabulary, at every cut", () => {
    let state = 1;
    const random = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const large = Float32Array.from({ length: 20000 }, () => 3 * random());
    const order = Array.from(large.keys()).sort((a, b) => large[b]! - large[a]! || a - b);
    for (const topK of [1, 64, 255, 256, 257, 5000]) {
      expect(candidates(large, { ...all, topK }).tokens).toEqual(order.slice(0, topK));
    }
    const total = large.reduce((sum, logit) => sum + Math.exp(logit), 0);
    for (const topP of [0.001, 0.2, 0.9]) {
      let count = 0;
      for (let before = 0; before / total <= topP; count++) before += Math.exp(large[order[count]!]!);
      expect(candidates(large, { ...all, topP }).tokens).toEqual(order.slice(0, count));
    }
  });
});

test("the penalty moves seen tokens towards less likely, once each", () => {
  expect([...penalize(Float32Array.from([2, -2, 2]), [0, 1, 1], 2)]).toEqual([1, -4, 2]);
});

test("greedy takes the first of equal ones", () => {
  expect(greedy(Float32Array.from([1, 3, 3, 2]))).toBe(1);
});

test("draw inverts the cumulative distribution", () => {
  const two = { tokens: [7, 5], probabilities: [0.75, 0.25] };
  expect([0, 0.74, 0.76, 0.9999999].map((uniform) => draw(two, uniform))).toEqual([7, 7, 5, 5]);
});

test("defaults are the published ones", () => {
  expect(samplingDefaults).toMatchObject({ temperature: 1, topK: 64, topP: 0.95 });
});
