/** Optimizers: algebra over a model's tangent that moves the model in place. */
export { AdaMax, Adam, type AdamOptions, AdamW, AMSGrad, NAdam, type NAdamOptions, RAdam } from "./adam.ts";
export {
  AdaDelta,
  type AdaDeltaOptions,
  AdaGrad,
  type AdaGradOptions,
  RMSProp,
  type RMSPropOptions,
} from "./adaptive.ts";
export type { Clip } from "./clip.ts";
export { Optimizer, type OptimizerOptions, type OptimizerState, type ParameterGroup } from "./optimizer.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
