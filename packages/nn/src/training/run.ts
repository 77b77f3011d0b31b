/** One run of `fit`: epochs of batches, updates, and what happens around them. */
import { tangent, valueWithGradient } from "@pullback/autodiff";
import { latestCheckpoint, loadCheckpoint, removeCheckpoints, saveCheckpoint } from "../checkpointing/index.ts";
import type { Batches } from "../data/index.ts";
import { DataError, NonFiniteError } from "../errors.ts";
import { squaredNorm } from "../optimizers/clip.ts";
import { stateDict } from "../parameters/index.ts";
import { blameLayers } from "../parameters/shape-blame.ts";
import { judge, type Patience } from "./early-stopping.ts";
import { evaluate } from "./evaluate.ts";
import type { FitAction, FitEvent, FitState } from "./events.ts";
import type { FitOptions, Validation } from "./fit.ts";
import { lossCurve } from "./loss-curve.ts";
import { nextTask } from "./next-task.ts";
import { Progress } from "./progress.ts";
import { Records } from "./records.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Run<Model, Batch> {
  step = 0;
  resumedAt = 0;
  stoppedEarly = false;
  readonly losses: number[] = [];
  readonly validations: Validation[] = [];
  readonly #model: Model;
  readonly #data: Batches<Batch>;
  readonly #options: FitOptions<Model, Batch>;
  readonly #state: Mutable<FitState<Model, Batch>>;
  #epoch = 0;
  /** Batches of the epoch already seen. */
  #batch = 0;
  #savedAt: number | undefined;
  #validatedAt: number | undefined;
  #patience: Patience = { best: null, waited: 0 };
  #records: Records | undefined;
  /** Losses and the sum of the gradients of batches that have not made an update yet. */
  #pending: { losses: number[]; gradient: any } = { losses: [], gradient: undefined };

  constructor(model: Model, data: Batches<Batch>, options: FitOptions<Model, Batch>) {
    this.#model = model;
    this.#data = data;
    this.#options = options;
    this.#state = {
      event: "fitStart",
      model,
      optimizer: options.optimizer,
      step: 0,
      epoch: 0,
      phase: "training",
      batch: undefined,
      gradient: undefined,
      loss: undefined,
      prediction: undefined,
      validation: undefined,
    };
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
    this.#patience = position.patience ?? this.#patience;
    this.#savedAt = position.step;
  }

  async train(): Promise<void> {
    const { maxSteps = Number.POSITIVE_INFINITY, epochs = Number.isFinite(maxSteps) ? maxSteps : 1 } = this.#options;
    this.#records = await Records.open(this.#options, this.step);
    const progress = this.#progress(maxSteps, epochs);
    try {
      let wish = await this.#emit("fitStart");
      while (wish !== "cancelFit" && !this.stoppedEarly && this.#epoch < epochs && this.step < maxSteps) {
        const before = [this.step, this.#batch];
        wish = await this.#oneEpoch(maxSteps, progress);
        // At its last step the run stands inside the epoch, unless that was the epoch's last batch.
        if (wish === undefined && this.step >= maxSteps && this.#batch !== this.#data.length) break;
        if (this.step === before[0] && this.#batch === 0 && before[1] === 0 && wish === undefined)
          await this.#nothing();
        this.#epoch++;
        this.#batch = 0;
      }
      if (wish !== "cancelFit") await this.#validate(false);
      await this.#save();
      await this.#emit("fitEnd");
    } finally {
      await this.#records.close();
      const curve = progress?.interactive && this.losses.length > 1 ? lossCurve(this.losses) : "";
      progress?.finish(curve);
    }
  }

  /** An epoch without a batch: what came before is kept. */
  async #nothing(): Promise<never> {
    await this.#save();
    throw new DataError(`epoch ${this.#epoch} has no batches`, {
      code: "PB7201",
      hint:
        this.#epoch === 0
          ? "Check the source of the data, and what filters it."
          : "Give data that can be iterated over again and again: a DataLoader, a Stream or an array.",
    });
  }

  /** One epoch, or what is left of it; returns how a callback ended it, if one did. */
  async #oneEpoch(maxSteps: number, progress: Progress<Batch> | undefined): Promise<FitAction | undefined> {
    await this.#stopIfCancelled();
    let wish = await this.#emit("epochStart");
    if (wish === "cancelFit" || wish === "cancelEpoch") return wish;
    if (wish !== "cancelTraining") {
      wish = await this.#emit("trainingStart");
      if (wish === undefined || wish === "cancelBatch") wish = await this.#batches(maxSteps, progress);
      const atEnd = await this.#emit("trainingEnd");
      wish ??= atEnd;
    }
    if (wish === "cancelFit") return wish;
    const whole = this.step < maxSteps || this.#batch === this.#data.length;
    if (wish !== "cancelEpoch" && whole && this.#options.validation?.every === undefined) {
      const after = await this.#validate(false);
      if (after === "cancelFit") return after;
    }
    const atEnd = await this.#emit("epochEnd");
    return atEnd ?? (wish === "cancelValidation" || wish === "cancelBatch" ? undefined : wish);
  }

  async #batches(maxSteps: number, progress: Progress<Batch> | undefined): Promise<FitAction | undefined> {
    this.#pending = { losses: [], gradient: undefined };
    const ending = (wish: FitAction | undefined) => wish !== undefined && wish !== "cancelBatch";
    for await (const batch of this.#data.epoch(this.#epoch, this.#batch)) {
      const wish = await this.#one(batch, progress);
      this.#state.batch = undefined;
      if (ending(wish)) return wish;
      if (this.#options.validation?.every !== undefined && this.#pending.losses.length === 0) {
        const after = await this.#validate(true);
        if (ending(after) && after !== "cancelValidation") return after;
      }
      // Before the next batch is made: making it may draw random numbers.
      await this.#stopIfCancelled();
      if (this.step >= maxSteps || this.stoppedEarly) return undefined;
    }
    // What is left of an epoch whose length is no multiple of `accumulate` makes an update of its own.
    if (this.#pending.losses.length > 0) await this.#update(undefined, progress);
    return undefined;
  }

  async #one(batch: Batch, progress: Progress<Batch> | undefined): Promise<FitAction | undefined> {
    const { accumulate = 1 } = this.#options;
    Object.assign(this.#state, { batch, gradient: undefined, loss: undefined });
    const wish = await this.#emit("batchStart");
    if (wish !== undefined) {
      this.#batch++;
      return wish;
    }
    const { value, gradient } = this.#differentiate(batch);
    const loss = typeof value === "number" ? value : Number((await value.data())[0]);
    if (!Number.isFinite(loss)) throw await this.#notFinite(loss, gradient);
    const { losses } = this.#pending;
    this.#pending.gradient = losses.length === 0 ? gradient : tangent.add(this.#pending.gradient, gradient);
    losses.push(loss);
    this.#batch++;
    this.#state.loss = loss;
    if (losses.length < accumulate) return await this.#emit("batchEnd");
    return await this.#update(batch, progress);
  }

  #differentiate(batch: Batch) {
    const { loss } = this.#options;
    try {
      return valueWithGradient(loss, { wrt: 0 })(this.#model, batch);
    } catch (error) {
      throw blameLayers(error, this.#model, () => loss(this.#model, batch));
    }
  }

  /** Moves the model along the mean of the pending gradients. */
  async #update(batch: Batch | undefined, progress: Progress<Batch> | undefined): Promise<FitAction | undefined> {
    const { optimizer, checkpoint, onStep } = this.#options;
    const { losses, gradient } = this.#pending;
    this.#pending = { losses: [], gradient: undefined };
    const loss = losses.reduce((sum, one) => sum + one, 0) / losses.length;
    this.#state.gradient = losses.length === 1 ? gradient : tangent.scale(gradient, 1 / losses.length);
    this.#state.loss = loss;
    const wish = await this.#emit("updateStart");
    if (wish !== undefined) return wish;
    const { learningRate } = optimizer;
    optimizer.update(this.#model, this.#state.gradient);
    this.#state.gradient = undefined;
    this.losses.push(loss);
    this.step++;
    if (batch !== undefined) progress?.update(this.step, loss, batch);
    await this.#records?.step({ step: this.step, epoch: this.#epoch, loss, learningRate });
    if (checkpoint?.every !== undefined && this.step % checkpoint.every === 0) await this.#save();
    if (batch !== undefined) await onStep?.({ step: this.step, epoch: this.#epoch, loss, learningRate, batch });
    const atEnd = await this.#emit("batchEnd");
    await nextTask();
    return atEnd;
  }

  /** Evaluates, unless that was done at this very step or it is not time yet. */
  async #validate(between: boolean): Promise<FitAction | undefined> {
    const { validation, earlyStopping, loss } = this.#options;
    if (validation === undefined || this.#validatedAt === this.step) return undefined;
    if (between && this.step % (validation.every ?? 1) !== 0) return undefined;
    this.#state.phase = "validation";
    try {
      const wish = await this.#emit("validationStart");
      if (wish !== undefined) return wish;
      const options = validation.measures === undefined ? { loss } : { loss, measures: validation.measures };
      const results = await evaluate(this.#model, validation.data, options, this.#observer());
      this.#validatedAt = this.step;
      this.validations.push({ step: this.step, epoch: this.#epoch, results });
      this.#state.validation = results;
      await this.#records?.step({ step: this.step, epoch: this.#epoch, validation: results });
      if (earlyStopping !== undefined) {
        const { patience, over } = judge(earlyStopping, this.#patience, results);
        this.#patience = patience;
        if (over) this.stoppedEarly = true;
        // The patience is part of a checkpoint: one of this very step that has the old one is written anew.
        if (this.#savedAt === this.step) this.#savedAt = undefined;
      }
      return await this.#emit("validationEnd");
    } finally {
      Object.assign(this.#state, { phase: "training", batch: undefined, loss: undefined, prediction: undefined });
    }
  }

  #observer() {
    const heed = async (event: FitEvent) => {
      const wish = await this.#emit(event);
      return wish === undefined ? undefined : wish === "cancelBatch" ? ("skip" as const) : ("stop" as const);
    };
    return {
      batchStart: (batch: Batch) => {
        Object.assign(this.#state, { batch, loss: undefined, prediction: undefined });
        return heed("batchStart");
      },
      predictionEnd: (_: Batch, prediction: unknown) => {
        this.#state.prediction = prediction;
        return heed("predictionEnd");
      },
      batchEnd: (_: Batch, loss: number | undefined) => {
        this.#state.loss = loss;
        return heed("batchEnd");
      },
    };
  }

  /** Tells every callback; the first action returned is the one taken. */
  async #emit(event: FitEvent): Promise<FitAction | undefined> {
    const { callbacks = [] } = this.#options;
    Object.assign(this.#state, { event, step: this.step, epoch: this.#epoch });
    let action: FitAction | undefined;
    for (const callback of callbacks) {
      const wish = await callback(this.#state);
      action ??= wish ?? undefined;
    }
    return action;
  }

  /** Saves where the run stands, unless that is saved already. */
  async #save(): Promise<void> {
    const { checkpoint, optimizer } = this.#options;
    if (checkpoint === undefined || this.#savedAt === this.step) return;
    const { folder, keep = 2 } = checkpoint;
    const position = { step: this.step, epoch: this.#epoch, batch: this.#batch, patience: this.#patience };
    const path = await saveCheckpoint(folder, { model: this.#model, optimizer, position });
    // An earlier run's checkpoints, which may be of later steps, go when this run has its first.
    const replaces = checkpoint.resume === false && this.#savedAt === undefined;
    await removeCheckpoints(folder, (old, newer) => old !== path && (replaces || newer >= keep));
    this.#savedAt = this.step;
  }

  async #stopIfCancelled(): Promise<void> {
    const { signal } = this.#options;
    // Not between the batches of one update: seen again after a resume, they would draw other random numbers.
    if (!signal?.aborted || this.#pending.losses.length > 0) return;
    await this.#save();
    const { reason } = signal;
    if ((reason as { name?: unknown } | undefined)?.name === "AbortError") throw reason;
    throw Object.assign(new DOMException(`training was cancelled after step ${this.step}`, "AbortError"), {
      cause: reason,
    });
  }

  async #notFinite(loss: number, gradient: any): Promise<NonFiniteError> {
    const { checkpoint, optimizer } = this.#options;
    const kept =
      this.#savedAt === undefined ? "" : ` The checkpoint of step ${this.#savedAt} is in ${checkpoint?.folder}.`;
    const squared = squaredNorm([...stateDict(gradient, gradient).values()]);
    const gradientNorm = Math.sqrt(typeof squared === "number" ? squared : Number((await squared.data())[0]));
    const { learningRate } = optimizer;
    return new NonFiniteError(
      `the loss of step ${this.step} is ${loss} (learning rate ${learningRate}, gradient norm ${gradientNorm})`,
      {
        step: this.step,
        learningRate,
        gradientNorm,
        hint: `Try a smaller learning rate, a warm-up, or clip: { globalNorm: 1 }; look at the batch of this step.${kept}`,
      },
    );
  }

  #progress(maxSteps: number, epochs: number): Progress<Batch> | undefined {
    const { progress = true, accumulate = 1 } = this.#options;
    if (progress === false) return undefined;
    const perEpoch = Math.ceil((this.#data.length ?? Number.POSITIVE_INFINITY) / accumulate);
    const total = Math.min(maxSteps, epochs * perEpoch);
    const shown = new Progress(Number.isFinite(total) ? total : undefined, progress === true ? {} : progress);
    return progress === true && !shown.interactive ? undefined : shown;
  }
}
