/** Runs in a process of its own: measures one contender's bundle and prints what it found as JSON. */
import { type FineTune, lossOf, problem } from "./problem.ts";

export interface Measured {
  /** Microseconds of processor time per step, one entry per run of all steps. */
  readonly microseconds: readonly number[];
  /** Bytes on the JavaScript heap after the runs, garbage collected. */
  readonly heap: number;
  /** Milliseconds of the first run, in a process that has just loaded the bundle. */
  readonly first: number;
  /** The resident set of the process, in bytes. */
  readonly resident: number;
  readonly loss: number;
}

const [, , path, steps, seconds] = process.argv as [string, string, string, string, string | undefined];
const { fineTune } = (await import(path)) as { fineTune: FineTune };
const collect = (globalThis as { gc?: () => void }).gc!;

async function measure(count: number, milliseconds: number): Promise<Measured> {
  const begin = performance.now();
  const found = await fineTune(problem, count);
  const first = performance.now() - begin;
  const microseconds: number[] = [];
  for (const end = performance.now() + milliseconds; performance.now() < end || microseconds.length < 3; ) {
    const start = process.cpuUsage();
    await fineTune(problem, count);
    const { user, system } = process.cpuUsage(start);
    microseconds.push((user + system) / count);
  }
  collect();
  const heap = process.memoryUsage().heapUsed;
  return { microseconds, heap, first, resident: process.memoryUsage().rss, loss: lossOf(found) };
}

/** Bytes that one step allocates, where the young generation is so large that nothing is collected meanwhile. */
async function allocation(): Promise<number> {
  const [few, more] = [20, 120];
  const by = async (count: number) => {
    collect();
    const before = process.memoryUsage().heapUsed;
    await fineTune(problem, count);
    return process.memoryUsage().heapUsed - before;
  };
  await by(few);
  const base = await by(few);
  return ((await by(more)) - base) / (more - few);
}

console.log(
  JSON.stringify(seconds === undefined ? await allocation() : await measure(Number(steps), 1000 * Number(seconds))),
);
