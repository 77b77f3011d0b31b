/** `@pullback/core`: immutable tensors, their operations and derivatives, random numbers, and the backends. */
import "./derivatives/index.ts";

export {
  availableBackends,
  closeBackend,
  type MemoryStats,
  memoryStats,
  useBackend,
  withBackend,
} from "./backend/index.ts";
export { type DType, isQuantised, type QuantisedDType, quantisedRowBytes, type TypedArray } from "./dtype.ts";
export {
  AxisError,
  BackendError,
  DTypeError,
  IndexError,
  LinearAlgebraError,
  OutOfMemoryError,
  ShapeError,
} from "./errors.ts";
export * from "./operations/index.ts";
export * from "./random/index.ts";
export * from "./safetensors/index.ts";
export type { Axes, Shape } from "./shape.ts";
export * from "./tensor/index.ts";
