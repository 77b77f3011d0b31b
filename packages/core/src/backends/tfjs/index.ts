/** The tfjs backend: kernels of any installed TensorFlow.js engine. Loaded when it is first asked for. */
export { type Load, loadTfjs, type TfjsEngine, type TfjsOptions } from "./engines.ts";
export { TfjsBackend } from "./tfjs-backend.ts";
export type { TfjsTensor } from "./types.ts";
