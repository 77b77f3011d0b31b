/** The front end: TypeScript in, structured SSA and everything that planning asks of a program out. */
export type { DifferentiableDeclaration } from "./declarations/index.ts";
export { type ProjectFiles, projectFiles, type StripOptions, type Stripped, stripTypes } from "./host/index.ts";
export { type CompilerProgram, createProgram, type ProgramOptions, type StructOfClass } from "./program.ts";
export type { OperatorSite, Registration } from "./sites/index.ts";

// INTERIM: hosts strip types only until the pipeline passes the language tests; PULLBACK_FRONTEND=on compiles.
if (process.env.PULLBACK_FRONTEND !== "on") throw new Error("PULLBACK_FRONTEND is not on");
