/** The front end: TypeScript in, structured SSA and everything that planning asks of a program out. */
export type { DifferentiableDeclaration } from "./declarations/index.ts";
export {
  abiVersion,
  forgetSources,
  loadTypeScript,
  type Manifest,
  type ProjectFiles,
  type PublishedMode,
  projectFiles,
  publishedModes,
  reparse,
  type StripOptions,
  type Stripped,
  stripTypes,
} from "./host/index.ts";
export { isDifferentialOperator } from "./lower/index.ts";
export { type CompilerProgram, createProgram, type ProgramOptions, type StructOfClass } from "./program.ts";
export type { OperatorSite, Registration } from "./sites/index.ts";
