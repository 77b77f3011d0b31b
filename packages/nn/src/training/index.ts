/** Training: the loop, its events, metrics, records and progress. */
export type { EarlyStoppingOptions } from "./early-stopping.ts";
export { type EvaluateOptions, evaluate, type Measures } from "./evaluate.ts";
export type { FitAction, FitCallback, FitEvent, FitState } from "./events.ts";
export {
  type CheckpointOptions,
  type FitOptions,
  type FitResult,
  fit,
  type StepReport,
  type Validation,
  type ValidationOptions,
} from "./fit.ts";
export { type LossCurveOptions, lossCurve } from "./loss-curve.ts";
export { Accuracy, F1, MatthewsCorrelation, type Metric, Perplexity, TopKAccuracy } from "./metrics.ts";
export type { ProgressOptions, ProgressStream } from "./progress.ts";
export { htmlReport } from "./report.ts";
export { type LogEntry, readRunLog } from "./run-log.ts";
