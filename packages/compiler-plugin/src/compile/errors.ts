/** Diagnostics on their way to a person. */
import { PullbackError } from "@pullback/autodiff";
import { type Diagnostic, formatDiagnostic } from "../check/index.ts";

/** A file has errors and cannot be loaded; the message is the formatted diagnostics, the code the first one's. */
export class CompileError extends PullbackError {
  override readonly name: string = "CompileError";
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[], text: (file: string) => string, color: boolean) {
    const formatted = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, text, color)).join("\n\n");
    super(formatted, { code: diagnostics[0]?.code ?? "PB9004" });
    this.message = formatted;
    this.diagnostics = diagnostics;
    // The compiler's own stack tells the reader nothing about their program.
    this.stack = `CompileError: Pullback cannot compile this program\n\n${formatted}\n`;
  }
}
