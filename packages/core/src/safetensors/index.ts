/** Checkpoints in safetensors: lazy reading by file ranges, sharded or not; atomic writing. */
export { flushFolder, writeAtomically } from "./atomic.ts";
export { CheckpointError } from "./errors.ts";
export { loadSafetensors, openSafetensors, SafetensorsFile, type TensorInfo } from "./reader.ts";
export { type SaveOptions, saveSafetensors } from "./writer.ts";
