/** Planning a program's derivatives and compiling its files. */
export { DiskCache, hash } from "./cache.ts";
export { CompileError } from "./errors.ts";
export { type CompiledFile, compileFile } from "./file.ts";
export { type FilePlan, type Plan, type PlannedVariant, planProgram } from "./plan.ts";
export { type Progress, terminalProgress } from "./progress.ts";
export { isSelfHosted } from "./self-hosted.ts";
export { type Compiler, Session, type Unit } from "./session.ts";
export { typescriptFiles } from "./sources.ts";
export type { Stages } from "./stages.ts";
