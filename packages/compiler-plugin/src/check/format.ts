/** Diagnostics as text: a heading, the code frame, the notes with their own frames, the hint. */
import type { Span } from "../hir/types.ts";
import { type Diagnostic, positionOf } from "./diagnostic.ts";

type Style = "red" | "yellow" | "cyan" | "dim" | "bold";
type Paint = (style: Style, text: string) => string;

const escapes: Record<Style, string> = { red: "31", yellow: "33", cyan: "36", dim: "2", bold: "1" };

/** Lines shown before and after the one that is marked. */
const context = 1;

/** `text` gives a file's source; `color` writes ANSI escapes. */
export function formatDiagnostic(diagnostic: Diagnostic, text: (file: string) => string, color = false): string {
  const paint: Paint = color ? (style, s) => `\u001b[${escapes[style]}m${s}\u001b[0m` : (_style, s) => s;
  const tone = diagnostic.severity === "error" ? "red" : "yellow";
  const lines = [
    `${place(diagnostic.span, text, paint)} ${paint(tone, `${diagnostic.severity} ${diagnostic.code}`)}: ${paint("bold", diagnostic.message)}`,
    ...frame(diagnostic.span, text, tone, paint),
  ];
  for (const note of diagnostic.notes) {
    lines.push(
      `  ${note.span === undefined ? "" : `${place(note.span, text, paint)} `}${paint("cyan", "note")}: ${note.message}`,
    );
    if (note.span !== undefined) lines.push(...frame(note.span, text, "cyan", paint).map((line) => `  ${line}`));
  }
  if (diagnostic.hint !== undefined) lines.push(`  ${paint("cyan", "help")}: ${diagnostic.hint}`);
  return lines.join("\n");
}

function place(span: Span, text: (file: string) => string, paint: Paint): string {
  const { line, column } = positionOf(text(span.file), span.start);
  return paint("dim", `${span.file}:${line}:${column}`);
}

/** The marked line with its neighbours; a span of several lines is marked to the end of its first. */
function frame(span: Span, text: (file: string) => string, tone: Style, paint: Paint): string[] {
  const source = text(span.file);
  const { line, column } = positionOf(source, span.start);
  const lines = source.split(/\r?\n/);
  const first = Math.max(1, line - context);
  const last = Math.min(lines.length, line + context);
  const width = String(last).length;
  const output: string[] = [];
  for (let n = first; n <= last; n += 1) {
    const content = lines[n - 1] ?? "";
    if (n !== line) {
      if (content.trim() !== "") output.push(`  ${paint("dim", `${String(n).padStart(width)} | ${content}`)}`);
      continue;
    }
    const length = Math.max(1, Math.min(span.end - span.start, content.length - column + 1));
    // Tabs stay tabs under the mark, so that it lines up however wide the terminal draws them.
    const indent = content.slice(0, column - 1).replace(/[^\t]/g, " ");
    output.push(`  ${paint("dim", `${String(n).padStart(width)} |`)} ${content}`);
    output.push(`  ${paint("dim", `${" ".repeat(width)} |`)} ${indent}${paint(tone, "^".repeat(length))}`);
  }
  return output;
}
