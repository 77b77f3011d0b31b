/**
 * The classic form: a `ts.TransformerFactory` for `program.emit` and for ts-patch (`"plugins": [{ "transform":
 * "@pullback/compiler-plugin/transformer" }]`), on TypeScript 5.9 and 6 with ES modules and `verbatimModuleSyntax`.
 * It puts the output of the same compiler, parsed again, in the place of every source file.
 */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { PullbackError } from "@pullback/autodiff";
import type ts from "typescript";
import { CompileError, compileFile, type Diagnostic, isSelfHosted, planProgram } from "../compile/index.ts";
import { loadTypeScript, reparse } from "../frontend/index.ts";
import { compiler } from "./compiler.ts";

/** What ts-patch hands to a transformer beside the program. */
export interface TransformerExtras {
  /** The TypeScript that made the program; the project's own by default. */
  readonly ts?: typeof ts;
  readonly addDiagnostic?: (diagnostic: ts.Diagnostic) => unknown;
}

/**
 * `program.emit(undefined, undefined, undefined, undefined, { before: [pullback(program)] })`. A file with errors is
 * reported through `addDiagnostic`, or throws CompileError where there is none; throws PB9006 when `program` was made by
 * another TypeScript than `ts`, or its modules are not kept as written.
 */
export default function pullback(
  program: ts.Program,
  _configuration: object = {},
  extras: TransformerExtras = {},
): ts.TransformerFactory<ts.SourceFile> {
  const options = program.getCompilerOptions();
  const configFile = options.configFilePath as string | undefined;
  const projectFolder = configFile === undefined ? program.getCurrentDirectory() : dirname(configFile);
  const typescript = extras.ts ?? loadTypeScript(projectFolder).ts;
  const own = program
    .getSourceFiles()
    .filter((file) => !file.isDeclarationFile && !file.fileName.includes("/node_modules/"));
  if (own.some((file) => !typescript.isSourceFile(file))) {
    throw new PullbackError(`The program was made by another TypeScript than ${typescript.version}.`, {
      code: "PB9006",
      hint: "Hand its API over: pullback(program, {}, { ts }).",
    });
  }
  if (options.verbatimModuleSyntax !== true) {
    throw new PullbackError("The transformer needs imports and exports to be kept as they are written.", {
      code: "PB9006",
      hint: 'Set "verbatimModuleSyntax": true in tsconfig.json.',
    });
  }
  const compiled = compileProgram(program, own, projectFolder, configFile);
  return () => (file) => {
    if (!own.includes(file) || isSelfHosted(file.fileName)) return file;
    const { errors, unit } = compiled(file.fileName);
    if (errors.length === 0) return reparse(typescript, file, unit().code, unit().map);
    if (extras.addDiagnostic === undefined) {
      throw new CompileError(errors, (each) => program.getSourceFile(each)?.text ?? readFileSync(each, "utf8"), false);
    }
    for (const error of errors) extras.addDiagnostic(asTypeScript(typescript, program, file, error));
    return file;
  };
}

/** Our own program over the same texts, planned when the first file is asked for. */
function compileProgram(
  program: ts.Program,
  own: readonly ts.SourceFile[],
  projectFolder: string,
  tsconfig: string | undefined,
) {
  let planned: ReturnType<typeof plan> | undefined;
  const plan = () => {
    const ours = compiler.createProgram({
      rootFiles: [...program.getRootFileNames()],
      projectFolder,
      ...(tsconfig === undefined ? {} : { tsconfig }),
      overlay: new Map(own.map((file) => [file.fileName, file.text])),
    });
    return { program: ours, plan: planProgram(ours, compiler) };
  };
  return (file: string) => {
    planned ??= plan();
    const { program: ours, plan: made } = planned;
    const found = made.files.get(file)?.diagnostics ?? [];
    let unit: { code: string; map: string } | undefined;
    return {
      errors: found.filter(({ severity }) => severity === "error"),
      unit: () => {
        unit ??= compileFile(ours, made, file, compiler);
        return unit;
      },
    };
  };
}

function asTypeScript(
  typescript: typeof ts,
  program: ts.Program,
  file: ts.SourceFile,
  { code, span, message, notes, hint }: Diagnostic,
): ts.Diagnostic {
  const related = notes.map((note) => note.message);
  return {
    category: typescript.DiagnosticCategory.Error,
    code: Number(code.slice(2)),
    file: program.getSourceFile(span.file) ?? file,
    start: span.start,
    length: Math.max(1, span.end - span.start),
    messageText: [`${code}: ${message}`, ...related, ...(hint === undefined ? [] : [hint])].join("\n  "),
    source: "pullback",
  };
}
