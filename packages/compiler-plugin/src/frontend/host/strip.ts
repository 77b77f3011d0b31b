/** TypeScript to JavaScript, file by file: types go, everything else stays. Needs no program. */
import { positionOf } from "../../check/index.ts";
import { loadTypeScript } from "./typescript.ts";

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

/**
 * Throws a SyntaxError that names the place when the text does not parse.
 *
 * @public Imported on first use, so that a warm start loads no TypeScript.
 */
export function stripTypes(text: string, file: string, options: StripOptions = {}): Stripped {
  const { ts } = loadTypeScript(options.projectFolder ?? process.cwd());
  const output = ts.transpileModule(text, {
    fileName: file,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      sourceMap: true,
      ...(options.rewriteExtensions === true ? { rewriteRelativeImportExtensions: true } : {}),
    },
  });
  const error = output.diagnostics?.find((d) => d.category === ts.DiagnosticCategory.Error && d.code < 2000);
  if (error !== undefined) {
    const { line, column } = positionOf(text, error.start ?? 0);
    throw new SyntaxError(`${file}:${line}:${column}: ${ts.flattenDiagnosticMessageText(error.messageText, "\n")}`);
  }
  return {
    code: output.outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"),
    map: (output.sourceMapText ?? "{}").replace(/"sources":\[[^\]]*\]/, `"sources":[${JSON.stringify(file)}]`),
  };
}
