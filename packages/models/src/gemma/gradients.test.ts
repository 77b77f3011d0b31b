/** The gradient of every parameter against gemma_pytorch's; the embedding's holds both of its uses. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { valueWithGradient } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { stateDict } from "@pullback/nn";
import {
  goldenModels,
  hubFolder,
  largestDifference,
  readGolden,
  readGoldenTensors,
  removeFolders,
} from "../../testdata/golden-model.ts";
import { loadGemma } from "./loading.ts";
import type { Gemma } from "./model.ts";

afterAll(removeFolders);

describe.each(goldenModels)("%s", (name) => {
  const golden = readGolden(name);
  let loss: number;
  let gradients: Map<string, Tensor>;
  beforeAll(async () => {
    const model = await loadGemma(hubFolder(name));
    const { value, gradient } = valueWithGradient((m: Gemma) => m.loss(golden.input_ids))(model);
    loss = value.item();
    gradients = stateDict(gradient);
    expect([...gradients.keys()]).toEqual([...stateDict(model).keys()]);
  });

  test("of the same loss", () => {
    expect(Math.abs(loss - golden.loss)).toBeLessThan(1e-4);
  });

  test("of every parameter", () => {
    expect([...gradients.keys()].sort()).toEqual(Object.keys(golden.gradients).sort());
    for (const [parameter, { absmax, index, value, l2 }] of Object.entries(golden.gradients)) {
      const actual = gradients.get(parameter)!.dataSync();
      for (const [i, place] of index.entries()) {
        expect(Math.abs(actual[place]! - value[i]!) / absmax).toBeLessThan(2e-3);
      }
      expect(Math.abs(Math.hypot(...actual) - l2) / l2).toBeLessThan(2e-3);
    }
  });

  test("whole tensors", async () => {
    for (const [parameter, expected] of await readGoldenTensors(name, "grads_full")) {
      const { absmax } = golden.gradients[parameter]!;
      expect(largestDifference(gradients.get(parameter)!, expected) / absmax).toBeLessThan(2e-3);
    }
  });
});
