/** `@pullback/core`: immutable tensors, their operations and derivatives, random numbers, and the backends. */
import "./derivatives/index.ts";

export {
  availableBackends,
  type Backend,
  type BackendOptions,
  type BinaryOp,
  closeBackend,
  type MemoryStats,
  memoryStats,
  type NDArray,
  type ReduceOp,
  registerBackend,
  type ScanOp,
  type Sliding,
  type Storage,
  type UnaryOp,
  useBackend,
  type WindowAxis,
  withBackend,
} from "./backend/index.ts";
export { type ThreadStats, threadStats } from "./backends/eager/index.ts";
export { HostedBackend } from "./backends/hosted/index.ts";
export type { TfjsEngine, TfjsOptions, TfjsTensor } from "./backends/tfjs/index.ts";
export * from "./bridges/index.ts";
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
export * from "./npy/index.ts";
export * from "./operations/index.ts";
export * from "./random/index.ts";
export * from "./safetensors/index.ts";
export type { Axes, Shape } from "./shape.ts";
export * from "./tensor/index.ts";
