import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { CheckpointError, loadSafetensors, saveSafetensors, type Tensor, zeros } from "@pullback/core";
import { stateDict } from "@pullback/nn";
import { hubFolder, largestDifference, readGolden, removeFolders } from "../../testdata/golden-model.ts";
import { ConfigError } from "../errors.ts";
import { loadGemma } from "./loading.ts";

afterAll(removeFolders);

/** A copy of the checkpoint with other weights. */
async function withWeights(change: (weights: Map<string, Tensor>) => Map<string, Tensor>): Promise<string> {
  const folder = hubFolder("gemma3_text");
  const path = join(folder, "model.safetensors");
  const { tensors } = await loadSafetensors(path);
  await saveSafetensors(path, change(tensors));
  return folder;
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("accepted");
}

const renamed = (weights: Map<string, Tensor>, rename: (name: string) => string): Map<string, Tensor> =>
  new Map([...weights].map(([name, weight]) => [rename(name), weight]));

describe("forms of one checkpoint", () => {
  test.each(["gemma2", "gemma3_text"] as const)(
    "%s in bfloat16, one file or shards, is the same model",
    async (name) => {
      const [full, half] = [await loadGemma(hubFolder(name)), await loadGemma(hubFolder(name, "bf16"))];
      const [a, b] = [stateDict(full), stateDict(half)];
      expect([...a.keys()]).toEqual([...b.keys()]);
      for (const [key, weight] of a) expect(largestDifference(weight, b.get(key)!)).toBe(0);
      const { input_ids: tokens } = readGolden(name);
      expect(largestDifference(full.forward(tokens), half.forward(tokens))).toBe(0);
    },
  );

  test("loading writes the published names back", async () => {
    const folder = hubFolder("gemma3_text");
    const { tensors } = await loadSafetensors(join(folder, "model.safetensors"));
    const weights = stateDict(await loadGemma(folder));
    expect([...weights.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, weight] of weights) expect(largestDifference(weight, tensors.get(name)!)).toBe(0);
  });

  test.each(["language_model.model.", "model.language_model."])(
    "multimodal names %s, vision unread",
    async (prefix) => {
      const folder = await withWeights((weights) => {
        const names = renamed(weights, (name) => name.replace(/^model\./, prefix));
        const vision = prefix.startsWith("model.") ? "model." : "";
        return names.set(`${vision}vision_tower.vision_model.post_layernorm.bias`, zeros([3]));
      });
      const expected = await loadGemma(hubFolder("gemma3_text"));
      const { input_ids: tokens } = readGolden("gemma3_text");
      expect(largestDifference((await loadGemma(folder)).forward(tokens), expected.forward(tokens))).toBe(0);
    },
  );

  test("a stored output matrix is accepted when it is the embedding", async () => {
    const embedding = "model.embed_tokens.weight";
    const tied = await withWeights((weights) => weights.set("lm_head.weight", weights.get(embedding)!));
    await expect(loadGemma(tied)).resolves.toBeDefined();
    const untied = await withWeights((weights) => weights.set("lm_head.weight", weights.get(embedding)!.add(1)));
    expect(await errorOf(loadGemma(untied))).toMatchObject({ code: "PB7110", names: ["lm_head.weight"] });
  });

  test("dtype says what the weights become", async () => {
    const model = await loadGemma(hubFolder("gemma3_text"), { dtype: "bfloat16" });
    for (const weight of stateDict(model).values()) expect(weight.dtype).toBe("bfloat16");
  });
});

describe("what is wrong is named", () => {
  test("missing, superfluous and misshapen weights, all at once", async () => {
    const folder = await withWeights((weights) => {
      weights.delete("model.norm.weight");
      weights.delete("model.layers.3.mlp.up_proj.weight");
      weights.set("model.layers.0.self_attn.q_norm.weight", zeros([15]));
      return weights.set("model.layers.7.mlp.up_proj.weight", zeros([2, 2]));
    });
    const error = await errorOf(loadGemma(folder));
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as CheckpointError).code).toBe("PB7110");
    expect([...(error as CheckpointError).names].sort()).toEqual([
      "model.layers.0.self_attn.q_norm.weight",
      "model.layers.3.mlp.up_proj.weight",
      "model.layers.7.mlp.up_proj.weight",
      "model.norm.weight",
    ]);
  });

  test("a folder without config.json", async () => {
    const folder = hubFolder("gemma3_text");
    rmSync(join(folder, "config.json"));
    const error = await errorOf(loadGemma(folder));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: "PB8101" });
    expect(await errorOf(loadGemma(join(folder, "model.safetensors")))).toMatchObject({ code: "PB8101" });
  });

  test("damaged JSON", async () => {
    const folder = hubFolder("gemma3_text");
    writeFileSync(join(folder, "config.json"), "{");
    expect(await errorOf(loadGemma(folder))).toMatchObject({ code: "PB8101" });
  });

  test("absent weights", async () => {
    const folder = hubFolder("gemma3_text");
    rmSync(join(folder, "model.safetensors"));
    expect(await errorOf(loadGemma(folder))).toBeInstanceOf(CheckpointError);
  });

  test("a file cut short", async () => {
    const folder = hubFolder("gemma3_text");
    const path = join(folder, "model.safetensors");
    writeFileSync(path, readFileSync(path).subarray(0, 100_000));
    expect(await errorOf(loadGemma(folder))).toMatchObject({ code: "PB7102" });
  });
});

test("generation_config.json gives generate its defaults", async () => {
  const folder = hubFolder("gemma3_text");
  writeFileSync(
    join(folder, "generation_config.json"),
    JSON.stringify({ do_sample: true, top_k: 5, eos_token_id: [1] }),
  );
  expect((await loadGemma(folder)).generation).toEqual({ topK: 5, stop: [1] });
});
