/** Backends: the interface they implement and the registry of those that exist. */
export type {
  Backend,
  BinaryOp,
  MemoryStats,
  NDArray,
  ReduceOp,
  ScanOp,
  Sliding,
  Storage,
  UnaryOp,
  WindowAxis,
} from "./backend.ts";
export {
  availableBackends,
  type BackendOptions,
  backendNamed,
  closeBackend,
  currentBackend,
  memoryStats,
  moveArray,
  registerBackend,
  useBackend,
  withBackend,
} from "./registry.ts";
