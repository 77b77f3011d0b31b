export type { DifferentiableFunction, Int, int, NoDerivative, noDerivative } from "./brands.ts";
export type {
  DerivativeRule,
  GradientOperator,
  Gradients,
  GradientsWrt,
  ParametersOf,
  PullbackOperator,
  ValueWithGradientOperator,
  ValueWithPullbackOperator,
  WrtOption,
} from "./operators.ts";
export type { HasTangent, TangentVector } from "./tangent-vector.ts";
