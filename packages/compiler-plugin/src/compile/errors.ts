/** Diagnostics on their way to a person. */
import { type Diagnostic, formatDiagnostic } from "../check/index.ts";

/** A file has errors and cannot be loaded; the message is the formatted diagnostics. */
export class CompileError extends Error {
  readonly code: string;
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[], text: (file: string) => string, color: boolean) {
    super(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, text, color)).join("\n\n"));
    this.name = "CompileError";
    this.code = diagnostics[0]?.code ?? "PB9004";
    this.diagnostics = diagnostics;
    // The compiler's own stack tells the reader nothing about their program.
    this.stack = `CompileError: Pullback cannot compile this program\n\n${this.message}\n`;
  }
}
