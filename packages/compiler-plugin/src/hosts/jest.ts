/**
 * The jest transformer. All files of the project form one program per worker; the compiled form of a file is part of
 * its cache key, so a change in a callee's file, or in who asks for which derivative, is a new key.
 */
import { CompileError, hash, Session, terminalProgress, typescriptFiles, type Unit } from "../compile/index.ts";
import { compiler } from "./compiler.ts";

/** What is used of jest's own options. */
interface TransformOptions {
  readonly config: { readonly rootDir: string; readonly roots: readonly string[]; readonly id?: string };
  readonly configString: string;
  readonly instrument: boolean;
  readonly supportsStaticESM: boolean;
}

const sessions = new Map<string, Session>();

function sessionOf({ config }: TransformOptions): Session {
  let session = sessions.get(config.rootDir);
  if (session === undefined) {
    const rootFiles = config.roots.flatMap((root) => [...typescriptFiles(root)]).sort();
    session = new Session({ projectFolder: config.rootDir, rootFiles, progress: terminalProgress }, compiler);
    sessions.set(config.rootDir, session);
  }
  return session;
}

function unit(source: string, path: string, options: TransformOptions): Unit {
  const file = path.replaceAll("\\", "/");
  if (file.includes("/node_modules/")) return compiler.stripTypes(source, file);
  return sessionOf(options).unit(file);
}

const transformer = {
  getCacheKey(source: string, path: string, options: TransformOptions): string {
    const host = [path, options.configString, String(options.instrument)];
    try {
      const { code, map } = unit(source, path, options);
      return hash("code", code, map, ...host);
    } catch (error) {
      return hash("error", error instanceof Error ? error.message : String(error), ...host);
    }
  },
  process(source: string, path: string, options: TransformOptions): { code: string; map: string } {
    try {
      return unit(source, path, options);
    } catch (error) {
      // Jest prints the stack and nothing else.
      if (error instanceof CompileError) error.stack = error.message;
      throw error;
    }
  },
};

/** Jest asks for a transformer once per test file: the moment to look whether sources have changed (watch mode). */
export function createTransformer(): typeof transformer {
  for (const session of sessions.values()) session.revalidate();
  return transformer;
}

export default { createTransformer };
