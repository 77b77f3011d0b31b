/** A model's loss and metrics on data that it is not trained on. */
import type { Tensor } from "@pullback/core";
import { asBatches, type Batches } from "../data/index.ts";
import { setMode } from "../parameters/index.ts";
import { blameLayers } from "../parameters/shape-blame.ts";
import type { Metric } from "./metrics.ts";
import { leadingExtent } from "./progress.ts";

/** Predictions, targets and what to make of them. */
export interface Measures<Model, Batch> {
  readonly predict: (model: Model, batch: Batch) => Tensor;
  readonly target: (batch: Batch) => Tensor;
  /** By the name under which each is reported. */
  readonly metrics: Readonly<Record<string, Metric>>;
}

export interface EvaluateOptions<Model, Batch> {
  readonly loss?: (model: Model, batch: Batch) => Tensor | number;
  readonly measures?: Measures<Model, Batch>;
}

/** Called around every batch; `true` leaves the batch out or, with "stop", ends the evaluation. */
export interface Observer<Batch> {
  batchStart(batch: Batch): Promise<"skip" | "stop" | undefined>;
  predictionEnd(batch: Batch, prediction: Tensor): Promise<"skip" | "stop" | undefined>;
  batchEnd(batch: Batch, loss: number | undefined): Promise<"skip" | "stop" | undefined>;
}

/** The result of `run`; a ShapeError names the layers that do not fit. */
function blamed<T>(model: unknown, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw blameLayers(error, model, run);
  }
}

/**
 * The mean loss (as `loss`, weighted by the batches' first extents) and the metrics of `model` on `data`. Layers are in
 * evaluation mode meanwhile.
 */
export async function evaluate<Model, Batch>(
  model: Model,
  data: Batches<Batch> | Iterable<Batch> | AsyncIterable<Batch>,
  { loss: lossOf, measures }: EvaluateOptions<Model, Batch>,
  observer?: Observer<Batch>,
): Promise<Record<string, number>> {
  const restoreMode = setMode(model, "eval");
  const metrics = Object.entries(measures?.metrics ?? {});
  for (const [, metric] of metrics) metric.reset();
  let [total, count] = [0, 0];
  try {
    for await (const batch of asBatches(data).epoch(0)) {
      let wish = await observer?.batchStart(batch);
      if (wish === "stop") break;
      if (wish === "skip") continue;
      if (measures !== undefined) {
        const prediction = blamed(model, () => measures.predict(model, batch));
        wish = await observer?.predictionEnd(batch, prediction);
        if (wish === "stop") break;
        if (wish === "skip") continue;
        for (const [, metric] of metrics) await metric.add(prediction, measures.target(batch));
      }
      let loss: number | undefined;
      if (lossOf !== undefined) {
        const value = blamed(model, () => lossOf(model, batch));
        loss = typeof value === "number" ? value : Number((await value.data())[0]);
        const weight = leadingExtent(batch);
        total += loss * weight;
        count += weight;
      }
      if ((await observer?.batchEnd(batch, loss)) === "stop") break;
    }
  } finally {
    restoreMode();
  }
  const found = Object.fromEntries(metrics.map(([name, metric]) => [name, metric.value()]));
  return lossOf === undefined ? found : { loss: total / count, ...found };
}
