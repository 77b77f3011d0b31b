/** The training loop: learning, exact resume, cancelling, loss of finiteness, checkpoints that fit and that do not. */
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { NoDerivative } from "@pullback/autodiff";
import { dropout, ones, setSeed, type Tensor, tensor, zeros } from "@pullback/core";
import { latestCheckpoint, loadCheckpoint } from "../checkpointing/index.ts";
import { DataLoader } from "../data/index.ts";
import { CheckpointError, NonFiniteError } from "../errors.ts";
import { AdamW, NAdam, type Optimizer, SGD } from "../optimizers/index.ts";
import { cosineDecay } from "../schedules/index.ts";
import { type FitOptions, fit } from "./index.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "fit-"));
});
afterAll(() => rm(home, { recursive: true }));
const newFolder = () => mkdtemp(join(home, "run-"));

class Shift {
  by = 0;
}

/** A linear map and a number, with dropout on its input in training. */
class Regression {
  weight: Tensor = zeros([3]);
  readonly shift = new Shift();
  training: NoDerivative<boolean> = true;
}

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

const masked = (model: Regression, x: Tensor) => (model.training ? dropout(x, 0.25) : x);

function squaredError(model: Regression, { x, y }: Batch): Tensor {
  return masked(model, x).matmul(model.weight).add(model.shift.by).sub(y).square().mean();
}

const samples = Array.from({ length: 20 }, (_, i) => {
  const x = [Math.sin(i), Math.cos(2 * i), Math.sin(3 * i + 1)];
  return { x: tensor(x), y: 2 * x[0] - x[1] + 0.5 * x[2] + 3 };
});
const loader = () => new DataLoader(samples, { batchSize: 6, shuffle: true, seed: 4 });

type Options = Omit<FitOptions<Regression, Batch>, "loss" | "optimizer">;

const optimizers: Record<string, (model: Regression) => Optimizer<any>> = {
  AdamW: (m) => new AdamW(m, { learningRate: cosineDecay({ base: 0.3, steps: 40 }), clip: { globalNorm: 1 } }),
  NAdam: (m) => new NAdam(m, { learningRate: 0.1 }),
  SGD: (m) => new SGD(m, { learningRate: 0.05, momentum: 0.9 }),
};

/** A run of its own model and optimizer from one seed. */
function start(name: string, options: Options) {
  setSeed(7);
  const model = new Regression();
  const optimizer = optimizers[name](model);
  return {
    model,
    optimizer,
    run: () => fit(model, loader(), { loss: squaredError, optimizer, progress: false, ...options }),
  };
}

const contents = ({ model, optimizer }: { model: Regression; optimizer: Optimizer<any> }) => {
  const { step, slots } = optimizer.state();
  const plain = Object.entries(slots).map(([slot, leaves]) => [
    slot,
    Object.fromEntries([...leaves].map(([path, leaf]) => [path, typeof leaf === "number" ? leaf : leaf.toArray()])),
  ]);
  return { weight: model.weight.toArray(), by: model.shift.by, step, slots: Object.fromEntries(plain) };
};

