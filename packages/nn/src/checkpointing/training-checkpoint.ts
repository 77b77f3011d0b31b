/**
 * Checkpoints of a training run: one folder per checkpoint with the model, the optimizer's state, the position in the
 * data and the state of the default random generator, so that a run goes on exactly. A folder is written under another
 * name and renamed when it is complete, so that a crash never leaves a part of one.
 */
import {
  flushFolder,
  generatorState,
  loadSafetensors,
  RandomKey,
  saveSafetensors,
  setGeneratorState,
  Tensor,
  writeAtomically,
} from "@pullback/core";
import { CheckpointError } from "../errors.ts";
import type { Optimizer, OptimizerState } from "../optimizers/index.ts";
import { loadStateDict, stateDict } from "../parameters/index.ts";
import { withBytes } from "../parameters/state-dict.ts";
import type { TrainingPosition } from "./position.ts";

const folderName = (step: number): string => `step-${String(step).padStart(8, "0")}`;
/** A checkpoint, or one that its successor of the same step is about to replace. */
const folderPattern = /^step-(\d+)(\.old)?$/;
const unfinished = /^step-\d+\.\d+\.tmp$/;

/** The part of a checkpoint that is no tensor. Numbers survive JSON exactly. */
interface Manifest extends TrainingPosition {
  readonly format: 1;
  readonly generator: { readonly key: readonly [number, number]; readonly draws: number };
  readonly optimizer: { readonly step: number; readonly numbers: Readonly<Record<string, Record<string, number>>> };
}

/**
 * Writes a checkpoint into `folder`. The model is in `model.safetensors`, under the names of `stateDict`.
 *
 * @returns the path of the checkpoint
 * @throws CheckpointError PB7106 when the system refuses
 */
export async function saveCheckpoint(
  folder: string,
  run: { model: unknown; optimizer: Optimizer<any>; position: TrainingPosition },
): Promise<string> {
  const { mkdir, rm } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const path = join(folder, folderName(run.position.step));
  const temporary = `${path}.${process.pid}.tmp`;
  const { step, slots } = run.optimizer.state();
  const { tensors, numbers } = separate(slots);
  const { key, draws } = generatorState();
  const manifest: Manifest = {
    format: 1,
    ...run.position,
    generator: { key: [key.k0, key.k1], draws },
    optimizer: { step, numbers },
  };
  try {
    await mkdir(temporary, { recursive: true });
    await saveSafetensors(join(temporary, "model.safetensors"), withBytes(stateDict(run.model)), {
      metadata: { format: "pt" },
    });
    const oneFile = { maxShardBytes: Number.POSITIVE_INFINITY };
    await saveSafetensors(join(temporary, "optimizer.safetensors"), tensors, oneFile);
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    await writeAtomically(join(temporary, "training.json"), (file) => file.writeFile(text));
    await replaceFolder(path, temporary);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if (cause instanceof CheckpointError || typeof (cause as { syscall?: unknown }).syscall !== "string") throw cause;
    throw new CheckpointError(`cannot be written (${(cause as Error).message})`, {
      code: "PB7106",
      path,
      cause,
      hint: "Check the folder's permissions and the space left.",
    });
  }
  return path;
}

/**
 * Puts a complete folder into the place of another, if there is one. No system does that in one step: in between, the
 * old one is there under its other name.
 */
async function replaceFolder(path: string, complete: string): Promise<void> {
  const { rename, rm, stat } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const old = `${path}.old`;
  const there = await stat(path).then(() => true, () => false); // biome-ignore format: one thought
  if (there) {
    await rm(old, { recursive: true, force: true });
    await rename(path, old);
  }
  await rename(complete, path);
  await flushFolder(dirname(path));
  await rm(old, { recursive: true, force: true });
}

/** The newest complete checkpoint in `folder`, if there is one. */
export async function latestCheckpoint(folder: string): Promise<string | undefined> {
  return (await checkpointsIn(folder)).at(-1);
}

/**
 * Removes the checkpoints in `folder` that `which` accepts, given their path and how many newer ones there are; all by
 * default. What a crash left unfinished goes too; other files stay.
 */
