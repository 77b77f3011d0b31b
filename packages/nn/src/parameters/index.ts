/** Models as collections of named parameters. */
export { freeze, unfreeze } from "./freeze.ts";
export { setMode } from "./mode.ts";
export { moveTo } from "./move-to.ts";
export { copy, mapParameters, namedParameters, type Parameter, parameterCount } from "./named.ts";
export type { Names } from "./names.ts";
export { loadStateDict, stateDict } from "./state-dict.ts";
export { summary } from "./summary.ts";
