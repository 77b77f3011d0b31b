export {
  type Any,
  type AnyFunction,
  abiVersion,
  type Derivative,
  type Frame,
  type Jvp,
  type RegisteredDerivative,
  type Variant,
  type VariantForms,
  type Wrt,
} from "./derivative.ts";
export {
  type GradientDType,
  isLeaf,
  type Leaf,
  type PointwiseLeaf,
  pointwiseOf,
  roundedLeaf,
  type VectorLeaf,
  vectorOf,
} from "./leaves.ts";
export { type Manifold, manifoldOf } from "./manifold.ts";
export { type StorageClock, type StorageLeaf, storageClock, storageOf } from "./releases.ts";
export type { Kind, Shape, StructDescriptor } from "./struct.ts";
export { derivative, manifold, pointwise, release, struct, vector } from "./symbols.ts";
