/**
 * A pool of workers over the engine's shared memory. A job is one function of one module and a list of parameters for
 * each task; the calling thread takes tasks too, and then waits, spinning first, for those that workers took. So a job
 * is right with any number of workers, none included: while they start, and on one core, it simply runs here.
 */
import { BackendError } from "../../../errors.ts";
import { isShared, type SharedModule } from "../wasm/index.ts";
import { availableThreads, type Helper, maySleep, type Shared, sayOnce, startWorkers } from "./platform.ts";
import { shares } from "./shares.ts";
import { control, controlInts, moduleRoom, mostParameters, mostTasks, parameterBytes } from "./worker-source.ts";

type Parameters = readonly number[];
export interface PoolOptions {
  readonly threads?: number;
  /** Milliseconds without progress after which a worker counts as dead (default 30,000; no task takes as long). */
  readonly patience?: number;
}

/** Rounds of the barrier before it sleeps. */
const spins = 10_000;

interface Crew {
  readonly control: Int32Array;
  readonly parameters: Float64Array;
  readonly code: Uint8Array;
  readonly workers: readonly Helper[];
  job: number;
  module: number;
}

/** What threads have done for an engine. */
export interface ThreadStats {
  /** Threads that an operation may use, the caller's included: 1 where no memory can be shared. */
  readonly threads: number;
  /** Workers that are running; they start with the first large operation, and a browser needs a moment for it. */
  readonly workers: number;
  /** Shares of operations that workers have computed since they started. */
  readonly shares: number;
}

/** Says once, when work comes that threads could share, that this platform has no memory to share. */
function sayWhyAlone(): void {
  if (typeof SharedArrayBuffer === "undefined")
    sayOnce(
      "everything runs on one thread, for there is no SharedArrayBuffer. In a browser, serve the page with " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.",
    );
}

export class ThreadPool {
  /** Threads that a job is worth dividing for. */
  readonly threads: number;
  private readonly memory: WebAssembly.Memory;
  private readonly patience: number;
  private readonly startWorkers: (data: Shared, count: number) => readonly Helper[];
  private crew: Crew | undefined;

  constructor(memory: WebAssembly.Memory, options: PoolOptions = {}, start: ThreadPool["startWorkers"] = startWorkers) {
    this.memory = memory;
    this.startWorkers = start;
    this.threads = isShared(memory) ? (options.threads ?? availableThreads()) : 1;
    this.patience = options.patience ?? 30_000;
  }

  /**
   * Runs the function for each task, in any order. With `own`, the last parameter is the address of scratch memory, of
   * which each of `threads` threads has so many bytes. @throws BackendError when a task failed or its worker died.
   */
  run(module: SharedModule, name: string, tasks: readonly Parameters[], own = 0): void {
    const kernel = module.functions[name];
    if (this.threads === 1 || tasks.length < 2 || module.bytes.length > moduleRoom) {
      for (const task of tasks) kernel(...task);
      return;
    }
    if (tasks.length > mostTasks) {
      for (let i = 0; i < tasks.length; i += mostTasks) this.run(module, name, tasks.slice(i, i + mostTasks), own);
      return;
    }
    const crew = this.standingCrew();
    this.publish(crew, module, name, tasks, own);
    const shared = crew.control;
    const base = crew.job << 8;
    let state = Atomics.load(shared, control.state);
    let failure: unknown;
    while ((state & 255) < tasks.length) {
      const before = Atomics.compareExchange(shared, control.state, state, state + 1);
      if (before === state) {
        try {
          kernel(...(tasks[state & 255] as Parameters));
        } catch (error) {
          failure ??= error;
        }
        Atomics.add(shared, control.done, 1);
        state = Atomics.load(shared, control.state);
      } else state = before;
    }
    this.join(crew, tasks.length);
    // Nobody may take a task of the next job before it is written down.
    Atomics.store(shared, control.state, base | 255);
    if (failure !== undefined) throw failure;
    if (Atomics.load(shared, control.failed) !== 0)
      throw new BackendError(`eager: a worker failed in the kernel "${name}".`);
  }

  /**
   * Runs the function for `count` units in shares that are multiples of `step`, side by side where a share has at least
   * `least` units. `parametersOf` gives the parameters of the units from `start`; `own` as in `run`.
   */
  divide(
    module: SharedModule,
    name: string,
    count: number,
    step: number,
    least: number,
    parametersOf: (start: number, size: number) => Parameters,
    own = 0,
  ): void {
    if (this.threads === 1 && count >= 2 * least) sayWhyAlone();
    const parts = shares(count, this.threads, step, least);
    this.run(
      module,
      name,
      parts.map(({ start, size }) => parametersOf(start, size)),
      own,
    );
  }

