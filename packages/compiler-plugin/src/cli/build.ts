/**
 * `pullback build [project]`: JavaScript with derivatives, source maps, type declarations by the project's own tsc, and
 * `pullback.json`, which tells the compiler of a project that depends on this one what carries a derivative.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { isatty } from "node:tty";
import { formatDiagnostic } from "../check/index.ts";
import { type Compiler, compileFile, type Orders, planProgram, terminalProgress } from "../compile/index.ts";
import { compiler } from "../hosts/compiler.ts";
import { emitDeclarations } from "./declarations.ts";
import { manifestOf } from "./manifest.ts";
import { commonFolder, openProject } from "./project.ts";

export interface BuildOptions {
  /** Where the output goes; the tsconfig's `outDir`, or `dist`, by default. */
  readonly outDir?: string;
  /** How often those who depend on the package can differentiate what it publishes: 2, or 1 for less code, 3 for more. */
  readonly orders?: Orders;
}

/** Builds a folder or tsconfig; gives 1 when there are errors (nothing is written then, or no declarations), else 0. */
export function build(path: string | undefined, options: BuildOptions = {}): number {
  const project = openProject(path);
  const sources = project.files.filter((file) => !/\.test\.m?ts$/.test(file));
  const rootDir = project.rootDir ?? commonFolder(sources);
  const outDir = resolve(options.outDir ?? project.outDir ?? join(project.folder, "dist"));
  const program = compiler.createProgram({
    rootFiles: sources,
    projectFolder: project.folder,
    ...(project.tsconfig === undefined ? {} : { tsconfig: project.tsconfig }),
  });
  const progress = terminalProgress();
  const plan = planProgram(program, compiler, progress, { published: options.orders ?? 2 });
  progress.done();
  const color = isatty(2) && process.env.NO_COLOR === undefined;
  for (const diagnostic of plan.diagnostics) {
    process.stderr.write(`${formatDiagnostic(diagnostic, (file) => program.text(file), color)}\n\n`);
  }
  if (plan.diagnostics.some(({ severity }) => severity === "error")) return 1;

  const stages: Compiler = {
    ...compiler,
    stripTypes: (text, file) => compiler.stripTypes(text, file, { rewriteExtensions: true }),
  };
  rmSync(outDir, { recursive: true, force: true });
  for (const file of sources) {
    const target = join(outDir, relative(rootDir, file)).replace(/ts$/, "js");
    const { code, map } = compileFile(program, plan, file, stages);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, `${code.trimEnd()}\n//# sourceMappingURL=${target.slice(dirname(target).length + 1)}.map\n`);
    writeFileSync(`${target}.map`, relocated(map, dirname(target)));
  }
  writeFileSync(
    join(outDir, "pullback.json"),
    `${JSON.stringify(manifestOf(program, plan, sources, rootDir), undefined, 2)}\n`,
  );
  return emitDeclarations({ project, sources, everything: program.files, rootDir, outDir }) ? 0 : 1;
}

/** A source map with its sources relative to where it lies. */
function relocated(map: string, folder: string): string {
  const parsed = JSON.parse(map) as { sources: string[] };
  parsed.sources = parsed.sources.map((source) => relative(folder, source).replaceAll("\\", "/"));
  return JSON.stringify(parsed);
}
