/** Learning-rate schedules: functions of the step. */
export { cosineDecay, cosineRestarts, oneCycle, warmupThen } from "./cosine.ts";
export { constant, exponentialDecay, linear, multiStepDecay, polynomialDecay, stepDecay } from "./decay.ts";
export type { Schedule } from "./schedule.ts";
