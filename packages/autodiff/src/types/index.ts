export type { DifferentiableFunction, Int, NoDerivative } from "./brands.ts";
export type {
  DerivativeRule,
  GradientOperator,
  Gradients,
  ParametersOf,
  PullbackOperator,
  ValueWithGradientOperator,
  ValueWithPullbackOperator,
} from "./operators.ts";
export type { HasTangent, TangentVector } from "./tangent-vector.ts";
