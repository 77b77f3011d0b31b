/** Diagnostics on their way to a person. */
import { PullbackError } from "@pullback/autodiff";
import { type Diagnostic, formatDiagnostic, isTooDeep } from "../check/index.ts";

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

/** A defect of the compiler itself, as a diagnostic of the file that it met: all other files compile. */
export function failureOf(file: string, error: unknown): Diagnostic {
  const at: Pick<Diagnostic, "span" | "notes" | "severity"> = {
    span: { file, start: 0, end: 0 },
    notes: [],
    severity: "error",
  };
  if (isTooDeep(error)) {
    return {
      ...at,
      code: "PB1012",
      message: "An expression in this file is nested too deeply for the compiler.",
      hint: "Write it as several statements, or as a loop over an array.",
    };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    ...at,
    code: "PB9004",
    message: `The compiler itself failed here: ${text}`,
    hint: "This is a defect of Pullback: please report it with the function that shows it.",
  };
}
