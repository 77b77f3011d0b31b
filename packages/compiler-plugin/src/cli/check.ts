/** `pullback check [project]`: every diagnostic of a project, for people or, with `json`, for programs. */
import { isatty } from "node:tty";
import { type Diagnostic, formatDiagnostic, positionOf } from "../check/index.ts";
import { planProgram, terminalProgress } from "../compile/index.ts";
import type { CompilerProgram } from "../frontend/index.ts";
import type { Span } from "../hir/types.ts";
import { compiler } from "../hosts/compiler.ts";
import { openProject } from "./project.ts";

export interface CheckOptions {
  readonly json?: boolean;
}

/** A diagnostic with its places as lines and columns, both from 1. */
export interface ReportedDiagnostic {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint?: string;
  readonly place: Place;
  readonly notes: readonly { readonly message: string; readonly place?: Place }[];
  readonly fix?: {
    readonly title: string;
    readonly edits: readonly { readonly place: Place; readonly text: string }[];
  };
}

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Prints the diagnostics of a file, folder or tsconfig; gives 1 when there is an error, else 0. */
export function check(path: string | undefined, options: CheckOptions = {}): number {
  return report(examine(path), options) > 0 ? 1 : 0;
}

export interface Examined {
  readonly program: CompilerProgram;
  readonly diagnostics: readonly Diagnostic[];
}

/** Every diagnostic of a file, folder or tsconfig; what an earlier program parsed is used again. */
export function examine(path: string | undefined, oldProgram?: CompilerProgram): Examined {
  const project = openProject(path);
  const program = compiler.createProgram({
    rootFiles: [...project.files],
    projectFolder: project.folder,
    ...(project.tsconfig === undefined ? {} : { tsconfig: project.tsconfig }),
    ...(oldProgram === undefined ? {} : { oldProgram }),
  });
  const progress = terminalProgress();
  const { diagnostics } = planProgram(program, compiler, progress);
  progress.done();
  return { program, diagnostics };
}

/** Writes diagnostics to stdout, as text or, with `json`, as an array on several lines (`compact`: on one); counts errors. */
export function report({ program, diagnostics }: Examined, options: CheckOptions & { compact?: boolean }): number {
  const text = (file: string) => program.text(file);
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  if (options.json === true) {
    const all = diagnostics.map((each) => reported(each, text));
    process.stdout.write(`${JSON.stringify(all, undefined, options.compact === true ? undefined : 2)}\n`);
  } else {
    const color = isatty(1) && process.env.NO_COLOR === undefined;
    for (const diagnostic of diagnostics) process.stdout.write(`${formatDiagnostic(diagnostic, text, color)}\n\n`);
    process.stdout.write(`${summary(errors, diagnostics.length - errors, program.files.length)}\n`);
  }
  return errors;
}

function summary(errors: number, warnings: number, files: number): string {
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? "" : "s"}`;
  return `${count(errors, "error")}, ${count(warnings, "warning")} in ${count(files, "file")}`;
}

function reported(diagnostic: Diagnostic, text: (file: string) => string): ReportedDiagnostic {
  const place = ({ file, start, end }: Span): Place => {
    const from = positionOf(text(file), start);
    const to = positionOf(text(file), end);
    return { file, line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
  };
  const { code, severity, message, hint, fix } = diagnostic;
  return {
    code,
    severity,
    message,
    ...(hint === undefined ? {} : { hint }),
    place: place(diagnostic.span),
    notes: diagnostic.notes.map((note) => ({
      message: note.message,
      ...(note.span === undefined ? {} : { place: place(note.span) }),
    })),
    ...(fix === undefined
      ? {}
      : { fix: { title: fix.title, edits: fix.edits.map(({ span, text }) => ({ place: place(span), text })) } }),
  };
}
