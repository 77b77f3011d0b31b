/** Checkpoints of training runs. */
export type { TrainingPosition } from "./position.ts";
export { latestCheckpoint, loadCheckpoint, removeCheckpoints, saveCheckpoint } from "./training-checkpoint.ts";
