/** Small projects in temporary folders, with this workspace's packages installed, for tests in child processes. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const workspace = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

const tools = ["typescript", "jest", "@jest", "@types", "expect"];
const bundlers = ["vite", "rollup", "rolldown", "esbuild", "webpack"];

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class TemporaryProject {
  readonly folder: string;

  constructor(files: Readonly<Record<string, string>>) {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), "pullback-project-")));
    mkdirSync(join(this.folder, "node_modules", "@pullback"), { recursive: true });
    for (const name of ["autodiff", "compiler-plugin", "core", "nn"]) {
      symlinkSync(join(workspace, "packages", name), join(this.folder, "node_modules", "@pullback", name), "dir");
    }
    for (const name of [...tools, ...bundlers]) {
      symlinkSync(join(workspace, "node_modules", name), join(this.folder, "node_modules", name), "dir");
    }
    this.write({ "package.json": '{ "name": "project", "type": "module" }', ...files });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
  }

  /** Runs the `pullback` command in the project. */
  pullback(...args: string[]): Outcome {
    return this.node(...this.command(...args));
  }

  /** What Node is started with for the `pullback` command. */
  command(...args: string[]): string[] {
    return [join(workspace, "packages", "pullback", "bin", "pullback.js"), ...args];
  }

  /** Runs Node with the hook registered. */
  hooked(...args: string[]): Outcome {
    const register = join(workspace, "packages", "compiler-plugin", "dist", "hosts", "register.js");
    return this.node("--import", pathToFileURL(register).href, ...args);
  }

  /** Runs Node in the project. */
  node(...args: string[]): Outcome {
    // Node warns of both variables being set; FORCE_COLOR comes from jest.
    const { FORCE_COLOR: _color, NODE_OPTIONS: _options, JEST_WORKER_ID: _worker, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: this.folder, env, encoding: "utf8" });
    // Said or not, depending on how busy the machine is.
    return { status, stdout, stderr: stderr.replace(/^pullback: compiling.*\n/gm, "") };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
