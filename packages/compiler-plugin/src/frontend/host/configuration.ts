/** Compiler options: the nearest tsconfig's, with what differentiation needs set and what concerns emit unset. */
import { dirname } from "node:path";
import type ts from "typescript";
import type { TypeScript } from "./typescript.ts";

export interface Configuration {
  readonly options: ts.CompilerOptions;
  /** The configuration files that were read. */
  readonly files: readonly string[];
  /** What could not be read, as text. */
  readonly problems: readonly { file: string; message: string }[];
}

/** The export condition under which workspace packages offer their TypeScript. */
const sourceCondition = "@pullback/source";

export function readConfiguration(ts: TypeScript, projectFolder: string, tsconfig?: string): Configuration {
  const path = tsconfig ?? ts.findConfigFile(projectFolder, ts.sys.fileExists);
  const files: string[] = [];
  const problems: { file: string; message: string }[] = [];
  let options: ts.CompilerOptions = {};
  if (path !== undefined) {
    const readFile = (file: string) => {
      files.push(file);
      return ts.sys.readFile(file);
    };
    const { config, error } = ts.readConfigFile(path, readFile);
    const report = (d: ts.Diagnostic) =>
      problems.push({ file: path, message: ts.flattenDiagnosticMessageText(d.messageText, "\n") });
    if (error !== undefined) report(error);
    else {
      // Files are given by the caller: listing the project's own would read every folder.
      const host: ts.ParseConfigHost = { ...ts.sys, readFile, readDirectory: () => [] };
      const parsed = ts.parseJsonConfigFileContent(config, host, dirname(path), undefined, path);
      options = parsed.options;
      // 5083: a file that is extended cannot be read. Complaints about options are the type checker's business.
      for (const d of parsed.errors) if (d.code === 5083) report(d);
    }
  } else {
    options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, strict: true };
  }
  return { options: forCompilation(ts, options), files, problems };
}

function forCompilation(ts: TypeScript, options: ts.CompilerOptions): ts.CompilerOptions {
  const kind = ts.ModuleResolutionKind;
  const resolution = options.moduleResolution;
  const isNode = options.module !== undefined && options.module >= ts.ModuleKind.Node16 && options.module < 200;
  const modern = resolution === kind.Node16 || resolution === kind.NodeNext || resolution === kind.Bundler;
  const { rootDir: _rootDir, tsBuildInfoFile: _buildInfo, ...kept } = options;
  return {
    ...kept,
    ...(modern || isNode ? {} : { module: ts.ModuleKind.ESNext, moduleResolution: kind.Bundler }),
    customConditions: [...new Set([sourceCondition, ...(options.customConditions ?? [])])],
    allowImportingTsExtensions: true,
    noEmit: true,
    incremental: false,
    composite: false,
    declaration: false,
    skipLibCheck: true,
  };
}

export interface ProjectFiles {
  readonly files: readonly string[];
  readonly rootDir?: string;
  readonly outDir?: string;
}

/** The TypeScript files of a project, as its tsconfig lists them. */
export function listProject(ts: TypeScript, projectFolder: string, tsconfig?: string): ProjectFiles {
  const path = tsconfig ?? ts.findConfigFile(projectFolder, ts.sys.fileExists);
  const config: unknown = path === undefined ? {} : ts.readConfigFile(path, ts.sys.readFile).config;
  const parsed = ts.parseJsonConfigFileContent(
    config ?? {},
    ts.sys,
    path === undefined ? projectFolder : dirname(path),
    undefined,
    path,
  );
  const { rootDir, outDir } = parsed.options;
  return {
    files: parsed.fileNames.filter((file) => !file.endsWith(".d.ts")),
    ...(rootDir === undefined ? {} : { rootDir }),
    ...(outDir === undefined ? {} : { outDir }),
  };
}
