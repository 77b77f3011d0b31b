/** What a path on the command line stands for: a file, a folder, or a tsconfig. */
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { PullbackError } from "@pullback/autodiff";
import { typescriptFiles } from "../compile/index.ts";
import { projectFiles } from "../frontend/index.ts";

export interface Project {
  readonly folder: string;
  readonly tsconfig?: string;
  /** Source files, absolute, with forward slashes. */
  readonly files: readonly string[];
  /** As configured. */
  readonly rootDir?: string;
  readonly outDir?: string;
}

/** Throws PB9003 where there is nothing to read. */
export function openProject(path = "."): Project {
  const target = resolve(path);
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat === undefined) throw unreadable(`${target} does not exist.`);
  if (stat.isFile() && !target.endsWith(".json")) {
    return { folder: dirname(target), files: [target.replaceAll("\\", "/")] };
  }
  const tsconfig = stat.isFile() ? target : join(target, "tsconfig.json");
  const folder = dirname(tsconfig);
  if (!existsSync(tsconfig)) {
    // A package of a workspace: its sources are src/, and the workspace's configuration is found from there.
    const files = [...typescriptFiles(existsSync(join(folder, "src")) ? join(folder, "src") : folder)].sort();
    if (files.length === 0) throw unreadable(`${folder} has neither a tsconfig.json nor TypeScript files.`);
    return { folder, files };
  }
  const { files, rootDir, outDir } = projectFiles(folder, tsconfig);
  return {
    folder,
    tsconfig,
    files: files.filter((file) => /\.m?ts$/.test(file)),
    ...(rootDir === undefined ? {} : { rootDir }),
    ...(outDir === undefined ? {} : { outDir }),
  };
}

/** The project's own tsc, or undefined when TypeScript is not installed there. */
export function typescriptCompiler(folder: string): string | undefined {
  try {
    const manifest = createRequire(join(folder, "package.json")).resolve("typescript/package.json");
    return join(dirname(manifest), "bin", "tsc");
  } catch {
    return undefined;
  }
}

function unreadable(message: string): PullbackError {
  return new PullbackError(message, {
    code: "PB9003",
    hint: "Give a TypeScript file, a folder with sources, or a tsconfig.json.",
  });
}

/** The deepest folder that holds all files. */
export function commonFolder(files: readonly string[]): string {
  let common = dirname(files[0] ?? ".");
  for (const file of files) while (relative(common, file).startsWith("..")) common = dirname(common);
  return common;
}
