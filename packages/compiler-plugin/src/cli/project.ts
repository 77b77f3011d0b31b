/** What a path on the command line stands for: a file, a folder, or a tsconfig. */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { PullbackError } from "@pullback/autodiff";
import { typescriptFiles } from "../compile/index.ts";

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
  return configured(folder, tsconfig);
}

/** The files and folders of a tsconfig, as the project's own tsc reads it; every file in the folder without one. */
function configured(folder: string, tsconfig: string): Project {
  const tsc = typescriptCompiler(folder);
  if (tsc === undefined) return { folder, tsconfig, files: [...typescriptFiles(folder)].sort() };
  const { status, stdout } = spawnSync(process.execPath, [tsc, "--showConfig", "-p", tsconfig], { encoding: "utf8" });
  if (status !== 0) throw unreadable(`${tsconfig} cannot be read: ${stdout.trim()}`);
  const config = JSON.parse(stdout) as { files?: string[]; compilerOptions?: { rootDir?: string; outDir?: string } };
  const files = (config.files ?? []).map((file) => join(folder, file).replaceAll("\\", "/"));
  const { rootDir, outDir } = config.compilerOptions ?? {};
  return {
    folder,
    tsconfig,
    files: files.filter((file) => /\.m?ts$/.test(file) && !/\.d\.m?ts$/.test(file)),
    ...(rootDir === undefined ? {} : { rootDir: resolve(folder, rootDir) }),
    ...(outDir === undefined ? {} : { outDir: resolve(folder, outDir) }),
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