  stats(): ThreadStats {
    const { crew, threads } = this;
    if (crew === undefined) return { threads, workers: 0, shares: 0 };
    const read = (word: number): number => Atomics.load(crew.control, word);
    return { threads, workers: read(control.ready), shares: read(control.helped) };
  }

  /** Ends the workers. The next job starts new ones. */
  close(): Promise<unknown> {
    const { crew } = this;
    this.crew = undefined;
    if (crew === undefined) return Promise.resolve();
    Atomics.store(crew.control, control.closed, 1);
    Atomics.add(crew.control, control.state, 256);
    Atomics.notify(crew.control, control.state);
    return Promise.all(crew.workers.map((worker) => worker.terminate()));
  }

  /** The crew, a new one where a worker has ended since. */
  private standingCrew(): Crew {
    if (this.crew !== undefined && Atomics.load(this.crew.control, control.gone) > 0) void this.close();
    this.crew ??= this.start();
    return this.crew;
  }

  private start(): Crew {
    const shared = new SharedArrayBuffer(controlInts * 4 + parameterBytes + moduleRoom);
    const crew: Crew = {
      control: new Int32Array(shared, 0, controlInts),
      parameters: new Float64Array(shared, controlInts * 4, mostTasks * mostParameters),
      code: new Uint8Array(shared, controlInts * 4 + parameterBytes),
      workers: this.startWorkers({ memory: this.memory, shared }, this.threads - 1),
      job: 0,
      module: -1,
    };
    return crew;
  }

  private publish(crew: Crew, module: SharedModule, name: string, tasks: readonly Parameters[], own: number): void {
    const shared = crew.control;
    if (crew.module !== module.id) {
      crew.code.set(module.bytes);
      shared[control.module] = module.id;
      shared[control.moduleBytes] = module.bytes.length;
      crew.module = module.id;
    }
    shared[control.function] = Object.keys(module.functions).indexOf(name);
    shared[control.parameters] = (tasks[0] as Parameters).length;
    shared[control.own] = own;
    tasks.forEach((task, t) => {
      for (let i = 0; i < task.length; i++) crew.parameters[t * mostParameters + i] = task[i] as number;
    });
    Atomics.store(shared, control.failed, 0);
    Atomics.store(shared, control.done, 0);
    Atomics.store(shared, control.count, tasks.length);
    // 23 bits, never 0, so that the number fits beside the task and a fresh worker sees it as new.
    crew.job = (crew.job % 0x7ffffe) + 1;
    Atomics.store(shared, control.state, crew.job << 8);
    Atomics.notify(shared, control.state);
  }

  /**
   * Waits until all tasks are done, asleep where this thread may sleep. Where a worker has ended with a task in hand, or
   * makes no progress for too long, the whole crew is given up.
   */
  private join(crew: Crew, count: number): void {
    const shared = crew.control;
    for (let i = 0; i < spins; i++) if (Atomics.load(shared, control.done) === count) return;
    let done = Atomics.load(shared, control.done);
    let since = performance.now();
    while (done !== count) {
      const isLost = Atomics.load(shared, control.lost) > 0;
      if (isLost) this.settle(crew, crew.job << 8);
      else if (maySleep()) Atomics.wait(shared, control.done, done, Math.min(this.patience, 50));
      else for (let i = 0; i < spins && Atomics.load(shared, control.done) === done; i++);
      const now = Atomics.load(shared, control.done);
      if (now !== done && !isLost) since = performance.now();
      else if (isLost || performance.now() - since > this.patience) {
        void this.close();
        throw new BackendError("eager: a worker died while it computed; its result is lost.", {
          hint: "Run the operation again: the pool has been rebuilt.",
        });
      }
      done = now;
    }
  }

  /** Waits until the workers that are left have nothing in hand: they must not write into memory that is used again. */
  private settle({ control: shared }: Crew, base: number): void {
    Atomics.store(shared, control.state, base | 255);
    const isBusy = () => shared.subarray(control.busy, control.busy + this.threads - 1).some((word) => word !== 0);
    for (const since = performance.now(); isBusy() && performance.now() - since < this.patience; )
      if (maySleep()) Atomics.wait(shared, control.failed, Atomics.load(shared, control.failed), 1);
  }
}
