/** Planning a program's derivatives and compiling its files. */
export { type Diagnostic, formatDiagnostic, positionOf } from "../check/index.ts";
export { DiskCache, hash } from "./cache.ts";
export { CompileError } from "./errors.ts";
export { compileFile } from "./file.ts";
export { type Orders, type Plan, planProgram } from "./plan.ts";
export { terminalProgress } from "./progress.ts";
export { isSelfHosted } from "./self-hosted.ts";
export { type Compiler, Session, type Unit } from "./session.ts";
export { typescriptFiles } from "./sources.ts";
