/** Diagnostics: their codes, their shape, their appearance. */
export type { Code, CodeExplanation } from "./codes.ts";
export { isTooDeep } from "./depth.ts";
export { type Diagnostic, type DiagnosticNote, type Edit, type Fix, positionOf } from "./diagnostic.ts";
export { formatDiagnostic } from "./format.ts";
