/** Models as collections of named parameters. */
export { setMode } from "./mode.ts";
export { copy, mapParameters, namedParameters, type Parameter, parameterCount } from "./named.ts";
export type { Names } from "./names.ts";
export { loadStateDict, stateDict } from "./state-dict.ts";
