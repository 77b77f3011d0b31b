/** Workers and their number on this platform. Node only: elsewhere everything runs on the thread that asks. */

interface NodeWorker {
  unref(): void;
  terminate(): Promise<unknown>;
  on(event: "error", listener: (error: unknown) => void): void;
}

interface NodeModules {
  readonly env: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(name: "node:worker_threads"): {
    Worker: new (source: string, options: object) => NodeWorker;
  };
  getBuiltinModule?(name: "node:os"): { availableParallelism(): number };
}

const node = (): NodeModules | undefined => (globalThis as { process?: NodeModules }).process;

/** More share the memory's bandwidth without a gain. */
const mostThreads = 8;

/**
 * Threads that an operation may use, the caller's included: the machine's, or PULLBACK_THREADS. Two at most under jest,
 * which runs test files side by side.
 */
export function availableThreads(): number {
  const platform = node();
  const os = platform?.getBuiltinModule?.("node:os");
  if (platform === undefined || os === undefined || typeof SharedArrayBuffer === "undefined") return 1;
  const wanted = Number(platform.env.PULLBACK_THREADS);
  if (wanted >= 1) return Math.min(Math.floor(wanted), 64);
  const most = platform.env.JEST_WORKER_ID === undefined ? mostThreads : 2;
  return Math.min(os.availableParallelism(), most);
}

/** Starts a worker that keeps no process alive; undefined where the platform refuses. */
export function startWorker(source: string, workerData: object): NodeWorker | undefined {
  const threads = node()?.getBuiltinModule?.("node:worker_threads");
  if (threads === undefined) return undefined;
  try {
    // Without arguments of its own it would inherit the compiler's hook.
    const worker = new threads.Worker(source, { eval: true, workerData, execArgv: [], stdin: false });
    worker.unref();
    // A worker that cannot start or dies is noticed by the pool, which waits for its tasks.
    worker.on("error", () => {});
    return worker;
  } catch {
    return undefined;
  }
}
