/** The forward pass against gemma_pytorch; tolerances are those of the reference folder's README. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Tensor } from "@pullback/core";
import {
  goldenModels,
  hubFolder,
  largestDifference,
  readGolden,
  readGoldenTensors,
  removeFolders,
} from "../../testdata/golden-model.ts";
import { KeyValueCache } from "./cache.ts";
import { loadGemma } from "./loading.ts";
import type { Gemma } from "./model.ts";

afterAll(removeFolders);

describe.each(goldenModels)("%s", (name) => {
  const golden = readGolden(name);
  let model: Gemma;
  let reference: Map<string, Tensor>;
  beforeAll(async () => {
    model = await loadGemma(hubFolder(name));
    reference = await readGoldenTensors(name, "golden");
  });

  test("logits at every position", () => {
    expect(largestDifference(model.forward(golden.input_ids), reference.get("logits")!)).toBeLessThan(2e-3);
  });

  test("hidden states of every layer", () => {
    const { embed, layers, finalNorm } = model.hiddenStates(golden.input_ids);
    expect(layers).toHaveLength(model.config.layers.length);
    expect(largestDifference(embed, reference.get("hidden.embed")!)).toBeLessThan(1e-3);
    for (const [i, layer] of layers.entries()) {
      expect(largestDifference(layer, reference.get(`hidden.layer${i}`)!)).toBeLessThan(1e-3);
    }
    expect(largestDifference(finalNorm, reference.get("hidden.final_norm")!)).toBeLessThan(1e-3);
  });

  test("loss", () => {
    expect(Math.abs(model.loss(golden.input_ids).item() - golden.loss)).toBeLessThan(1e-4);
    expect(Math.abs(model.loss(golden.input_ids, { labels: golden.labels }).item() - golden.loss)).toBeLessThan(1e-4);
  });

  test("bfloat16 weights and activations round about as much as gemma_pytorch's", async () => {
    const half = await loadGemma(hubFolder(name, name === "gemma3_text_ropescaled" ? "f32" : "bf16"), {
      dtype: "bfloat16",
    });
    const difference = half.forward(golden.input_ids).cast("float32").sub(reference.get("logits")!).abs().mean().item();
    expect(difference).toBeLessThan(2 * golden.bf16_run.mean_abs);
    expect(difference).toBeGreaterThan(0);
  });

  test("greedy tokens with the cache", async () => {
    const tokens: number[] = [];
    const prompt = golden.input_ids[golden.greedy.prompt_row]!;
    for await (const piece of model.generate(prompt, { maxTokens: 16, temperature: 0, stop: [] })) {
      expect(piece.text).toBe("");
      tokens.push(piece.token);
    }
    expect(tokens).toEqual(golden.greedy.tokens);
  });

  // 24 positions and windows of 8: every split crosses the ring's end.
  test.each([[[24]], [Array(24).fill(1)], [[5, 1, 1, 9, 1, 7]], [[20, 1, 1, 1, 1]], [[1, 3, 20]]])(
    "cached in chunks of %j equals uncached",
    (chunks: number[]) => {
      const full = model.forward(golden.input_ids);
      const cache = new KeyValueCache(model.config);
      let end = 0;
      for (const length of chunks) {
        const tokens = golden.input_ids.map((row) => row.slice(end, end + length));
        end += length;
        const logits = model.extend(tokens, cache);
        expect(cache.length).toBe(end);
        expect(largestDifference(logits, full.slice(undefined, end - 1))).toBeLessThan(2e-3);
      }
    },
  );
});
