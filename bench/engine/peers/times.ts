/** Training steps timed in a process of their own: its result is one line of JSON. */
import { performance } from "node:perf_hooks";

/** Medians in milliseconds, processor time of all threads, and the loss of the last step. */
export interface Times {
  readonly wall: number;
  readonly processor: number;
  readonly loss: number;
}

/** A peer that needs seconds for a step has fewer rounds. */
const patience = 20_000;
const leastRounds = 3;
const warmUp = 2;

const median = (samples: readonly number[]): number => [...samples].sort((a, b) => a - b)[samples.length >> 1]!;

/** Times a step, whose loss it answers with, and prints the result. */
export async function printTimes(step: () => number | Promise<number>, rounds: number): Promise<void> {
  const [wall, processor]: [number[], number[]] = [[], []];
  let loss = 0;
  const begin = performance.now();
  for (let i = 0; i < warmUp + rounds; i++) {
    if (wall.length >= leastRounds && performance.now() - begin > patience) break;
    const used = process.cpuUsage();
    const start = performance.now();
    loss = await step();
    if (i < warmUp) continue;
    wall.push(performance.now() - start);
    const { user, system } = process.cpuUsage(used);
    processor.push((user + system) / 1e3);
  }
  console.log(JSON.stringify({ wall: median(wall), processor: median(processor), loss } satisfies Times));
}
