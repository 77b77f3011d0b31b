/** What surrounds the loop: validation, metrics, callbacks, accumulation, early stopping, records. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { NoDerivative } from "@pullback/autodiff";
import { dropout, setSeed, type Tensor, tensor } from "@pullback/core";
import { DataLoader } from "../data/index.ts";
import { NonFiniteError } from "../errors.ts";
import { Linear } from "../layers/index.ts";
import { meanSquaredError } from "../losses/index.ts";
import { AdamW, SGD } from "../optimizers/index.ts";
import { stateDict } from "../parameters/index.ts";
import {
  Accuracy,
  evaluate,
  F1,
  type FitEvent,
  type FitOptions,
  fit,
  htmlReport,
  MatthewsCorrelation,
  Perplexity,
  readRunLog,
  TopKAccuracy,
} from "./index.ts";

const home = await mkdtemp(join(tmpdir(), "pullback-fit-"));
afterAll(() => rm(home, { recursive: true, force: true }));

class Model {
  readonly linear = new Linear(2, 1);
  training: NoDerivative<boolean> = true;
  forward(x: Tensor): Tensor {
    return this.linear.forward(this.training ? dropout(x, 0.1) : x);
  }
}

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

const samples = Array.from({ length: 12 }, (_, i) => {
  const x = [Math.sin(i), Math.cos(3 * i)];
  return { x: tensor(x), y: tensor([2 * x[0]! - x[1]!]) };
});
const loader = (batchSize = 3) => new DataLoader(samples, { batchSize, shuffle: true, seed: 1 });
const loss = (model: Model, { x, y }: Batch) => meanSquaredError(model.forward(x), y);

function start(options: Omit<FitOptions<Model, Batch>, "loss" | "optimizer"> = {}, data = loader()) {
  setSeed(3);
  const model = new Model();
  const optimizer = new SGD(model, { learningRate: 0.05 });
  return {
    model,
    run: () => fit(model, data, { loss: (m: Model, b: Batch) => loss(m, b), optimizer, progress: false, ...options }),
  };
}

const weights = (model: Model) => [...stateDict(model).values()].map((x) => x.toArray());

describe("validation", () => {
  test("at the end of every epoch, in evaluation mode, weighted by the batches' sizes", async () => {
    const { model, run } = start({ epochs: 3, validation: { data: loader(5) } });
    const { validations } = await run();
    expect(validations.map(({ step, epoch }) => [step, epoch])).toEqual([[4, 0], [8, 1], [12, 2]]); // biome-ignore format: rows
    model.training = false;
    const whole = loader(12).epoch(0).next().value as Batch;
    expect(validations[2]!.results.loss).toBeCloseTo(loss(model, whole).item(), 6);
    model.training = true;
    expect((await evaluate(model, loader(5), { loss })).loss).toBeCloseTo(validations[2]!.results.loss!, 6);
  });

  test("every so many updates, and once at the end; it changes nothing in the run", async () => {
    const { validations, losses } = await start({ maxSteps: 7, validation: { data: loader(4), every: 3 } }).run();
    expect(validations.map(({ step }) => step)).toEqual([3, 6, 7]);
    expect(losses).toEqual((await start({ maxSteps: 7 }).run()).losses);
  });

  test("early stopping counts validations without improvement, through a resume too", async () => {
    const folder = join(home, "patience");
    const poor = { data: [{ x: tensor([[1, 1]]), y: tensor([[Number.NaN]]) }] };
    const measures = (values: number[]) => ({
      predict: (_: Model, { x }: Batch) => x,
      target: ({ y }: Batch) => y,
      metrics: { score: { reset: () => {}, add: async () => {}, value: () => values.shift() ?? 0 } },
    });
    const options = { epochs: 9, checkpoint: { folder, every: 1 }, earlyStopping: { monitor: "score", patience: 2 } };
    const first = await start({
      ...options,
      epochs: 3,
      validation: { ...poor, measures: measures([0.5, 0.4, 0.3]) },
    }).run();
    expect([first.stoppedEarly, first.step]).toEqual([false, 12]);
    const second = await start({ ...options, validation: { ...poor, measures: measures([0.5, 0.6]) } }).run();
    expect([second.stoppedEarly, second.resumedAt, second.step]).toEqual([true, 12, 16]);
  });
});

describe("accumulation", () => {
  test("two batches of three are one of six, and the rest of an epoch is an update too", async () => {
    class Plain {
      readonly linear = new Linear(2, 1);
    }
    const trained = async (batchSize: number, accumulate: number) => {
      setSeed(3);
      const model = new Plain();
      const result = await fit(model, new DataLoader(samples, { batchSize }), {
        loss: (m: Plain, { x, y }: Batch) => meanSquaredError(m.linear.forward(x), y),
        optimizer: new SGD(model, { learningRate: 0.05 }),
        epochs: 2,
        accumulate,
        progress: false,
      });
      return { result, flat: [...stateDict(model).values()].flatMap((x) => x.flatten().toArray() as number[]) };
    };
    const [many, few] = [await trained(3, 2), await trained(6, 1)];
    expect([many.result.step, few.result.step]).toEqual([4, 4]);
    for (const [i, value] of few.flat.entries()) expect(many.flat[i]).toBeCloseTo(value, 6);
    expect((await trained(4, 2)).result.step).toBe(4); // three batches: two and one
  });

  test("a run cancelled between the batches of an update stops after it, and resumes exactly", async () => {
    const whole = start({ epochs: 3, accumulate: 2 });
    const { losses } = await whole.run();
    const checkpoint = { folder: join(home, "accumulating") };
    const controller = new AbortController();
    let batches = 0;
    const callbacks = [
      ({ event }: { event: FitEvent }) => void (event === "batchStart" && ++batches === 3 && controller.abort()),
    ];
    const first = start({ epochs: 3, accumulate: 2, checkpoint, callbacks, signal: controller.signal });
    await expect(first.run()).rejects.toMatchObject({ name: "AbortError" });
    const second = start({ epochs: 3, accumulate: 2, checkpoint });
    const result = await second.run();
    expect([result.resumedAt, result.losses]).toEqual([2, losses.slice(2)]);
    expect(weights(second.model)).toEqual(weights(whole.model));
  });
});

describe("callbacks", () => {
  test("see every event in order", async () => {
    const events: string[] = [];
    const measures = {
      predict: (m: Model, { x }: Batch) => m.forward(x),
      target: ({ y }: Batch) => y,
      metrics: {},
    };
    await start(
      {
        callbacks: [({ event, phase }) => void events.push(`${event}${phase === "validation" ? "*" : ""}`)],
        validation: { data: loader(6), measures },
      },
      loader(6),
    ).run();
    const batch = ["batchStart", "updateStart", "batchEnd"];
    const looked = ["batchStart*", "predictionEnd*", "batchEnd*"];
    expect(events).toEqual([
      "fitStart",
      "epochStart",
      "trainingStart",
      ...batch,
      ...batch,
      "trainingEnd",
      "validationStart*",
      ...looked,
      ...looked,
      "validationEnd*",
      "epochEnd",
      "fitEnd",
    ]);
  });

  test("may leave out batches, end training, an epoch, or the run", async () => {
    const stepsWith = async (when: FitEvent, action: any, at = 2) => {
      let seen = 0;
      const validation = { data: loader(12) };
      const callbacks = [({ event }: { event: FitEvent }) => (event === when && ++seen === at ? action : undefined)];
      const { step, validations } = await start({ epochs: 2, callbacks, validation }).run();
      return [step, validations.length];
    };
    expect(await stepsWith("batchStart", undefined)).toEqual([8, 2]);
    expect(await stepsWith("batchStart", "cancelBatch")).toEqual([7, 2]);
    expect(await stepsWith("updateStart", "cancelBatch")).toEqual([7, 2]);
    expect(await stepsWith("batchEnd", "cancelTraining")).toEqual([6, 2]);
    expect(await stepsWith("batchEnd", "cancelEpoch")).toEqual([6, 1]);
    expect(await stepsWith("batchEnd", "cancelFit")).toEqual([2, 0]);
    expect(await stepsWith("validationStart", "cancelValidation", 1)).toEqual([8, 1]);
    expect(await stepsWith("epochStart", "cancelFit")).toEqual([4, 1]);
  });

  test("may change a gradient before the update", async () => {
    const { model, run } = start({
      callbacks: [
        (state) => {
          if (state.event === "updateStart") state.gradient = undefined;
        },
      ],
    });
    const before = weights(model);
    await expect(run()).rejects.toMatchObject({ code: "PB7401" });
    expect(weights(model)).toEqual(before);
  });
});

test("a loss that is not finite is reported with step, rate and the gradient's norm", async () => {
  const model = new Model();
  const data = [{ x: tensor([[1, 2]]), y: tensor([[Number.POSITIVE_INFINITY]]) }];
  const optimizer = new AdamW(model, { learningRate: 0.25 });
  const error: NonFiniteError = await fit(model, data, {
    loss: (m: Model, b: Batch) => loss(m, b),
    optimizer,
    progress: false,
  }).then(
    () => expect(true).toBe(false) as never,
    (e) => e,
  );
  expect(error).toBeInstanceOf(NonFiniteError);
  expect([error.step, error.learningRate, Number.isFinite(error.gradientNorm)]).toEqual([0, 0.25, false]);
});

describe("records", () => {
  test("a log line per step and validation, continued by a resumed run; a page that needs no network", async () => {
    const [log, report] = [join(home, "records", "log.jsonl"), join(home, "records", "run.html")];
    const options = {
      log,
      report,
      checkpoint: { folder: join(home, "records-checkpoints") },
      validation: { data: loader(12) },
    };
    await start({ ...options, epochs: 1 }).run();
    await start({ ...options, epochs: 2 }).run();
    const entries = await readRunLog(log);
    expect(entries.filter(({ loss: value }) => value !== undefined).map(({ step }) => step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(entries.filter(({ validation }) => validation !== undefined).map(({ step }) => step)).toEqual([4, 8]);
    expect(entries[0]).toMatchObject({ step: 1, epoch: 0, learningRate: 0.05 });
    const page = await readFile(report, "utf8");
    expect(page).toMatch(/<svg/);
    expect(page).toMatch(/step 8/);
    expect(page).not.toMatch(/https?:|<script|@import|url\(/);
  });

  test("names are escaped, and a run without steps has a page", () => {
    expect(htmlReport("<b>", [])).toMatch(/&#60;b&#62;/);
    expect(htmlReport("a", [{ step: 1, epoch: 0, seconds: 1, loss: Number.NaN }])).not.toMatch(/NaN/);
  });
});

describe("metrics", () => {
  const logits = tensor([[3, 1, 2], [0, 5, 1], [1, 2, 3], [9, 8, 7]]); // biome-ignore format: rows
  const labels = tensor([2, 1, 2, -100], { dtype: "int32" });

  test("accuracy, top-k and perplexity by hand; ignored labels do not count", async () => {
    const [accuracy, top2, perplexity] = [new Accuracy(), new TopKAccuracy(2), new Perplexity()];
    expect(accuracy.value()).toBeNaN();
    for (const metric of [accuracy, top2, perplexity]) await metric.add(logits, labels);
    expect(accuracy.value()).toBeCloseTo(2 / 3, 12);
    expect(top2.value()).toBe(1);
    const logSumExp = (row: number[]) => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    const total = logSumExp([3, 1, 2]) - 2 + logSumExp([0, 5, 1]) - 5 + logSumExp([1, 2, 3]) - 3;
    expect(perplexity.value()).toBeCloseTo(Math.exp(total / 3), 4);
    accuracy.reset();
    expect(accuracy.value()).toBeNaN();
    await expect(accuracy.add(logits, tensor([1, 2], { dtype: "int32" }))).rejects.toMatchObject({ code: "PB7203" });
  });

  test("F1 and Matthews from the four counts, over two batches", async () => {
    const [f1, matthews] = [new F1(), new MatthewsCorrelation()];
    // 3 true positives, 1 false positive, 2 true negatives, 1 false negative.
    for (const metric of [f1, matthews]) {
      await metric.add(tensor([1, 2, -1, 3]), tensor([1, 1, 0, 0], { dtype: "int32" }));
      await metric.add(tensor([[0, 1], [1, 0], [1, 0]]), tensor([1, 0, 1], { dtype: "int32" })); // biome-ignore format: rows
    }
    expect(f1.value()).toBeCloseTo(6 / 8, 12);
    expect(matthews.value()).toBeCloseTo((3 * 2 - 1 * 1) / Math.sqrt(4 * 4 * 3 * 3), 12);
    expect(new MatthewsCorrelation().value()).toBe(0);
  });
});
