/** Runs in a process of its own: measures one contender's bundle and prints what it found as JSON. */
import { type FineTune, lossOf, problem } from "./problem.ts";

export interface Measured {
  /** Microseconds of processor time per step, one entry per sample. */
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
  const timed = async (runs: number) => {
    const start = process.cpuUsage();
    for (let i = 0; i < runs; i++) await fineTune(problem, count);
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
  // As many runs to a sample as the clock of the processor time needs.
  let runs = 1;
  while ((await timed(runs)) < 40_000) runs *= 2;
  const microseconds: number[] = [];
  for (const end = performance.now() + milliseconds; performance.now() < end || microseconds.length < 5; ) {
    microseconds.push((await timed(runs)) / (runs * count));
  }
  collect();
  const heap = process.memoryUsage().heapUsed;
  return { microseconds, heap, first, resident: process.memoryUsage().rss, loss: lossOf(found) };
}

/** Bytes that one step allocates, where the young generation is so large that nothing is collected meanwhile. */
async function allocation(): Promise<number> {
  const by = async (count: number) => {
    collect();
    const before = process.memoryUsage().heapUsed;
    await fineTune(problem, count);
    return process.memoryUsage().heapUsed - before;
  };
  const perStep = async (few: number, more: number) => ((await by(more)) - (await by(few))) / (more - few);
  await by(100);
  const roughly = await perStep(20, 120);
  // Small amounts need many steps to stand out from what the collector moves.
  return roughly > 10_240 ? roughly : await perStep(1000, 11_000);
}

console.log(
  JSON.stringify(seconds === undefined ? await allocation() : await measure(Number(steps), 1000 * Number(seconds))),
);
