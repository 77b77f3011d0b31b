/** `pullback check --watch`: checks again whenever a source or a configuration file changes, until it is interrupted. */
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { PullbackError } from "@pullback/autodiff";
import { watch as watchFiles } from "chokidar";
import { type CheckOptions, type Examined, examine, report } from "./check.ts";

/** Editors write several files at once: changes within this time are one, in milliseconds. */
const settling = 40;

const passedOver = /[\\/](?:node_modules|dist|\.[^\\/]+)(?:[\\/]|$)/;
const relevant = /\.m?ts$|\.json$/;

/**
 * Prints the diagnostics now and after every change, with `json` one array per line each time. Resolves when `signal`
 * aborts.
 */
export async function watch(
  path: string | undefined,
  options: CheckOptions = {},
  signal?: AbortSignal,
): Promise<number> {
  let last: Examined | undefined;
  const say = (text: string) => {
    if (options.json !== true) process.stdout.write(text);
  };
  const run = () => {
    try {
      last = examine(path, last?.program);
      report(last, { ...options, compact: true });
    } catch (error) {
      // A folder without sources, a broken tsconfig: the next change may mend it.
      if (!(error instanceof PullbackError) || last === undefined) throw error;
      process.stderr.write(`${error.message}\n`);
    }
    say("Watching for changes; Ctrl-C ends.\n");
  };
  run();
  // The folders of all sources, those of other packages of the workspace included, for files that are added there.
  const folders = () => [...new Set((last?.program.inputs ?? []).filter(isOwn).map((file) => dirname(file)))];
  const watcher = watchFiles(folders(), {
    ignoreInitial: true,
    ignored: (file, stats) => passedOver.test(file) || (stats?.isFile() === true && !relevant.test(file)),
  });
  let timer: NodeJS.Timeout | undefined;
  watcher.on("all", (_event, file) => {
    if (!relevant.test(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      say(`\n${new Date().toLocaleTimeString()}\n`);
      run();
      watcher.add(folders());
    }, settling);
  });
  // What changed while the watcher was looking around has no event of its own.
  watcher.once("ready", () => {
    if (last?.program.files.some((file) => textOf(file) !== last?.program.text(file))) run();
  });
  await new Promise<void>((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
  clearTimeout(timer);
  await watcher.close();
  return last?.diagnostics.some(({ severity }) => severity === "error") ? 1 : 0;
}

function isOwn(file: string): boolean {
  return !passedOver.test(file);
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
