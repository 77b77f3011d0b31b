/** Saving that goes wrong: a full disk, and a process that is killed at any moment. */
import { spawn } from "node:child_process";
import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, jest, test } from "@jest/globals";
import { loadSafetensors, ones, saveSafetensors, type Tensor, tensor, zeros } from "@pullback/core";
import { CheckpointError } from "../errors.ts";
import { SGD } from "../optimizers/index.ts";
import { latestCheckpoint, loadCheckpoint, saveCheckpoint } from "./index.ts";

const home = await mkdtemp(join(tmpdir(), "pullback-crash-"));
afterAll(() => rm(home, { recursive: true, force: true }));
afterEach(() => void jest.restoreAllMocks());

/** From the write number `after` on, every write fails as on a full disk. */
async function fillDisk(after: number): Promise<void> {
  const handle = await open(join(home, "any"), "w");
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  let writes = 0;
  for (const method of ["write", "writeFile"] as const) {
    const original = prototype[method];
    jest.spyOn(prototype, method).mockImplementation(function (this: unknown, ...args: unknown[]) {
      if (writes++ < after) return original.apply(this, args);
      const details = { code: "ENOSPC", errno: -28, syscall: "write" };
      return Promise.reject(Object.assign(new Error("ENOSPC: no space left on device, write"), details));
    });
  }
}

describe("a full disk", () => {
  // Three writes to each of two safetensors files of one tensor, one to the manifest.
  test.each([0, 1, 2, 3, 5, 6])("at write %i leaves the checkpoint of the same step as it was", async (after) => {
    const folder = await mkdtemp(join(home, "full-"));
    const model = { weight: ones([3]) };
    const optimizer = new SGD(model, { learningRate: 1, momentum: 0.5 });
    optimizer.update(model, { weight: ones([3]) });
    const position = { step: 1, epoch: 0, batch: 1 };
    await saveCheckpoint(folder, { model, optimizer, position });
    model.weight = zeros([3]).add(5);
    await fillDisk(after);
    const error: CheckpointError = await saveCheckpoint(folder, { model, optimizer, position }).catch((e) => e);
    jest.restoreAllMocks();
    expect(error).toBeInstanceOf(CheckpointError);
    expect([error.code, (error.cause as { code?: string }).code ?? (error.cause as Error).name]).toEqual([
      "PB7106",
      "ENOSPC",
    ]);
    expect(await readdir(folder)).toEqual(["step-00000001"]);
    await loadCheckpoint((await latestCheckpoint(folder))!, { model, optimizer });
    expect(model.weight.toArray()).toEqual([0, 0, 0]);
  });

  test("leaves a safetensors file as it was, and no part of another", async () => {
    const folder = await mkdtemp(join(home, "file-"));
    const path = join(folder, "model.safetensors");
    await saveSafetensors(path, { x: tensor([1, 2]) });
    await fillDisk(2);
    await expect(saveSafetensors(path, { x: tensor([3, 4]) })).rejects.toMatchObject({ code: "PB7106" });
    jest.restoreAllMocks();
    expect(await readdir(folder)).toEqual(["model.safetensors"]);
    expect((await loadSafetensors(path)).tensors.get("x")!.toArray()).toEqual([1, 2]);
  });
});

describe("a process killed while it saves", () => {
  const saver = fileURLToPath(new URL("../../testdata/saver.ts", import.meta.url));

  /** Starts the program, waits until it saves, and kills it some milliseconds later. */
  async function killAfter(folder: string, milliseconds: number): Promise<void> {
    const child = spawn(process.execPath, ["--import", "@pullback/compiler-plugin/register", saver, folder], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await new Promise<void>((resolve, reject) => {
      child.stdout.once("data", () => resolve());
      child.once("exit", () => reject(new Error(`the program ended by itself: ${output}`)));
    });
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    child.kill("SIGKILL");
    await ended;
  }

  test("leaves a whole checkpoint, the old one or the new one", async () => {
    const folder = await mkdtemp(join(home, "killed-"));
    let last = 0;
    for (const milliseconds of [0, 7, 13, 28]) {
      await killAfter(folder, milliseconds);
      const path = await latestCheckpoint(folder);
      expect(path).toBeDefined();
      const model = { a: zeros([200_000]), b: zeros([300]) };
      const optimizer = new SGD(model, { learningRate: 1 });
      const { epoch } = await loadCheckpoint(path!, { model, optimizer });
      const { step, slots } = optimizer.state();
      const values = [model.a, model.b, slots.first.get("a") as Tensor, slots.second.get("b") as Tensor];
      const extremes = values.flatMap((x) => [x.min().item(), x.max().item()]);
      expect([...new Set([...extremes, step, epoch])]).toEqual([epoch]);
      expect(epoch).toBeGreaterThan(0);
      last = epoch;
    }
    expect(last).toBeGreaterThan(0);
  }, 300_000);
});