describe("a run", () => {
  test("learns, reports every step, and puts the mode back", async () => {
    setSeed(7);
    const model = new Regression();
    model.training = false;
    const optimizer = new SGD(model, { learningRate: (step) => 0.2 / (1 + step / 50) });
    const reports: [number, number, number][] = [];
    const modes = new Set<boolean>();
    const result = await fit(model, loader(), {
      loss: squaredError,
      optimizer,
      epochs: 30,
      progress: false,
      onStep: ({ step, epoch, learningRate, loss, batch }) => {
        reports.push([step, epoch, learningRate]);
        modes.add(model.training);
        expect(loss).toBeGreaterThanOrEqual(0);
        expect(batch.x.shape[1]).toBe(3);
      },
    });
    expect([...modes]).toEqual([true]);
    expect(model.training).toBe(false);
    expect([result.step, result.resumedAt, result.losses.length]).toEqual([120, 0, 120]);
    expect(reports[0]).toEqual([1, 0, 0.2]);
    expect(reports[119]).toEqual([120, 29, 0.2 / (1 + 119 / 50)]);
    const all = samples.map(({ x, y }) => x.mul(model.weight).sum().item() + model.shift.by - y);
    expect(Math.max(...all.map(Math.abs))).toBeLessThan(0.9);
    expect(model.shift.by).toBeGreaterThan(2.5);
  });

  test("ends at maxSteps, through as many epochs as that takes", async () => {
    expect((await start("SGD", { maxSteps: 10 }).run()).step).toBe(10);
    expect((await start("SGD", { maxSteps: 3 }).run()).step).toBe(3);
    expect((await start("SGD", { maxSteps: 10, epochs: 2 }).run()).step).toBe(8);
    expect((await start("SGD", {}).run()).step).toBe(4);
  });

  test("takes any iterable; an epoch without batches is an error", async () => {
    const batches = [...loader().epoch(0)];
    const options = () => {
      const model = new Regression();
      return [
        model,
        { loss: squaredError, optimizer: new SGD(model, { learningRate: 0.1 }), progress: false },
      ] as const;
    };
    const [model, rest] = options();
    expect((await fit(model, batches, { ...rest, epochs: 2 })).step).toBe(8);
    expect((await fit(model, new Set(batches), { ...rest, maxSteps: 5 })).step).toBe(5);
    await expect(fit(model, [] as Batch[], { ...rest, maxSteps: 5 })).rejects.toMatchObject({ code: "PB7201" });
    const once = batches.values();
    const folder = await newFolder();
    const [other, more] = options();
    const error = await fit(other, once, { ...more, epochs: 2, checkpoint: { folder } }).catch((e) => e);
    expect([error.name, error.code]).toEqual(["DataError", "PB7201"]);
    expect(await readdir(folder)).toEqual(["step-00000004"]);
  });
});

describe("an interrupted run", () => {
  // 4 batches an epoch: inside the first, at its end, inside a later one.
  test.each(Object.keys(optimizers).flatMap((name) => [2, 4, 9].map((at) => [name, at] as const)))(
    "of %s, stopped after step %i and continued, equals one that was not, bit for bit",
    async (name, at) => {
      const whole = start(name, { epochs: 4 });
      const { losses } = await whole.run();

      const checkpoint = { folder: await newFolder() };
      const controller = new AbortController();
      const onStep = ({ step }: { step: number }) => {
        if (step === at) controller.abort();
      };
      const first = start(name, { epochs: 4, checkpoint, signal: controller.signal, onStep });
      const error = await first.run().catch((e) => e);
      expect([error.name, first.optimizer.step]).toEqual(["AbortError", at]);

      const second = start(name, { epochs: 4, checkpoint });
      setSeed(12345); // what the default generator holds is in the checkpoint
      const result = await second.run();
      expect([result.resumedAt, result.step]).toEqual([at, 16]);
      expect(result.losses).toEqual(losses.slice(at));
      expect(contents(second)).toEqual(contents(whole));
    },
  );

  test("that is finished has nothing left to do, unless it is made longer", async () => {
    const checkpoint = { folder: await newFolder() };
    const whole = start("AdamW", { maxSteps: 12 });
    await whole.run();
    await start("AdamW", { maxSteps: 8, checkpoint }).run();
    expect((await start("AdamW", { maxSteps: 8, checkpoint }).run()).losses).toEqual([]);
    const longer = start("AdamW", { maxSteps: 12, checkpoint });
    await longer.run();
    expect(contents(longer)).toEqual(contents(whole));
  });
});

describe("cancelling", () => {
  test("from outside the loop: timers and signals have their turn between steps", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    const { run } = start("SGD", { maxSteps: 1_000_000, signal: controller.signal });
    await expect(run()).rejects.toMatchObject({ name: "AbortError" });
  });

  test("before the first step", async () => {
    const checkpoint = { folder: await newFolder() };
    const error = await start("SGD", { checkpoint, signal: AbortSignal.abort() })
      .run()
      .catch((e) => e);
    expect(error.name).toBe("AbortError");
    expect(await readdir(checkpoint.folder)).toEqual(["step-00000000"]);
  });

  test("for a reason of one's own is an AbortError with that cause", async () => {
    const error = await start("SGD", { signal: AbortSignal.abort("enough") })
      .run()
      .catch((e) => e);
    expect([error.name, error.cause]).toEqual(["AbortError", "enough"]);
  });
});

