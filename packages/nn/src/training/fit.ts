/** The training loop with everything around it: modes, progress, checkpoints, cancelling, resuming. */
import { type DifferentiableFunction, valueWithGradient } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { latestCheckpoint, loadCheckpoint, removeCheckpoints, saveCheckpoint } from "../checkpointing/index.ts";
import { asBatches, type Batches } from "../data/index.ts";
import { NonFiniteError } from "../errors.ts";
import type { Optimizer } from "../optimizers/index.ts";
import { setMode } from "../parameters/index.ts";
import { lossCurve } from "./loss-curve.ts";
import { nextTask } from "./next-task.ts";
import { Progress, type ProgressOptions } from "./progress.ts";

export interface CheckpointOptions {
  /** Where checkpoints are kept: one folder each, `step-00000500`. */
  readonly folder: string;
  /** Steps from one checkpoint to the next; by default there is only the one at the end (or at cancelling). */
  readonly every?: number;
  /** How many of the newest are kept; default 2. */
  readonly keep?: number;
  /**
   * Whether a checkpoint in the folder is continued (default), so that the same program, run again, goes on where it
   * was stopped; false starts anew and replaces what is there.
   */
  readonly resume?: boolean;
}

/** What `onStep` is told after each update. */
export interface StepReport<Batch> {
  /** Updates made, this one included, those before a resume too. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  /** The rate of this update. */
  readonly learningRate: number;
  readonly batch: Batch;
}

export interface FitOptions<Model, Batch> {
  /** From the model and a batch to a loss of one element. The compiler makes any function it can see differentiable. */
  readonly loss: DifferentiableFunction<(model: Model, batch: Batch) => Tensor | number>;
  readonly optimizer: Optimizer<any>;
  /** Passes over the data; default 1, or as many as `maxSteps` needs. */
  readonly epochs?: number;
  /** The run ends after this many updates, those before a resume included. */
  readonly maxSteps?: number;
  /** Cancels: a checkpoint is written (where there are any), then AbortError is thrown. */
  readonly signal?: AbortSignal;
  readonly checkpoint?: CheckpointOptions;
  readonly onStep?: (report: StepReport<Batch>) => void | Promise<void>;
  /** Progress in the terminal, and the loss curve at the end; default true. */
  readonly progress?: boolean | ProgressOptions<Batch>;
}

export interface FitResult {
  /** Updates made in all. */
  readonly step: number;
  /** The checkpoint's step that the run continued, 0 for a fresh one. */
  readonly resumedAt: number;
  /** The loss of every step of this call. */
  readonly losses: readonly number[];
}

/**
 * Trains `model` in place. Each step takes the gradient of `loss` on one batch and lets the optimizer move the model.
 * Layers are in training mode meanwhile and are put back after.
 *
 * A resumed run is exact: with the same data and options it gives the numbers of one that was never stopped, bit for
 * bit, dropout included.
 *
 * @param data a `DataLoader`, or anything that can be iterated over again and again
 * @throws NonFiniteError when a loss is NaN or infinite; the model is as before that step, the last checkpoint is kept
 * @throws DOMException AbortError when `signal` cancels; the last checkpoint is then of the last step made
 * @throws CheckpointError when a checkpoint cannot be written, or the one in the folder is of another model
 */
export async function fit<Model, Batch>(
  model: Model,
  data: Batches<Batch> | Iterable<Batch> | AsyncIterable<Batch>,
  options: FitOptions<Model, Batch>,
): Promise<FitResult> {
  const run = new Run(model, asBatches(data), options);
  const restoreMode = setMode(model, "train");
  try {
    await run.resume();
    await run.train();
    return { step: run.step, resumedAt: run.resumedAt, losses: run.losses };
  } finally {
    restoreMode();
  }
}

class Run<Model, Batch> {
  step = 0;
  resumedAt = 0;
  readonly losses: number[] = [];
  readonly #model: Model;
  readonly #data: Batches<Batch>;
  readonly #options: FitOptions<Model, Batch>;
  #epoch = 0;
  /** Batches of the epoch already seen. */
  #batch = 0;
  #savedAt: number | undefined;

  constructor(model: Model, data: Batches<Batch>, options: FitOptions<Model, Batch>) {
    this.#model = model;
    this.#data = data;
    this.#options = options;
  }

