/** The session of a bundler: the project's files are one program, opened when the first of them is asked for. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Diagnostic, Session, terminalProgress, typescriptFiles, type Unit } from "../../compile/index.ts";
import { projectFiles } from "../../frontend/index.ts";
import { compiler } from "../compiler.ts";

type Warn = (warning: Diagnostic, text: (file: string) => string) => void;

export class ProjectSession {
  root: string;
  readonly #tsconfig: string | undefined;
  #session: Session | undefined;
  #warn: Warn | undefined;

  constructor({ root = process.cwd(), tsconfig }: { readonly root?: string; readonly tsconfig?: string }) {
    this.root = resolve(root);
    this.#tsconfig = tsconfig;
  }

  /** Compiles a file; throws CompileError. */
  unit(file: string, warn: Warn): Unit {
    this.#warn = warn;
    return this.#open().unit(file);
  }

  /** Source files of the program. */
  sources(): readonly string[] {
    return this.#open().sources();
  }

  text(file: string): string {
    return readFileSync(file, "utf8");
  }

  /** Looks whether sources have changed; gives the files whose compiled form is another than before. */
  refresh(): readonly string[] {
    return this.#session?.refresh() ?? [];
  }

  #open(): Session {
    if (this.#session === undefined) {
      const tsconfig = this.#tsconfig === undefined ? join(this.root, "tsconfig.json") : resolve(this.#tsconfig);
      const configured = existsSync(tsconfig);
      const rootFiles = configured ? projectFiles(this.root, tsconfig).files : [...typescriptFiles(this.root)].sort();
      this.#session = new Session(
        {
          projectFolder: this.root,
          rootFiles: rootFiles.filter((file) => /\.m?ts$/.test(file)),
          ...(configured ? { tsconfig } : {}),
          progress: terminalProgress,
          warn: (warning, text) => this.#warn?.(warning, text),
        },
        compiler,
      );
    }
    return this.#session;
  }
}
