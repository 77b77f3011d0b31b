// Compiles TypeScript texts in a folder of their own with the bootstrapped compiler, errors or not: what is refused is
// reported, and everything else runs. The verifier looks at the work of every pass.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const dist = join(root, "packages", "compiler-plugin", "dist");
process.env.PULLBACK_VERIFY = "1";
export const load = (path) => import(pathToFileURL(join(dist, path)).href);

export const { compiler } = await load("hosts/compiler.js");
export const { formatDiagnostic } = await load("check/index.js");
const { planProgram } = await load("compile/plan.js");
const { compileFile } = await load("compile/file.js");
const { noProgress } = await load("compile/progress.js");

export class Workplace {
  #outputs = 0;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "pullback-trust-")).replaceAll("\\", "/");
    mkdirSync(join(this.folder, "node_modules", "@pullback"), { recursive: true });
    symlinkSync(join(root, "packages", "autodiff"), join(this.folder, "node_modules", "@pullback", "autodiff"), "dir");
    writeFileSync(join(this.folder, "package.json"), '{ "name": "trust", "type": "module" }');
    const compilerOptions = {
      target: "es2022",
      lib: ["es2023"],
      module: "nodenext",
      strict: true,
      types: [],
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      noEmit: true,
    };
    writeFileSync(join(this.folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  }

  /** `files` by name. The answer has the program, its plan, and `run`, which emits and imports one of the files. */
  compile(files) {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
    const paths = Object.keys(files).map((name) => `${this.folder}/${name}`);
    const tsconfig = join(this.folder, "tsconfig.json");
    const program = compiler.createProgram({ rootFiles: paths, projectFolder: this.folder, tsconfig });
    const plan = planProgram(program, compiler, noProgress);
    const run = (name) => {
      const output = join(this.folder, name.replace(/\.ts$/, `.${this.#outputs++}.mjs`));
      writeFileSync(output, compileFile(program, plan, `${this.folder}/${name}`, compiler).code);
      return import(pathToFileURL(output).href);
    };
    return { program, plan, run };
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
