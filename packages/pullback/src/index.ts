/**
 * What a first program needs, from one import: the operators of differentiation, tensors, layers and optimizers, and
 * Gemma. Everything else is in the packages by their own names.
 */
export {
  checkpoint,
  type DifferentiableFunction,
  differentiable,
  gradient,
  type Int,
  move,
  moved,
  type NoDerivative,
  PullbackError,
  pullback,
  registerDerivative,
  type TangentVector,
  tangent,
  valueWithGradient,
  valueWithPullback,
  withDerivative,
  withoutDerivative,
  zeroTangent,
} from "@pullback/autodiff";
export {
  arange,
  availableBackends,
  type DType,
  full,
  ones,
  rand,
  randn,
  ShapeError,
  setSeed,
  stack,
  Tensor,
  tensor,
  useBackend,
  zeros,
} from "@pullback/core";
export { Gemma, loadGemma } from "@pullback/models/gemma";
export * from "@pullback/nn";
