export type { DifferentiableFunction, Int, NoDerivative } from "./brands.ts";
export type {
  DerivativeOperator,
  DerivativeRule,
  DifferentialOperator,
  GradientOperator,
  Gradients,
  HessianOperator,
  HessianVectorProductOperator,
  JacobianOperator,
  ParametersOf,
  PullbackOperator,
  ValueWithDerivativeOperator,
  ValueWithDifferentialOperator,
  ValueWithGradientOperator,
  ValueWithPullbackOperator,
} from "./operators.ts";
export type { HasTangent, TangentVector } from "./tangent-vector.ts";
