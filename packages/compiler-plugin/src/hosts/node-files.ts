/** What both forms of Node's customization hooks do: find TypeScript sources, and compile them as they are loaded. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Compiler, Session, terminalProgress } from "../compile/index.ts";

export interface LoadedModule {
  format: "module";
  source: string;
  shortCircuit: true;
}

const typescriptFile = /\.m?ts$/;
const withSource = "@pullback/source";

/** The conditions under which workspace packages offer their sources, beside the host's own. */
export function conditionsFor(conditions: readonly string[] = []): string[] {
  return conditions.includes(withSource) ? [...conditions] : [...conditions, withSource];
}

/** Whether a package answered with a source that is not there to compile: installed packages bring no sources. */
export function isInstalledSource(url: string): boolean {
  return url.includes("/node_modules/") && typescriptFile.test(url.replace(/[?#].*$/, ""));
}

/**
 * Another way to read a specifier that Node could not resolve: `./x.js` and `./x` for `./x.ts`, as TypeScript reads
 * them, and the runtime that compiled code imports, for projects that do not see it from where they stand (it is a
 * dependency of their dependency).
 */
export function alternative(specifier: string, parent: string | undefined): string | undefined {
  if (specifier === "@pullback/autodiff/runtime") return runtimeUrl(parent);
  if (!/^\.{1,2}\//.test(specifier) || parent === undefined || !parent.startsWith("file:")) return undefined;
  const base = fileURLToPath(new URL(specifier, parent));
  const stem = base.replace(/\.(m?)js$/, ".$1ts");
  const candidates = stem === base ? [`${base}.ts`, join(base, "index.ts")] : [stem];
  const found = candidates.find((candidate) => existsSync(candidate));
  return found === undefined ? undefined : pathToFileURL(found).href;
}

function runtimeUrl(parent: string | undefined): string | undefined {
  const own = import.meta.resolve("@pullback/autodiff/runtime");
  return parent !== undefined && own !== parent ? own : undefined;
}

/** Compiles the TypeScript files of one process. The first that is loaded is the program's entry. */
export class NodeFiles {
  readonly #compiler: Compiler;
  #session: Session | undefined;

  constructor(compiler: Compiler) {
    this.#compiler = compiler;
  }

  /** The module behind a URL, if it is TypeScript of the program's own (not of an installed package). */
  load(url: string): LoadedModule | undefined {
    const address = url.replace(/[?#].*$/, "");
    if (!address.startsWith("file:") || !typescriptFile.test(address)) return undefined;
    const path = fileURLToPath(address);
    const file = path.replaceAll("\\", "/");
    if (file.includes("/node_modules/")) return undefined;
    this.#session ??= new Session(
      { projectFolder: projectFolderOf(path), rootFiles: [file], progress: terminalProgress, once: true },
      this.#compiler,
    );
    const { code, map } = this.#session.unit(file);
    return { format: "module", source: `${code}\n${inlineMap(map)}\n`, shortCircuit: true };
  }
}

/** The nearest folder with a package.json, else the file's own. */
export function projectFolderOf(file: string): string {
  const start = dirname(file);
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (dirname(folder) === folder) return start;
  }
}

/** A source map as a comment, its sources as URLs: that is what Node expects of a module with a URL. */
function inlineMap(map: string): string {
  const parsed = JSON.parse(map) as { sources: string[]; sourcesContent?: (string | null)[] };
  const files = parsed.sources;
  parsed.sourcesContent ??= files.map((file) => readFileSync(file, "utf8"));
  parsed.sources = files.map((file) => pathToFileURL(file).href);
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(parsed)).toString("base64")}`;
}
