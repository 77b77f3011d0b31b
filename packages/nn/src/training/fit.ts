/** The training loop with everything around it: modes, progress, checkpoints, cancelling, resuming. */
import type { DifferentiableFunction } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { asBatches, type Batches } from "../data/index.ts";
import type { Optimizer } from "../optimizers/index.ts";
import { setMode } from "../parameters/index.ts";
import type { EarlyStoppingOptions } from "./early-stopping.ts";
import type { Measures } from "./evaluate.ts";
import type { FitCallback } from "./events.ts";
import type { ProgressOptions } from "./progress.ts";
import { Run } from "./run.ts";

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
  /** How many batches make one update, along the mean of their gradients; default 1. */
  readonly accumulate?: number;
  /** Loss and metrics on other data, at the end of every epoch or `every` so many updates. */
  readonly validation?: ValidationOptions<Model, Batch>;
  /** Ends the run when validations no longer improve. */
  readonly earlyStopping?: EarlyStoppingOptions;
  /** Called at every event, in order; the first action that one returns is taken. */
  readonly callbacks?: readonly FitCallback<Model, Batch>[];
  /** A file for the record of the run, one JSON object per line (`readRunLog`). */
  readonly log?: string;
  /** A file for a page with the run's curves, in HTML, written at the end. */
  readonly report?: string;
  /**
   * Progress in the terminal, and the loss curve at the end; default true, which is silent where there is no terminal.
   * Options ask for it everywhere: without a terminal, as a line now and then.
   */
  readonly progress?: boolean | ProgressOptions<Batch>;
}

export interface ValidationOptions<Model, Batch> {
  readonly data: Batches<Batch> | Iterable<Batch> | AsyncIterable<Batch>;
  /** Updates from one validation to the next; by default each epoch ends with one. */
  readonly every?: number;
  /** Metrics, with what they compare; the loss is always computed. */
  readonly measures?: Measures<Model, Batch>;
}

/** What a validation found: the mean loss, as `loss`, and every metric by its name. */
export interface Validation {
  readonly step: number;
  readonly epoch: number;
  readonly results: Readonly<Record<string, number>>;
}

export interface FitResult {
  /** Updates made in all. */
  readonly step: number;
  /** The checkpoint's step that the run continued, 0 for a fresh one. */
  readonly resumedAt: number;
  /** The loss of every step of this call. */
  readonly losses: readonly number[];
  readonly validations: readonly Validation[];
  /** Whether early stopping ended the run. */
  readonly stoppedEarly: boolean;
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
 * @throws ShapeError naming the two layers that do not fit together
 * @throws DataError PB7201 when an epoch has no batches
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
    const { step, resumedAt, losses, validations, stoppedEarly } = run;
    return { step, resumedAt, losses, validations, stoppedEarly };
  } finally {
    restoreMode();
  }
}
