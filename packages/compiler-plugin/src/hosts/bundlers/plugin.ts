/**
 * The compiler as a bundler plugin: one source for Vite, Rollup, Rolldown, esbuild, webpack and Bun. It hands the
 * bundler compiled JavaScript for every TypeScript file of the project; installed packages are left alone.
 */
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createUnplugin, type UnpluginInstance } from "unplugin";
import { type CompileError, formatDiagnostic, positionOf } from "../../compile/index.ts";
import { alternative } from "../node-files.ts";
import { ProjectSession } from "./project-session.ts";

export interface BundlerOptions {
  /** The folder of the project; the bundler's own root (Vite), or the current folder, by default. */
  readonly root?: string;
  /** The tsconfig that lists the project's files; tsconfig.json in the root by default. */
  readonly tsconfig?: string;
}

/** With a query that only keeps browsers from reusing an old answer; others (`?raw`, `?worker`) ask for something else. */
const source = /\.m?ts(?:\?(?:t|v)=[^&]*)?$/;
const declaration = /\.d\.m?ts(?:\?|$)/;

export const plugin: UnpluginInstance<BundlerOptions | undefined> = createUnplugin((options, meta) => {
  const session = new ProjectSession(options ?? {});
  let lastChange: { at: number; files: readonly string[] } = { at: 0, files: [] };
  return {
    name: "pullback",
    enforce: "pre",
    buildStart() {
      session.refresh();
    },
    resolveId(specifier, importer) {
      // These find TypeScript themselves, and would take what a plugin resolves for a module of another kind.
      if (meta.framework === "esbuild" || meta.framework === "bun") return undefined;
      if (importer === undefined || !isOwn(importer)) return undefined;
      // Modules that another plugin makes up, such as Vite's for dynamic imports, are no files.
      if (specifier.startsWith("\0")) return undefined;
      const from = fileOf(importer);
      // What compiled code imports need not be a dependency of the project itself.
      if (specifier === runtime) return seesRuntime(from) ? undefined : fileURLToPath(import.meta.resolve(runtime));
      if (statSync(join(dirname(from), specifier), { throwIfNoEntry: false })?.isFile() === true) return undefined;
      const other = alternative(specifier, pathToFileURL(from).href);
      return other === undefined ? undefined : fileURLToPath(other);
    },
    load: {
      filter: { id: source },
      handler(id) {
        if (!isOwn(id)) return undefined;
        const file = fileOf(id);
        try {
          const { code, map } = session.unit(file, (warning, text) =>
            this.warn({ message: formatDiagnostic(warning, text), id: file }),
          );
          // These keep a module until a file that it names has changed; its derivatives depend on other files.
          if (meta.framework === "webpack" || meta.framework === "esbuild" || meta.framework === "rspack") {
            for (const each of session.sources()) this.addWatchFile(each);
          }
          return { code, map: JSON.parse(map) };
        } catch (error) {
          throw isCompileError(error) ? located(error, file, (each) => session.text(each)) : error;
        }
      },
    },
    esbuild: {
      loader: "js",
      setup(build) {
        build.onResolve({ filter: /^@pullback\/autodiff\/runtime$/ }, ({ importer }) =>
          seesRuntime(importer) ? undefined : { path: fileURLToPath(import.meta.resolve(runtime)) },
        );
      },
    },
    bun: { loader: "js" },
    vite: {
      configResolved({ root }) {
        if (options?.root === undefined) session.root = root;
      },
      // A change may alter the compiled form of files that do not import what changed: those with its callees.
      hotUpdate({ file, modules, timestamp }) {
        if (!source.test(file)) return undefined;
        // Every environment (browser, server) is told of the same change.
        if (lastChange.at !== timestamp) lastChange = { at: timestamp, files: session.refresh() };
        const graph = this.environment.moduleGraph;
        const known = new Set(modules);
        for (const changed of lastChange.files) {
          for (const module of graph.getModulesByFile(changed) ?? []) {
            if (known.has(module)) continue;
            graph.invalidateModule(module, new Set(), timestamp, true);
            known.add(module);
          }
        }
        return [...known];
      },
    },
    webpack(compiler) {
      if (options?.root === undefined) session.root = compiler.context;
    },
  };
});

const runtime = "@pullback/autodiff/runtime";

function seesRuntime(file: string): boolean {
  try {
    createRequire(file).resolve(runtime);
    return true;
  } catch {
    return false;
  }
}

function isOwn(id: string): boolean {
  return source.test(id) && !declaration.test(id) && !id.includes("/node_modules/") && !id.includes("\0");
}

function fileOf(id: string): string {
  return id.replace(/\?.*$/, "").replaceAll("\\", "/");
}

/** What bundlers show of an error: its message, and the place by their own convention (columns from 0). */
function located(error: CompileError, id: string, text: (file: string) => string): Error {
  const { span } = error.diagnostics[0];
  const { line, column } = positionOf(text(span.file), span.start);
  const shown = new Error(`Pullback cannot compile this file\n\n${error.message}`);
  shown.stack = shown.message;
  return Object.assign(shown, { code: error.code, id, loc: { file: span.file, line, column: column - 1 } });
}

function isCompileError(error: unknown): error is CompileError {
  return error instanceof Error && error.name === "CompileError";
}
