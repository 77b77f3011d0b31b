/** What callbacks of `fit` see, and what they may ask for. */
import type { Optimizer } from "../optimizers/index.ts";

/**
 * In the order of a run: fitStart, then for every epoch epochStart, trainingStart, the batches, trainingEnd,
 * validationStart, its batches, validationEnd, epochEnd, and last fitEnd. A batch of training gives batchStart,
 * updateStart (its gradient is known, the model has not moved) and batchEnd; one of validation gives batchStart,
 * predictionEnd (where there are metrics) and batchEnd.
 */
export type FitEvent =
  | "fitStart"
  | "fitEnd"
  | "epochStart"
  | "epochEnd"
  | "trainingStart"
  | "trainingEnd"
  | "validationStart"
  | "validationEnd"
  | "batchStart"
  | "updateStart"
  | "predictionEnd"
  | "batchEnd";

/**
 * What a callback may return: "cancelBatch" leaves the batch out, "cancelTraining" and "cancelValidation" end that part
 * of the epoch, "cancelEpoch" ends the epoch, "cancelFit" the run (as if it were complete).
 */
export type FitAction = "cancelBatch" | "cancelTraining" | "cancelValidation" | "cancelEpoch" | "cancelFit";

export interface FitState<Model, Batch> {
  readonly event: FitEvent;
  readonly model: Model;
  readonly optimizer: Optimizer<any>;
  /** Updates made. */
  readonly step: number;
  readonly epoch: number;
  /** Whether batches are trained on now, or only looked at. */
  readonly phase: "training" | "validation";
  /** From batchStart to batchEnd. */
  readonly batch: Batch | undefined;
  /** From updateStart to batchEnd; `updateStart` may put another gradient here. */
  gradient: any;
  /** The loss of the batch, from updateStart or, in validation, batchEnd. */
  readonly loss: number | undefined;
  /** At predictionEnd: what `predict` returned. */
  readonly prediction: unknown;
  /** After a validation: its mean loss, as `loss`, and the metrics. */
  readonly validation: Readonly<Record<string, number>> | undefined;
}

export type FitCallback<Model, Batch> = (
  state: FitState<Model, Batch>,
  // biome-ignore lint/suspicious/noConfusingVoidType: a callback without a wish returns nothing
) => FitAction | void | Promise<FitAction | void>;
