/** TypeScript to JavaScript, file by file: types go, everything else stays. Needs no program. */
import { encodedMappings, type SourceMapSegment, TraceMap } from "@jridgewell/trace-mapping";
import type ts from "typescript";
import { positionOf } from "../../check/index.ts";
import { type Erased, eraseTypes } from "./erase.ts";
import { parsedSource } from "./source-files.ts";
import { loadTypeScript, type TypeScript } from "./typescript.ts";

export interface Stripped {
  readonly code: string;
  /** A source map as JSON, from `code` to the given text. */
  readonly map: string;
}

export interface StripOptions {
  readonly projectFolder?: string;
  /** `./x.ts` in imports becomes `./x.js`. */
  readonly rewriteExtensions?: boolean;
}

/** Throws a SyntaxError that names the place when the text does not parse. */
export function stripTypes(text: string, file: string, options: StripOptions = {}): Stripped {
  const { ts } = loadTypeScript(options.projectFolder ?? process.cwd());
  if (options.rewriteExtensions === true) return printed(ts, text, file, true);
  const source = parsedSource(file, text) ?? ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  // Not in the public types; every TypeScript has it.
  const { parseDiagnostics } = source as unknown as { parseDiagnostics: readonly ts.Diagnostic[] };
  if (parseDiagnostics.length > 0) throw syntaxError(ts, parseDiagnostics[0], text, file);
  const erased = eraseTypes(ts, source);
  return erased === undefined ? printed(ts, text, file, false) : withMap(erased, file);
}

/** TypeScript's own emit, for what erasing cannot express. */
function printed(ts: TypeScript, text: string, file: string, rewriteRelativeImportExtensions: boolean): Stripped {
  const output = ts.transpileModule(text, {
    fileName: file,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      sourceMap: true,
      rewriteRelativeImportExtensions,
    },
  });
  const error = output.diagnostics?.find((d) => d.category === ts.DiagnosticCategory.Error && d.code < 2000);
  if (error !== undefined) throw syntaxError(ts, error, text, file);
  return {
    code: output.outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"),
    map: (output.sourceMapText ?? "{}").replace(/"sources":\[[^\]]*\]/, `"sources":[${JSON.stringify(file)}]`),
  };
}

function syntaxError(ts: TypeScript, error: ts.Diagnostic, text: string, file: string): SyntaxError {
  const { line, column } = positionOf(text, error.start ?? 0);
  return new SyntaxError(`${file}:${line}:${column}: ${ts.flattenDiagnosticMessageText(error.messageText, "\n")}`);
}

/** Lines stay lines; columns move only behind what was added on the same line. */
function withMap({ text, additions }: Erased, file: string): Stripped {
  const code: string[] = [];
  const mappings: SourceMapSegment[][] = [];
  let lineStart = 0;
  let next = 0;
  for (const [line, content] of text.split("\n").entries()) {
    const segments: SourceMapSegment[] = [];
    let written = "";
    let read = 0;
    const copy = (end: number) => {
      const piece = content.slice(read, end);
      for (const token of piece.matchAll(/[\w$]+|[^\s\w$]/g)) {
        segments.push([written.length + token.index, 0, line, read + token.index]);
      }
      written += piece;
      read = end;
    };
    while (next < additions.length && additions[next].at <= lineStart + content.length) {
      const { at, text: added } = additions[next++];
      copy(at - lineStart);
      segments.push([written.length, 0, line, read]);
      written += added;
    }
    copy(content.length);
    code.push(written);
    mappings.push(segments);
    lineStart += content.length + 1;
  }
  const map = { version: 3 as const, names: [], sources: [file] };
  return {
    code: code.join("\n"),
    map: JSON.stringify({ ...map, mappings: encodedMappings(new TraceMap({ ...map, mappings })) }),
  };
}
