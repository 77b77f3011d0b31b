/**
 * What a worker runs, as text, so that no file has to be found wherever the library was bundled to. It shares the
 * engine's memory, compiles the modules that the pool names, and takes tasks until the pool closes.
 *
 * `control` (int32), see pool.ts: STATE packs the job's number and the next task, so that a worker that wakes late can
 * never take a task of a job that it has not read.
 */
export const control = {
  state: 0,
  ready: 1,
  done: 2,
  count: 3,
  failed: 4,
  module: 5,
  function: 6,
  parameters: 7,
  closed: 8,
  moduleBytes: 9,
  /** Tasks that workers have done, ever. */
  helped: 10,
  /** Bytes of scratch memory of one thread, where the last parameter is where that of all begins; else 0. */
  own: 11,
  /** Workers that have ended, and those among them that had a task. */
  gone: 12,
  lost: 13,
  /** From here on one word per worker: whether it is about to take a task, or has one. */
  busy: 16,
} as const;

/** Tasks of a job at most, and parameters of each. */
export const mostTasks = 255;
export const mostParameters = 16;
export const controlInts = 80;
/** Parameters are doubles, which hold addresses, counts and fractions alike; they follow the control words. */
export const parameterBytes = mostTasks * mostParameters * 8;
/** Room for the code of one module. */
export const moduleRoom = 1 << 17;

/**
 * Rounds of the loop that looks for work before a worker goes to sleep: one or two milliseconds, which is longer than a
 * training step spends between two operations worth dividing. Waking a worker takes the caller up to 0.1 ms.
 */
const spins = 50_000;

const work = `
function work({ memory, shared, index }) {
  const control = new Int32Array(shared, 0, ${controlInts});
  const parameters = new Float64Array(shared, ${controlInts * 4}, ${mostTasks * mostParameters});
  const code = new Uint8Array(shared, ${controlInts * 4 + parameterBytes});
  const instances = new Map();
  const thread = 1 + Atomics.add(control, ${control.ready}, 1);
  Atomics.notify(control, ${control.ready});
  let seen = 0;
  for (;;) {
    let state = Atomics.load(control, ${control.state});
    for (let i = 0; i < ${spins} && state >>> 8 === seen; i++) state = Atomics.load(control, ${control.state});
    while (state >>> 8 === seen) {
      Atomics.wait(control, ${control.state}, state);
      state = Atomics.load(control, ${control.state});
    }
    if (Atomics.load(control, ${control.closed}) !== 0) break;
    seen = state >>> 8;
    Atomics.store(control, ${control.busy} + index, 1);
    while (state >>> 8 === seen) {
      const task = state & 255;
      if (task >= Atomics.load(control, ${control.count})) break;
      const before = Atomics.compareExchange(control, ${control.state}, state, state + 1);
      if (before !== state) {
        state = before;
        continue;
      }
      try {
        const id = control[${control.module}];
        let instance = instances.get(id);
        if (instance === undefined) {
          const module = new WebAssembly.Module(code.slice(0, control[${control.moduleBytes}]));
          instance = Object.values(new WebAssembly.Instance(module, { env: { memory } }).exports);
          instances.set(id, instance);
        }
        const at = task * ${mostParameters};
        const values = parameters.slice(at, at + control[${control.parameters}]);
        values[values.length - 1] += thread * control[${control.own}];
        instance[control[${control.function}]](...values);
      } catch {
        Atomics.store(control, ${control.failed}, 1);
      }
      Atomics.add(control, ${control.helped}, 1);
      Atomics.add(control, ${control.done}, 1);
      Atomics.notify(control, ${control.done});
      state = Atomics.load(control, ${control.state});
    }
    Atomics.store(control, ${control.busy} + index, 0);
  }
}
`;

/** For a worker of Node, which is given the memories as its data. */
export const nodeSource = `${work}work(require("node:worker_threads").workerData);`;

/**
 * For the thread that starts Node's workers and waits for their end, since the thread that asks for operations sleeps
 * while they run and would not hear of it.
 */
export const watchSource = `
const { Worker, workerData } = require("node:worker_threads");
const { memory, shared, count, source } = workerData;
const control = new Int32Array(shared, 0, ${controlInts});
for (let index = 0; index < count; index++) {
  const worker = new Worker(source, { eval: true, workerData: { memory, shared, index }, execArgv: [], stdin: false });
  worker.on("error", () => {});
  worker.on("exit", () => {
    if (Atomics.exchange(control, ${control.busy} + index, 0) !== 0) Atomics.add(control, ${control.lost}, 1);
    Atomics.add(control, ${control.gone}, 1);
    Atomics.notify(control, ${control.done});
  });
}
`;

/** For a worker of a browser, which is sent the memories in its first and only message. */
export const browserSource = `${work}onmessage = ({ data }) => work(data);`;
