/** The compiler for hosts that are not here: a program, kept compiled while its files change. */
import type { Diagnostic } from "../check/index.ts";
import { DiskCache, Session, type Unit } from "../compile/index.ts";
import { compiler } from "./compiler.ts";

export interface OpenOptions {
  readonly projectFolder: string;
  /** Absolute paths with forward slashes; what they import belongs to the program too. */
  readonly rootFiles: readonly string[];
  /** The nearest to the project folder by default. */
  readonly tsconfig?: string;
  /** Whether results are kept on disk for other processes, in node_modules/.cache/pullback; true by default. */
  readonly keep?: boolean;
}

export interface ProgramSession {
  /** JavaScript and source map (JSON) of a file; throws CompileError when it has errors. */
  unit(file: string): Unit;
  /** Every diagnostic of the program. */
  diagnostics(): readonly Diagnostic[];
  /** Looks whether inputs have changed; gives the files whose compiled form is then another. */
  refresh(): readonly string[];
}

export function openSession({ keep = true, ...options }: OpenOptions): ProgramSession {
  return new Session({ ...options, ...(keep ? {} : { cache: new DiskCache(undefined) }) }, compiler);
}
