/** The HIR: types, builder, printer, verifier, visitors and interpreter. */
export * from "./build.ts";
export * from "./definitions.ts";
export * from "./instantiate.ts";
export * from "./interpret.ts";
export * from "./kinds.ts";
export * from "./math-literals.ts";
export * from "./operators.ts";
export * from "./passes.ts";
export * from "./print.ts";
export type * from "./types.ts";
export * from "./unique-names.ts";
export * from "./verify.ts";
export * from "./visit.ts";
