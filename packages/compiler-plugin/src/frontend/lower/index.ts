/** TypeScript to structured SSA. */
export type { ProgramContext, RegisteredTarget } from "./context.ts";
export { lowerFunction } from "./function.ts";
export { isInPlace, transparent } from "./scan.ts";
