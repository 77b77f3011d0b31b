/** The functions behind `pullback run|check|build|explain`. */
export { type BuildOptions, build } from "./build.ts";
export { type CheckOptions, check, type Place, type ReportedDiagnostic } from "./check.ts";
export { type ExplainOptions, explain } from "./explain.ts";
export { type RunOptions, run } from "./run.ts";
export { watch } from "./watch.ts";
