/** Gemma on engines of tfjs against gemma_pytorch: logits, loss, gradients, greedy tokens, and a few steps of training. */
import { afterAll, afterEach, describe, expect, jest, test } from "@jest/globals";
import { valueWithGradient } from "@pullback/autodiff";
import { DTypeError, memoryStats, randomKey, useBackend, withBackend, zeros } from "@pullback/core";
import { AdamW, stateDict } from "@pullback/nn";
import {
  goldenModels,
  hubFolder,
  largestDifference,
  readGolden,
  readGoldenTensors,
  removeFolders,
} from "../../testdata/golden-model.ts";
import { gemma3Config, layerPattern } from "./config.ts";
import { loadGemma } from "./loading.ts";
import { Gemma } from "./model.ts";

afterAll(removeFolders);
afterEach(() => useBackend("eager"));

const config = gemma3Config({
  vocabularySize: 32,
  hiddenSize: 24,
  feedForwardSize: 48,
  heads: 2,
  keyValueHeads: 1,
  headDim: 12,
  layers: layerPattern(2, 2),
  slidingWindow: 8,
  contextLength: 16,
});

/** A step of training of a tiny model on the current backend, which gives its loss. */
function tinyTraining(): () => number {
  const model = new Gemma(config, { key: randomKey(1) });
  const optimizer = new AdamW(model, { learningRate: 3e-3, clip: { globalNorm: 1 } });
  const tokens = [Array.from({ length: 16 }, (_, i) => (i * i + 3) % 32)];
  return () => {
    const { value, gradient } = valueWithGradient((m: Gemma) => m.loss(tokens))(model);
    optimizer.update(model, gradient);
    return value.item();
  };
}

// The cpu engine's kernels are plain loops.
jest.setTimeout(60_000);

describe.each(["cpu", "wasm"] as const)("tfjs:%s", (engine) => {
  test.each(goldenModels)("%s: logits, loss and gradients", async (name) => {
    const golden = readGolden(name);
    const reference = await readGoldenTensors(name, "golden");
    await useBackend("tfjs", { engine });
    const model = await loadGemma(hubFolder(name));
    expect(model.forward(golden.input_ids).device).toBe(`tfjs:${engine}`);
    expect(largestDifference(model.forward(golden.input_ids), reference.get("logits")!)).toBeLessThan(2e-3);
    const { value, gradient } = valueWithGradient((m: Gemma) => m.loss(golden.input_ids))(model);
    expect(Math.abs(value.item() - golden.loss)).toBeLessThan(1e-4);
    const gradients = stateDict(gradient);
    for (const [parameter, { absmax, index, value: values, l2 }] of Object.entries(golden.gradients)) {
      const actual = gradients.get(parameter)!.dataSync();
      for (const [i, place] of index.entries())
        expect(Math.abs(actual[place]! - values[i]!) / absmax).toBeLessThan(2e-3);
      expect(Math.abs(Math.hypot(...actual) - l2) / l2).toBeLessThan(2e-3);
    }
  });

  test("greedy tokens with the cache", async () => {
    const golden = readGolden("gemma3_text");
    await useBackend("tfjs", { engine });
    const model = await loadGemma(hubFolder("gemma3_text"));
    const tokens: number[] = [];
    const prompt = golden.input_ids[golden.greedy.prompt_row]!;
    for await (const piece of model.generate(prompt, { maxTokens: 16, temperature: 0, stop: [] }))
      tokens.push(piece.token);
    expect(tokens).toEqual(golden.greedy.tokens);
  });

  test("weights in bfloat16 are read as float32, and refused as they are", async () => {
    const golden = readGolden("gemma2");
    await useBackend("tfjs", { engine });
    const model = await loadGemma(hubFolder("gemma2", "bf16"), { dtype: "float32" });
    expect(Math.abs(model.loss(golden.input_ids).item() - golden.loss)).toBeLessThan(0.1);
    await expect(loadGemma(hubFolder("gemma2", "bf16"), { dtype: "bfloat16" })).rejects.toThrow(DTypeError);
  });

  test("training goes as on eager", async () => {
    const train = (): number[] => {
      const step = tinyTraining();
      return Array.from({ length: 6 }, step);
    };
    const here = train();
    const there = await withBackend(`tfjs:${engine}`, train);
    expect(here.at(-1)!).toBeLessThan(here[0]! - 0.1);
    there.forEach((loss, i) => {
      expect(loss).toBeCloseTo(here[i]!, 4);
    });
  });

  test("memory is flat over 50 synchronous steps: tensors and bytes of ours, of the engine and of tfjs", async () => {
    await useBackend("tfjs", { engine });
    const step = tinyTraining();
    const {
      engine: held,
      kernels,
      tfjs,
    } = zeros([1]).backend as unknown as {
      engine: { numDataIds(): number };
      /** Numbers in the engine, kept for the next who needs one: at most 256 (learning rates differ from step to step). */
      kernels: { scalars: Map<string, unknown> };
      tfjs: { memory(): { numTensors: number; numBytes: number; numDataBuffers: number } };
    };
    const counted = (): unknown => {
      // The first collects.
      const { live } = memoryStats();
      const { numTensors, numBytes, numDataBuffers } = tfjs.memory();
      expect(kernels.scalars.size).toBeLessThanOrEqual(256);
      return { live, ids: held.numDataIds() - kernels.scalars.size, numTensors, numBytes, numDataBuffers };
    };
    for (let i = 0; i < 10; i++) step();
    const before = counted();
    for (let i = 10; i < 50; i++) step();
    expect(counted()).toEqual(before);
  });
});
