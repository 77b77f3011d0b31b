/** What the compiler says about a program, and how it looks on a terminal. */
import type { Span } from "../hir/types.ts";

export interface DiagnosticNote {
  message: string;
  span?: Span;
}

export interface Diagnostic {
  /** `PB` and four digits; `codes.ts` explains each. */
  code: string;
  severity: "error" | "warning";
  message: string;
  span: Span;
  /** The chain "when differentiating …", and other places that matter. */
  notes: DiagnosticNote[];
  /** What to do about it, in one sentence. */
  hint?: string;
  /** What an editor can do about it. */
  fix?: Fix;
}

/** Replacements that go together; the places do not overlap. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly Edit[];
}

export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** Line and column of an offset, both from 1. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let i = text.indexOf("\n"); i !== -1 && i < offset; i = text.indexOf("\n", i + 1)) {
    line += 1;
    start = i + 1;
  }
  return { line, column: offset - start + 1 };
}
