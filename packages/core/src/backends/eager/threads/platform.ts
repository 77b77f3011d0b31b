/**
 * Workers and their number on this platform: Node's, a browser's where the page is isolated from other origins, none
 * elsewhere, where everything runs on the thread that asks.
 */
import { browserSource, nodeSource, watchSource } from "./worker-source.ts";

/** A started worker. */
export interface Helper {
  terminate(): unknown;
}

interface NodeWorker extends Helper {
  unref(): void;
  on(event: "error", listener: (error: unknown) => void): void;
}

interface NodeModules {
  readonly env: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(name: "node:worker_threads"): {
    Worker: new (source: string, options: object) => NodeWorker;
  };
  getBuiltinModule?(name: "node:os"): { availableParallelism(): number };
}

const node = (): NodeModules | undefined => {
  const platform = (globalThis as { process?: NodeModules }).process;
  return platform?.getBuiltinModule === undefined ? undefined : platform;
};

/** More share the memory's bandwidth without a gain. */
const mostThreads = 8;

let said = false;

/** Says something about threads, the first time only. */
export function sayOnce(text: string): void {
  if (said) return;
  said = true;
  console.warn(`pullback: ${text}`);
}

/**
 * Threads that an operation may use, the caller's included: the machine's, or PULLBACK_THREADS. Two at most under jest,
 * which runs test files side by side.
 */
export function availableThreads(): number {
  if (typeof SharedArrayBuffer === "undefined") return 1;
  const platform = node();
  if (platform === undefined) return typeof Worker === "undefined" ? 1 : Math.min(browserCores(), mostThreads);
  const os = platform.getBuiltinModule?.("node:os");
  if (os === undefined) return 1;
  const wanted = Number(platform.env.PULLBACK_THREADS);
  if (wanted >= 1) return Math.min(Math.floor(wanted), 64);
  const most = platform.env.JEST_WORKER_ID === undefined ? mostThreads : 2;
  return Math.min(os.availableParallelism(), most);
}

const browserCores = (): number => globalThis.navigator?.hardwareConcurrency ?? 1;

/** What workers share with the pool. */
export interface Shared {
  readonly memory: WebAssembly.Memory;
  readonly shared: SharedArrayBuffer;
}

/**
 * Starts workers over the engine's memory that keep no process alive: in Node through a thread that watches them, in
 * browsers directly. Empty where the platform refuses.
 */
export function startWorkers(data: Shared, count: number, source = nodeSource): readonly Helper[] {
  const page = node() === undefined;
  try {
    if (page) return Array.from({ length: count }, (_, index) => inBrowser({ ...data, index }));
    return inNode({ ...data, count, source });
  } catch {
    if (page) sayRefused();
    return [];
  }
}

const sayRefused = (): void =>
  sayOnce(
    "everything runs on one thread, for this page may not start workers from blobs. Where it has a " +
      "Content-Security-Policy, add blob: to its worker-src.",
  );

function inNode(workerData: object): readonly Helper[] {
  const threads = node()?.getBuiltinModule?.("node:worker_threads");
  if (threads === undefined) return [];
  // Without arguments of its own it would inherit the compiler's hook.
  const worker = new threads.Worker(watchSource, { eval: true, workerData, execArgv: [], stdin: false });
  worker.unref();
  // Where nothing can be started, the pool runs every task itself.
  worker.on("error", () => {});
  return [worker];
}

/** The address of the worker's text, made once: no file has to be found beside the bundle. */
let address: string | undefined;

function inBrowser(data: object): Helper {
  address ??= URL.createObjectURL(new Blob([browserSource], { type: "text/javascript" }));
  const worker = new Worker(address);
  worker.onerror = (event) => {
    event.preventDefault();
    sayRefused();
  };
  worker.postMessage(data);
  return worker;
}

let sleeps: boolean | undefined;

/** Whether this thread may sleep: the main thread of a page may not. */
export function maySleep(): boolean {
  if (sleeps === undefined)
    try {
      // Returns at once, for the value is another.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
      sleeps = true;
    } catch {
      sleeps = false;
    }
  return sleeps;
}
