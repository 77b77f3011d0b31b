/**
 * Differentiable values, tangents, the differential operators and the derivative registry: everything about
 * derivatives that is not the compiler.
 */
export { type CheckpointedState, checkpointedState } from "./effects/index.ts";
export { PullbackError, type PullbackErrorOptions } from "./errors.ts";
export {
  checkpoint,
  derivative,
  differentiable,
  differential,
  gradient,
  hessian,
  hessianVectorProduct,
  jacobian,
  pullback,
  valueWithDerivative,
  valueWithDifferential,
  valueWithGradient,
  valueWithPullback,
  withDerivative,
  withoutDerivative,
} from "./operators/index.ts";
export {
  type AnyFunction,
  type Derivative,
  type Frame,
  isLeaf,
  type Kind,
  type Leaf,
  type Manifold,
  manifold,
  type PointwiseLeaf,
  pointwise,
  pointwiseOf,
  type RegisteredDerivative,
  release,
  type Shape,
  type StorageLeaf,
  type StructDescriptor,
  storageClock,
  struct,
  type Variant,
  type VectorLeaf,
  vector,
  vectorOf,
} from "./protocol/index.ts";
export { derivativeOf, type Getter, getter, registerDerivative } from "./registry/index.ts";
export { fieldShape, fieldsOf, getField, type Structure, setField, structureOf } from "./structure/index.ts";
export { move, moved, primalOf, tangent, zeroTangent } from "./tangents/index.ts";
export type {
  DerivativeRule,
  DifferentiableFunction,
  Gradients,
  HasTangent,
  Int,
  NoDerivative,
  TangentVector,
} from "./types/index.ts";