test("a loss that is not finite ends the run before the update; the last checkpoint stays", async () => {
  const checkpoint = { folder: await newFolder(), every: 2 };
  const batches = [...loader().epoch(0)];
  const poisoned: Batch = { x: batches[0].x, y: batches[0].y.mul(Number.NaN) };
  setSeed(7);
  const model = new Regression();
  const optimizer = optimizers.AdamW(model);
  const before: unknown[] = [];
  const running = fit(model, [...batches, poisoned], {
    loss: squaredError,
    optimizer,
    checkpoint,
    progress: false,
    onStep: () => void before.push(contents({ model, optimizer })),
  });
  const error: NonFiniteError = await running.catch((e) => e);
  expect(error).toBeInstanceOf(NonFiniteError);
  expect([error.step, error.code]).toEqual([4, "PB7301"]);
  expect(contents({ model, optimizer })).toEqual(before[3]);
  expect(await readdir(checkpoint.folder)).toEqual(["step-00000002", "step-00000004"]);
});

describe("checkpoints", () => {
  test("the newest are kept; a folder whose making was interrupted is not one, and goes", async () => {
    const folder = await newFolder();
    await cp(new URL("../../testdata/", import.meta.url), join(folder, "step-00000099.1.tmp"), { recursive: true });
    await writeFile(join(folder, "notes.txt"), "mine");
    await start("SGD", { maxSteps: 7, checkpoint: { folder, every: 2, keep: 3 } }).run();
    expect((await readdir(folder)).sort()).toEqual(["notes.txt", "step-00000004", "step-00000006", "step-00000007"]);
    expect(await latestCheckpoint(folder)).toBe(join(folder, "step-00000007"));
  });

  test("resume: false starts anew and replaces what was there", async () => {
    const folder = await newFolder();
    await start("SGD", { maxSteps: 9, checkpoint: { folder, every: 3, keep: 9 } }).run();
    const anew = start("SGD", { maxSteps: 4, checkpoint: { folder, every: 3, resume: false } });
    expect((await anew.run()).resumedAt).toBe(0);
    expect(await readdir(folder)).toEqual(["step-00000003", "step-00000004"]);
  });

  test("of another model are refused, and nothing changes", async () => {
    const folder = await newFolder();
    await start("SGD", { maxSteps: 2, checkpoint: { folder } }).run();
    const other = { weight: ones([4]), shift: { by: 1 } };
    const optimizer = new SGD(other, { learningRate: 1 });
    const path = (await latestCheckpoint(folder))!;
    const error: CheckpointError = await loadCheckpoint(path, { model: other, optimizer }).catch((e) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect([error.code, error.names]).toEqual(["PB7110", ["weight"]]);
    expect([optimizer.step, other.shift.by]).toEqual([0, 1]);
  });

  test.each([
    ["{", "PB7101"],
    ["{}", "PB7101"],
    [undefined, "PB7103"],
  ])("a damaged or missing manifest: %s", async (text, code) => {
    const folder = await newFolder();
    const made = start("SGD", { maxSteps: 2, checkpoint: { folder } });
    await made.run();
    const path = (await latestCheckpoint(folder))!;
    if (text === undefined) await rm(join(path, "training.json"));
    else await writeFile(join(path, "training.json"), text);
    const error: CheckpointError = await loadCheckpoint(path, made).catch((e) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.code).toBe(code);
  });

  test("a folder that cannot be made is a CheckpointError", async () => {
    const file = join(await newFolder(), "file");
    await writeFile(file, "");
    const error = await start("SGD", { maxSteps: 1, checkpoint: { folder: join(file, "runs"), resume: false } })
      .run()
      .catch((e) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.code).toBe("PB7106");
  });
});
