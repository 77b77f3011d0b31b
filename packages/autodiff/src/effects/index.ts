/** Running a function again as if it ran for the first time, and the world had not noticed. */
export { type EffectLog, effectLog, enter, leave, logged, once, onceFound, reset, touch, untraced } from "./log.ts";
export { Runs } from "./runs.ts";
export { capture, type Snapshot } from "./snapshot.ts";
export { type CheckpointedState, checkpointedState, checkpointedStates } from "./state.ts";
