/** TypeScript to structured SSA. */

export { baseExpression, constructorOf } from "./construct.ts";
export type { ProgramContext, RegisteredTarget } from "./context.ts";
export { type Expanded, expanded } from "./expanded.ts";
export { lowerFunction } from "./function.ts";
export { differentialOperators, isDifferentialOperator, writtenWrt } from "./operators.ts";
export { transparent } from "./scan.ts";
