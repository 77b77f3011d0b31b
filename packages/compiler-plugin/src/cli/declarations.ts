/** Type declarations, by the project's own tsc: they concern types only, which compilation leaves alone. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { commonFolder, type Project, typescriptCompiler } from "./project.ts";

export interface DeclarationJob {
  readonly project: Project;
  readonly sources: readonly string[];
  /** Every source file of the program: sources of other workspace packages are in it. */
  readonly everything: readonly string[];
  readonly rootDir: string;
  readonly outDir: string;
}

/** Writes a .d.ts for every source into outDir; false, with tsc's account on stderr, when types do not check. */
export function emitDeclarations({ project, sources, everything, rootDir, outDir }: DeclarationJob): boolean {
  const tsc = typescriptCompiler(project.folder);
  if (tsc === undefined) {
    process.stderr.write("No type declarations were written: typescript is not installed in this project.\n");
    return true;
  }
  // tsc wants one root above all files; what lies outside the project is written beside it and left behind.
  const root = commonFolder([...everything, join(rootDir, "x.ts")]);
  // In the project's own folder, where @types packages are found from.
  const scratch = mkdtempSync(join(project.folder, ".pullback-build-"));
  try {
    const configuration = join(scratch, "tsconfig.json");
    const base = project.tsconfig ?? nearestConfiguration(project.folder);
    writeFileSync(
      configuration,
      JSON.stringify({
        ...(base === undefined ? {} : { extends: base }),
        compilerOptions: {
          noEmit: false,
          declaration: true,
          emitDeclarationOnly: true,
          declarationMap: false,
          composite: false,
          incremental: false,
          allowImportingTsExtensions: true,
          rootDir: root,
          outDir: join(scratch, "out"),
        },
        files: sources,
        include: [],
      }),
    );
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", configuration], { encoding: "utf8" });
    process.stderr.write(stdout);
    const emitted = join(scratch, "out", relative(root, rootDir));
    if (existsSync(emitted)) {
      mkdirSync(outDir, { recursive: true });
      const wanted = new Set(sources.map((file) => relative(rootDir, file).replace(/\.(m?)ts$/, ".d.$1ts")));
      cpSync(emitted, outDir, {
        recursive: true,
        filter: (from) => !/\.d\.m?ts$/.test(from) || wanted.has(relative(emitted, from)),
      });
    }
    return status === 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function nearestConfiguration(folder: string): string | undefined {
  for (let current = folder; ; current = dirname(current)) {
    const candidate = join(current, "tsconfig.json");
    if (existsSync(candidate)) return candidate;
    if (dirname(current) === current) return undefined;
  }
}
