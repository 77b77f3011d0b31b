/**
 * The language-service plugin, for editors with a TypeScript 5.9 or 6 server: our diagnostics among TypeScript's, and
 * their mechanical fixes. (TypeScript 7 has no plugins; `pullback check --watch` reports the same.)
 */
import { dirname } from "node:path";
import type ts from "typescript";
import { type Diagnostic, planProgram } from "../compile/index.ts";
import type { CompilerProgram } from "../frontend/index.ts";
import { compiler } from "./compiler.ts";

/** What is used of the server's account of a project. */
export interface PluginInfo {
  readonly languageService: ts.LanguageService;
  readonly project: { getCurrentDirectory(): string };
}

/** The language service with our answers added. */
export function create(typescript: typeof ts, info: PluginInfo): ts.LanguageService {
  const inner = info.languageService;
  const findings = new Findings(info);
  const outer = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(inner)) {
    outer[name] =
      typeof member === "function" ? (...args: unknown[]) => Reflect.apply(member, inner, args) : (member as unknown);
  }
  const added: Partial<ts.LanguageService> = {
    getSemanticDiagnostics(file) {
      const ours = findings.of(file).map((each) => asTypeScript(typescript, inner.getProgram(), each));
      return [...inner.getSemanticDiagnostics(file), ...ours];
    },
    getCodeFixesAtPosition(file, start, end, errorCodes, formatOptions, preferences) {
      const theirs = inner.getCodeFixesAtPosition(file, start, end, errorCodes, formatOptions, preferences);
      const ours = findings
        .of(file)
        .filter(({ code, span }) => errorCodes.includes(numberOf(code)) && span.start <= end && start <= span.end);
      return [...theirs, ...ours.flatMap(fixOf)];
    },
  };
  return { ...outer, ...added } as unknown as ts.LanguageService;
}

/** The diagnostics of the program that the editor sees, unsaved text included; computed once per program. */
class Findings {
  readonly #info: PluginInfo;
  #seen: ts.Program | undefined;
  #program: CompilerProgram | undefined;
  #byFile = new Map<string, Diagnostic[]>();

  constructor(info: PluginInfo) {
    this.#info = info;
  }

  of(file: string): readonly Diagnostic[] {
    const program = this.#info.languageService.getProgram();
    if (program !== undefined && program !== this.#seen) {
      this.#seen = program;
      this.#byFile = this.#examine(program);
    }
    return this.#byFile.get(file) ?? [];
  }

  #examine(program: ts.Program): Map<string, Diagnostic[]> {
    const configFile = program.getCompilerOptions().configFilePath as string | undefined;
    const projectFolder = configFile === undefined ? this.#info.project.getCurrentDirectory() : dirname(configFile);
    const own = program
      .getSourceFiles()
      .filter((file) => !file.isDeclarationFile && !file.fileName.includes("/node_modules/"));
    const byFile = new Map<string, Diagnostic[]>();
    try {
      const ours = compiler.createProgram({
        rootFiles: own.map(({ fileName }) => fileName),
        projectFolder,
        ...(configFile === undefined ? {} : { tsconfig: configFile }),
        overlay: new Map(own.map((file) => [file.fileName, file.text])),
        ...(this.#program === undefined ? {} : { oldProgram: this.#program }),
      });
      this.#program = ours;
      for (const each of planProgram(ours, compiler).diagnostics) {
        // TypeScript itself reports its own errors here.
        if (each.code === "PB2020") continue;
        const list = byFile.get(each.span.file) ?? [];
        list.push(each);
        byFile.set(each.span.file, list);
      }
    } catch {
      // Half-typed programs may be more than the compiler can stand; the next edit asks again.
    }
    return byFile;
  }
}

function numberOf(code: string): number {
  return Number(code.slice(2));
}

function asTypeScript(typescript: typeof ts, program: ts.Program | undefined, found: Diagnostic): ts.Diagnostic {
  const { code, severity, span, message, notes, hint } = found;
  const related = notes.flatMap((note): ts.DiagnosticRelatedInformation[] => {
    const file = note.span === undefined ? undefined : program?.getSourceFile(note.span.file);
    if (note.span === undefined || file === undefined) return [];
    const { start, end } = note.span;
    const category = typescript.DiagnosticCategory.Message;
    return [{ category, code: numberOf(code), file, start, length: end - start, messageText: note.message }];
  });
  return {
    category: typescript.DiagnosticCategory[severity === "error" ? "Error" : "Warning"],
    code: numberOf(code),
    file: program?.getSourceFile(span.file),
    start: span.start,
    length: Math.max(1, span.end - span.start),
    messageText: `${code}: ${message}${hint === undefined ? "" : `\n${hint}`}`,
    source: "pullback",
    relatedInformation: related,
  };
}

function fixOf({ code, fix }: Diagnostic): ts.CodeFixAction[] {
  if (fix === undefined) return [];
  const files = [...new Set(fix.edits.map(({ span }) => span.file))];
  const changes = files.map((fileName) => ({
    fileName,
    textChanges: fix.edits
      .filter(({ span }) => span.file === fileName)
      .map(({ span: { start, end }, text }) => ({ span: { start, length: end - start }, newText: text })),
  }));
  return [{ fixName: `pullback-${code}`, description: fix.title, changes }];
}
