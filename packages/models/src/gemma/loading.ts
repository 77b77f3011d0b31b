/** Published checkpoints: a folder as the Hub has it, Gemma 2 or 3. */
import { CheckpointError, openSafetensors, type SafetensorsFile, type Tensor } from "@pullback/core";
import { loadStateDict, stateDict } from "@pullback/nn";
import { ConfigError } from "../errors.ts";
import type { GemmaConfig } from "./config.ts";
import { type GenerationDefaults, parseGenerationConfig, parseHubConfig } from "./hub-config.ts";
import { unfilled } from "./initialization.ts";
import { Gemma } from "./model.ts";

export interface LoadOptions {
  /** What the weights become; default float32. */
  readonly dtype?: "float32" | "bfloat16" | "float16";
}

/**
 * Loads the text model of a folder with config.json, generation_config.json (optional) and model.safetensors or its
 * index. Vision weights of a multimodal checkpoint stay unread.
 *
 * @throws ConfigError for a missing, unknown or inconsistent config.json, CheckpointError for damaged files (PB7101 …
 *   PB7104) and for missing, superfluous or misshapen weights (PB7110), all of them named at once
 */
export async function loadGemma(folder: string, options: LoadOptions = {}): Promise<Gemma> {
  const { config, generation } = await readConfigs(folder);
  const { dtype = "float32" } = options;
  const model = new Gemma(config, { dtype, initialize: unfilled(dtype) });
  model.generation = generation;
  const file = await openSafetensors(folder);
  try {
    const stored = matchNames(file, stateDict(model));
    const weights = new Map<string, Tensor>();
    for (const [name, storedName] of stored.weights) {
      weights.set(name, await file.read(storedName, { dtype }));
    }
    if (stored.head !== undefined) await checkTie(file, stored.head, stored.weights.get(embeddingName)!);
    loadStateDict(model, weights);
    return model;
  } finally {
    await file.close();
  }
}

async function readConfigs(folder: string): Promise<{ config: GemmaConfig; generation: GenerationDefaults }> {
  const { join } = await import("node:path");
  const configPath = join(folder, "config.json");
  const config = await readJson(configPath);
  if (config === undefined) {
    throw new ConfigError(`${configPath} does not exist`, {
      code: "PB8101",
      hint: "Name a folder as downloaded from the Hub: config.json beside model.safetensors.",
    });
  }
  const generationPath = join(folder, "generation_config.json");
  const generation = await readJson(generationPath);
  return {
    config: parseHubConfig(config, configPath),
    generation: generation === undefined ? {} : parseGenerationConfig(generation, generationPath),
  };
}

/** The parsed file; undefined when there is none. */
async function readJson(path: string): Promise<unknown> {
  const { readFile } = await import("node:fs/promises");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ConfigError(`${path} cannot be read`, { code: "PB8101", cause, hint: "Check its permissions." });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${path} is not valid JSON`, { code: "PB8101", cause, hint: "Download the file again." });
  }
}

const embeddingName = "model.embed_tokens.weight";

/** Prefixes of the text model's names: multimodal at release, multimodal since transformers 4.52, text only. */
const textPrefixes = ["language_model.model.", "model.language_model.", "model."];
/** Weights of a multimodal checkpoint that the text model does without, and buffers that old exports hold. */
const unread = [/(^|\.)vision_tower\./, /(^|\.)multi_modal_projector\./, /\.rotary_emb\.inv_freq$/];
const heads = ["lm_head.weight", "language_model.lm_head.weight"];

interface Stored {
  /** Our name to the file's. */
  readonly weights: ReadonlyMap<string, string>;
  /** The file's copy of the tied output matrix, where it has one. */
  readonly head: string | undefined;
}

/** Finds every weight of the model in the file. Throws CheckpointError PB7110 naming all that do not fit. */
function matchNames(file: SafetensorsFile, wanted: ReadonlyMap<string, Tensor>): Stored {
  const weights = new Map<string, string>();
  const extra: string[] = [];
  let head: string | undefined;
  for (const stored of file.names()) {
    if (unread.some((pattern) => pattern.test(stored))) continue;
    if (heads.includes(stored)) {
      head = stored;
      continue;
    }
    const prefix = textPrefixes.find((one) => stored.startsWith(one));
    const name = prefix === undefined ? stored : `model.${stored.slice(prefix.length)}`;
    if (wanted.has(name) && !weights.has(name)) weights.set(name, stored);
    else extra.push(stored);
  }
  const missing = [...wanted.keys()].filter((name) => !weights.has(name));
  const misshapen: string[] = [];
  for (const [name, stored] of weights) {
    const { shape } = file.info(stored);
    const expected = wanted.get(name)!.shape;
    if (shape.join() !== expected.join()) misshapen.push(`${stored} [${shape}] instead of [${expected}]`);
  }
  if (missing.length + extra.length + misshapen.length === 0) return { weights, head };
  const parts = [
    ["missing", missing],
    ["superfluous", extra],
    ["misshapen", misshapen],
  ] as const;
  const listed = parts.filter(([, names]) => names.length > 0).map(([what, names]) => `${what}: ${names.join(", ")}`);
  throw new CheckpointError(`the weights do not fit config.json; ${listed.join("; ")}`, {
    code: "PB7110",
    path: file.path,
    names: [...missing, ...extra, ...misshapen.map((line) => line.slice(0, line.indexOf(" ")))],
    hint: "Check that config.json and the weights are of one checkpoint, and that every shard is there.",
  });
}

/** A stored output matrix must be the embedding: the model has no other. */
async function checkTie(file: SafetensorsFile, head: string, embedding: string): Promise<void> {
  const same =
    file.info(head).shape.join() === file.info(embedding).shape.join() &&
    (await equal(await file.read(head), await file.read(embedding)));
  if (same) return;
  throw new CheckpointError(`"${head}" is not equal to the embedding`, {
    code: "PB7110",
    path: file.path,
    names: [head],
    hint: "Gemma's output matrix is its embedding; a model fine-tuned with a separate one cannot be loaded.",
  });
}

async function equal(a: Tensor, b: Tensor): Promise<boolean> {
  return (await a.equal(b).all().data())[0] === 1;
}
