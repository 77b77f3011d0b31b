/** Optimizers: algebra over a model's tangent that moves the model in place. */
export { Adafactor, type AdafactorOptions } from "./adafactor.ts";
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
export { LARS, type LARSOptions } from "./lars.ts";
export { Lion, type LionOptions } from "./lion.ts";
export { Muon, type MuonOptions } from "./muon.ts";
export { Optimizer, type OptimizerOptions, type OptimizerState, type ParameterGroup } from "./optimizer.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