  async resume(): Promise<void> {
    const { checkpoint, optimizer } = this.#options;
    if (checkpoint === undefined || checkpoint.resume === false) return;
    const path = await latestCheckpoint(checkpoint.folder);
    if (path === undefined) return;
    const position = await loadCheckpoint(path, { model: this.#model, optimizer });
    this.step = position.step;
    this.resumedAt = position.step;
    this.#epoch = position.epoch;
    this.#batch = position.batch;
    this.#savedAt = position.step;
  }

  async train(): Promise<void> {
    const { maxSteps = Number.POSITIVE_INFINITY, epochs = Number.isFinite(maxSteps) ? maxSteps : 1 } = this.#options;
    const progress = this.#progress(maxSteps, epochs);
    try {
      while (this.#epoch < epochs && this.step < maxSteps) {
        const before = this.step;
        await this.#stopIfCancelled();
        for await (const batch of this.#data.epoch(this.#epoch, this.#batch)) {
          await this.#one(batch, progress);
          // Before the next batch is made: making it may draw random numbers.
          await this.#stopIfCancelled();
          if (this.step >= maxSteps) break;
        }
        if (this.step >= maxSteps && this.#batch !== this.#data.length) break;
        if (this.step === before && this.#batch === 0) break; // an empty epoch would repeat for ever
        this.#epoch++;
        this.#batch = 0;
      }
      await this.#save();
    } finally {
      const curve = progress?.interactive && this.losses.length > 1 ? lossCurve(this.losses) : "";
      progress?.finish(curve);
    }
  }

  async #one(batch: Batch, progress: Progress<Batch> | undefined): Promise<void> {
    const { loss: lossOf, optimizer, checkpoint, onStep } = this.#options;
    const { value, gradient } = valueWithGradient(lossOf, { wrt: 0 })(this.#model, batch);
    const loss = typeof value === "number" ? value : Number((await value.data())[0]);
    if (!Number.isFinite(loss)) throw this.#notFinite(loss);
    const { learningRate } = optimizer;
    optimizer.update(this.#model, gradient);
    this.losses.push(loss);
    this.step++;
    this.#batch++;
    progress?.update(this.step, loss, batch);
    if (checkpoint?.every !== undefined && this.step % checkpoint.every === 0) await this.#save();
    await onStep?.({ step: this.step, epoch: this.#epoch, loss, learningRate, batch });
    await nextTask();
  }

  /** Saves where the run stands, unless that is saved already. */
  async #save(): Promise<void> {
    const { checkpoint, optimizer } = this.#options;
    if (checkpoint === undefined || this.#savedAt === this.step) return;
    const { folder, keep = 2 } = checkpoint;
    const position = { step: this.step, epoch: this.#epoch, batch: this.#batch };
    const path = await saveCheckpoint(folder, { model: this.#model, optimizer, position });
    // An earlier run's checkpoints, which may be of later steps, go when this run has its first.
    const replaces = checkpoint.resume === false && this.#savedAt === undefined;
    await removeCheckpoints(folder, (old, newer) => old !== path && (replaces || newer >= keep));
    this.#savedAt = this.step;
  }

  async #stopIfCancelled(): Promise<void> {
    const { signal } = this.#options;
    if (!signal?.aborted) return;
    await this.#save();
    const { reason } = signal;
    if ((reason as { name?: unknown } | undefined)?.name === "AbortError") throw reason;
    throw Object.assign(new DOMException(`training was cancelled after step ${this.step}`, "AbortError"), {
      cause: reason,
    });
  }

  #notFinite(loss: number): NonFiniteError {
    const { checkpoint } = this.#options;
    const kept =
      this.#savedAt === undefined ? "" : ` The checkpoint of step ${this.#savedAt} is in ${checkpoint?.folder}.`;
    return new NonFiniteError(`the loss of step ${this.step} is ${loss}`, {
      step: this.step,
      hint: `Try a smaller learning rate, a warm-up, or clip: { globalNorm: 1 }; look at the batch of this step.${kept}`,
    });
  }

  #progress(maxSteps: number, epochs: number): Progress<Batch> | undefined {
    const { progress = true } = this.#options;
    if (progress === false) return undefined;
    const total = Math.min(maxSteps, epochs * (this.#data.length ?? Number.POSITIVE_INFINITY));
    return new Progress(Number.isFinite(total) ? total : undefined, progress === true ? {} : progress);
  }
}
