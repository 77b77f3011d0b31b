/** TypeScript to structured SSA. */
export type { ProgramContext, RegisteredTarget } from "./context.ts";
export { lowerFunction } from "./function.ts";
export { transparent } from "./scan.ts";
