/** `pullback run file.ts`: a fresh Node with the hook registered, so that workers and Node's own options work as ever. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Compiling makes much that does not live long; with V8's default it is copied again and again. Results do not depend on it. */
const roomForTheYoung = "--max-semi-space-size=64";

export interface RunOptions {
  /** Options for Node itself, such as `--max-old-space-size=8192`. */
  readonly nodeOptions?: readonly string[];
}

/** Runs the file with the arguments given; gives the exit status. */
export function run(file: string, programArguments: readonly string[] = [], options: RunOptions = {}): Promise<number> {
  const register = new URL("../hosts/register.js", import.meta.url).href;
  const entry = fileURLToPath(new URL("../hosts/run-entry.js", import.meta.url));
  const child = spawn(
    process.execPath,
    [roomForTheYoung, ...(options.nodeOptions ?? []), "--import", register, entry, file, ...programArguments],
    { stdio: "inherit" },
  );
  // A terminal sends Ctrl-C to both: the program decides what it means, and this process only reports the outcome.
  const leave = () => {};
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGINT", leave);
  process.on("SIGTERM", passOn);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (status, signal) => {
      process.off("SIGINT", leave);
      process.off("SIGTERM", passOn);
      resolve(status ?? 128 + (signal === null ? 0 : (signalNumbers[signal] ?? 0)));
    });
  });
}

/** Shells report a program that a signal ended as 128 plus its number. */
const signalNumbers: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};
