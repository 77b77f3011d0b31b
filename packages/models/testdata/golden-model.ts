/** The reference models of this folder, as tests want them. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadSafetensors, type Tensor } from "@pullback/core";

export const goldenModels = ["gemma2", "gemma3_text", "gemma3_text_ropescaled"] as const;
export type GoldenModel = (typeof goldenModels)[number];

interface Golden {
  readonly input_ids: number[][];
  readonly labels: number[][];
  readonly loss: number;
  readonly greedy: { readonly prompt_row: number; readonly tokens: number[] };
  readonly bf16_run: { readonly mean_abs: number };
  readonly gradients: Record<string, { readonly absmax: number; readonly l2: number; readonly index: number[]; readonly value: number[] }>;
}

const folderOf = (name: GoldenModel): string => fileURLToPath(new URL(`./${name}`, import.meta.url));

export function readGolden(name: GoldenModel): Golden {
  return JSON.parse(readFileSync(join(folderOf(name), "golden.json"), "utf8"));
}

/** `golden` (logits, hidden states) or `grads_full`. */
export async function readGoldenTensors(name: GoldenModel, file: "golden" | "grads_full"): Promise<Map<string, Tensor>> {
  return (await loadSafetensors(join(folderOf(name), `${file}.safetensors`))).tensors;
}

const made: string[] = [];

/** A temporary folder in the Hub's layout, with the weights of `form`; `removeFolders` removes it. */
export function hubFolder(name: GoldenModel, form: "f32" | "bf16" = "f32"): string {
  const folder = mkdtempSync(join(tmpdir(), "gemma-"));
  made.push(folder);
  cpSync(join(folderOf(name), "config.json"), join(folder, "config.json"));
  for (const file of readdirSync(folderOf(name)).filter((one) => one.startsWith(`model.${form}`))) {
    // Shards keep the names that the index has for them.
    const target = /-of-/.test(file) ? file : file.replace(`model.${form}`, "model");
    cpSync(join(folderOf(name), file), join(folder, target));
  }
  return folder;
}

export function removeFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** The largest absolute difference; shapes must agree. */
export function largestDifference(actual: Tensor, expected: Tensor): number {
  if (actual.shape.join() !== expected.shape.join()) {
    throw new Error(`shape [${actual.shape}] instead of [${expected.shape}]`);
  }
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference; // NaN is the largest of all.
  }
  return largest;
}
