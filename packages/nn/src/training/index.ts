/** Training: the loop, its progress, its curve. */
export { type CheckpointOptions, type FitOptions, type FitResult, fit, type StepReport } from "./fit.ts";
export { type LossCurveOptions, lossCurve } from "./loss-curve.ts";
export type { ProgressOptions, ProgressStream } from "./progress.ts";
