/** A compiler host whose source files outlive the program: unchanged files are parsed once per process. */
import { statSync } from "node:fs";
import { basename } from "node:path";
import { PullbackError } from "@pullback/autodiff";
import type ts from "typescript";
import { isTooDeep } from "../../check/index.ts";
import type { LoadedTypeScript } from "./typescript.ts";

interface CachedFile {
  readonly version: string;
  readonly sourceFile: ts.SourceFile;
}

/** Shared between programs; keyed by language version and path. */
const cache = new Map<string, CachedFile>();

/** What a program parsed last, by path. */
const latest = new Map<string, ts.SourceFile>();

/** The tree of a file, if a program has parsed it with this very text. */
export function parsedSource(file: string, text: string): ts.SourceFile | undefined {
  const known = latest.get(file);
  return known?.text === text ? known : undefined;
}

/** Forgets all trees, and with them whatever a checker has noted on them. */
export function forgetSources(): void {
  cache.clear();
  latest.clear();
}

export function createHost(
  loaded: LoadedTypeScript,
  options: ts.CompilerOptions,
  projectFolder: string,
  overlay: ReadonlyMap<string, string>,
): ts.CompilerHost {
  const { ts, libraries } = loaded;
  const library = (file: string) => libraries?.get(basename(file));
  const inLibraryFolder = (file: string) => libraries !== undefined && file.startsWith(libraryFolder);
  const base = ts.createCompilerHost(options, true);
  const versionOf = (file: string): string | undefined => {
    if (inLibraryFolder(file)) return "bundled";
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? undefined : `${stat.mtimeMs}:${stat.size}`;
  };
  const read = (file: string) => overlay.get(file) ?? (inLibraryFolder(file) ? library(file) : ts.sys.readFile(file));
  return {
    ...base,
    getCurrentDirectory: () => projectFolder,
    ...(libraries === undefined
      ? {}
      : {
          getDefaultLibLocation: () => libraryFolder,
          getDefaultLibFileName: (o: ts.CompilerOptions) => `${libraryFolder}/${ts.getDefaultLibFileName(o)}`,
        }),
    fileExists: (file) =>
      overlay.has(file) || (inLibraryFolder(file) ? library(file) !== undefined : base.fileExists(file)),
    readFile: read,
    getSourceFile(file, languageVersionOrOptions) {
      const given = overlay.get(file);
      const version = given === undefined ? versionOf(file) : `text:${given}`;
      if (version === undefined) return undefined;
      const key = `${JSON.stringify(languageVersionOrOptions)}:${ts.version}:${file}`;
      const known = cache.get(key);
      if (known?.version === version) return known.sourceFile;
      const text = read(file);
      if (text === undefined) return undefined;
      // Of declaration files only the types are wanted: no comments, and the binder sets the parents.
      const sourceFile = parsed(file, () =>
        /\.d\.[cm]?ts$/.test(file)
          ? ts.createSourceFile(file, text, withoutComments(ts, languageVersionOrOptions))
          : ts.createSourceFile(file, text, languageVersionOrOptions, true),
      );
      cache.set(key, { version, sourceFile });
      latest.set(file, sourceFile);
      return sourceFile;
    },
  };
}

/** TypeScript's parser descends by recursion; throws PB1012 where that ends its stack. */
function parsed(file: string, parse: () => ts.SourceFile): ts.SourceFile {
  try {
    return parse();
  } catch (error) {
    if (!isTooDeep(error)) throw error;
    throw new PullbackError(`An expression in ${file} is nested too deeply for TypeScript's parser.`, {
      code: "PB1012",
      hint: "Write it as several statements, or as a loop over an array.",
    });
  }
}

function withoutComments(
  typescript: typeof ts,
  given: ts.ScriptTarget | ts.CreateSourceFileOptions,
): ts.CreateSourceFileOptions {
  const options = typeof given === "object" ? given : { languageVersion: given };
  return { ...options, jsDocParsingMode: typescript.JSDocParsingMode.ParseNone };
}

/** Where the bundled library declarations seem to lie. */
const libraryFolder = "/pullback-typescript-library";
