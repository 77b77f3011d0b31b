/** Finds the TypeScript API to compile with: the project's own 5.9 or 6, else the one that ts-morph bundles. */
import { createRequire } from "node:module";
import { join } from "node:path";
import type ts from "typescript";

export type TypeScript = typeof ts;

export interface LoadedTypeScript {
  readonly ts: TypeScript;
  /** Library declarations by file name, where they are not files beside the API. */
  readonly libraries?: ReadonlyMap<string, string>;
}

const loaded = new Map<string, LoadedTypeScript>();

/** Loads the API on first use: it is the most expensive import of the compiler. */
export function loadTypeScript(projectFolder: string): LoadedTypeScript {
  let found = loaded.get(projectFolder);
  if (found === undefined) {
    found = projectTypeScript(projectFolder) ?? bundledTypeScript();
    loaded.set(projectFolder, found);
  }
  return found;
}

/** 5.9 and 6 have the API; 7 exports a version string and nothing else. */
function projectTypeScript(projectFolder: string): LoadedTypeScript | undefined {
  for (const base of [join(projectFolder, "package.json"), import.meta.url]) {
    try {
      const require = createRequire(base);
      const { version } = require("typescript/package.json") as { version: string };
      const [major = 0, minor = 0] = version.split(".").map(Number);
      if (major === 6 || (major === 5 && minor >= 9)) return { ts: require("typescript") as TypeScript };
    } catch {
      // Not installed there: try the next place.
    }
  }
  return undefined;
}

interface TsMorphCommon {
  readonly ts: TypeScript;
  readonly getLibFiles: () => readonly { fileName: string; text: string }[];
}

function bundledTypeScript(): LoadedTypeScript {
  const require = createRequire(import.meta.url);
  const common = createRequire(require.resolve("ts-morph"))("@ts-morph/common") as TsMorphCommon;
  return { ts: common.ts, libraries: new Map(common.getLibFiles().map(({ fileName, text }) => [fileName, text])) };
}