export async function removeCheckpoints(
  folder: string,
  which: (path: string, newer: number) => boolean = () => true,
): Promise<void> {
  const { readdir, rename, rm } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const paths = await checkpointsIn(folder);
  for (const [i, path] of paths.entries()) {
    if (!which(path, paths.length - 1 - i)) continue;
    // Under a name that is no checkpoint's: removing takes a while, and may be interrupted.
    const leaving = `${path.replace(/\.old$/, "")}.${process.pid}.tmp`;
    await rename(path, leaving);
    await rm(leaving, { recursive: true });
  }
  if (paths.length === 0) return;
  for (const name of await readdir(folder)) {
    if (unfinished.test(name)) await rm(join(folder, name), { recursive: true });
  }
}

/** Complete checkpoints, oldest first. */
async function checkpointsIn(folder: string): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const names = await readdir(folder).catch((error: { code?: unknown }) => {
    if (error.code === "ENOENT") return [];
    throw new CheckpointError("cannot be listed", { code: "PB7103", path: folder, cause: error });
  });
  const found = names.flatMap((name) => {
    const [, step, old] = folderPattern.exec(name) ?? [];
    return step === undefined ? [] : [{ name, step: Number(step), replaced: old !== undefined }];
  });
  found.sort((a, b) => a.step - b.step || Number(b.replaced) - Number(a.replaced));
  return found.map(({ name }) => join(folder, name));
}

/**
 * Puts model, optimizer and the default random generator back as they were at the checkpoint `path`.
 *
 * @throws CheckpointError PB7101 … PB7104 for damaged files, PB7110 when it is of another model; nothing has changed then
 */
export async function loadCheckpoint(
  path: string,
  run: { model: unknown; optimizer: Optimizer<any> },
): Promise<TrainingPosition> {
  const { join } = await import("node:path");
  const { optimizer, generator, step, epoch, batch, patience } = await readManifest(join(path, "training.json"));
  const slots = together((await loadSafetensors(join(path, "optimizer.safetensors"))).tensors, optimizer.numbers);
  loadStateDict(run.model, (await loadSafetensors(path)).tensors);
  run.optimizer.loadState({ step: optimizer.step, slots });
  setGeneratorState({ key: new RandomKey(...generator.key), draws: generator.draws });
  return patience === undefined ? { step, epoch, batch } : { step, epoch, batch, patience };
}

async function readManifest(path: string): Promise<Manifest> {
  const { readFile } = await import("node:fs/promises");
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const missing = (cause as { code?: unknown }).code === "ENOENT";
    const [message, code] = missing ? ["does not exist", "PB7103"] : ["is not valid JSON", "PB7101"];
    throw new CheckpointError(message, { code, path, cause, hint: "Name a folder that saveCheckpoint wrote." });
  }
  const counts = [manifest.step, manifest.epoch, manifest.batch, manifest.optimizer?.step, manifest.generator?.draws];
  if (manifest.format === 1 && counts.every(Number.isInteger)) return manifest;
  throw new CheckpointError("is not of a format that this version reads", {
    code: "PB7101",
    path,
    hint: "The file is damaged, or a newer version of Pullback wrote it.",
  });
}

/** Optimizer state as tensors, named `slot.path`, and numbers. */
function separate(slots: OptimizerState["slots"]) {
  const tensors = new Map<string, Tensor>();
  const numbers: Record<string, Record<string, number>> = {};
  for (const [slot, leaves] of Object.entries(slots)) {
    for (const [path, leaf] of leaves) {
      if (leaf instanceof Tensor) tensors.set(`${slot}.${path}`, leaf);
      else if (typeof leaf === "number") {
        numbers[slot] ??= {};
        numbers[slot][path] = leaf;
      } else {
        throw new CheckpointError(`the optimizer's state at "${path}" is neither a tensor nor a number`, {
          code: "PB7111",
          names: [path],
          hint: "A model with leaves of other types cannot be checkpointed by fit; save state() in a form of your own.",
        });
      }
    }
  }
  return { tensors, numbers };
}

/** The inverse of `separate`. */
function together(
  tensors: ReadonlyMap<string, Tensor>,
  numbers: Manifest["optimizer"]["numbers"],
): OptimizerState["slots"] {
  const slots: Record<string, Map<string, Tensor | number>> = {};
  const put = (slot: string, path: string, leaf: Tensor | number) => {
    slots[slot] ??= new Map();
    slots[slot].set(path, leaf);
  };
  for (const [name, x] of tensors) put(name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1), x);
  for (const [slot, leaves] of Object.entries(numbers)) {
    for (const [path, leaf] of Object.entries(leaves)) put(slot, path, leaf);
  }
  return slots;
}
