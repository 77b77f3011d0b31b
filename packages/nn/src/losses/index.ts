/** Losses: `(predictions, targets, { reduction })`, differentiable in every floating argument. */
export { type CrossEntropyOptions, crossEntropy, type LabelOptions, negativeLogLikelihood } from "./cross-entropy.ts";
export {
  type DistillationOptions,
  distillationLoss,
  type SampledDistillationOptions,
  sampledDistillationLoss,
  sampleTeacher,
  type TeacherSample,
} from "./distillation.ts";
export { categoricalHingeLoss, hingeLoss, squaredHingeLoss, type TripletOptions, tripletMarginLoss } from "./margin.ts";
export {
  binaryCrossEntropy,
  type DivergenceOptions,
  type DpoOptions,
  dpoLoss,
  kullbackLeiblerDivergence,
  type SigmoidCrossEntropyOptions,
  sigmoidCrossEntropy,
} from "./probability.ts";
export type { LossOptions, Reduction } from "./reduction.ts";
export {
  type HuberOptions,
  huberLoss,
  logCoshLoss,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  meanSquaredLogarithmicError,
  poissonLoss,
  type SmoothL1Options,
  smoothL1Loss,
} from "./regression.ts";
