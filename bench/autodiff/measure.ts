/**
 * Interleaved timing: every round times each contender once, so that a drifting machine shifts all of them alike. Times
 * are processor time of the process, collector and compiler threads included: what else the machine runs counts less.
 */

export interface Contender {
  readonly name: string;
  readonly run: (call: number) => unknown;
}

export type Quartiles = readonly [first: number, median: number, third: number];

export interface Timings {
  /** Microseconds per call over all rounds. */
  microseconds(name: string): Quartiles;
  /** How many times the time of `below` a contender takes, round by round. */
  ratio(name: string, below: string): Quartiles;
}

const usualRounds = 31;
/** Each timing repeats its call for about this many seconds. */
const slice = 0.01;
/** Before anything is timed each contender runs this many seconds in all, turn by turn, so that the engine has compiled it. */
const warmUp = 0.4;
const turns = 8;
/** A contender that needs more seconds than this for one call gets fewer rounds. */
const slow = 0.2;
const fewRounds = 5;

/** Results go here so that no engine may prove them unused. */
export const sink: { value: unknown } = { value: undefined };

function secondsFor(run: (call: number) => unknown, calls: number): number {
  const start = process.cpuUsage();
  for (let i = 0; i < calls; i++) sink.value = run(i);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

function quartiles(values: readonly number[]): Quartiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
  return [at(0.25), at(0.5), at(0.75)];
}

function warm(contenders: readonly Contender[]): void {
  for (let turn = 0; turn < turns; turn++) {
    for (const { run } of contenders) {
      for (let seconds = 0; seconds < warmUp / turns; ) seconds += secondsFor(run, 1);
    }
  }
}

export function measure(contenders: readonly Contender[]): Timings {
  warm(contenders);
  let rounds = usualRounds;
  const calls = contenders.map(({ run }) => {
    let n = 1;
    for (let seconds = secondsFor(run, n); seconds < slice; seconds = secondsFor(run, n)) n *= 2;
    if (n === 1 && secondsFor(run, 1) > slow) rounds = fewRounds;
    return n;
  });
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    contenders.forEach(({ name, run }, i) => {
      times.get(name)?.push(secondsFor(run, calls[i] as number) / (calls[i] as number));
    });
  }
  const of = (name: string) => times.get(name) as number[];
  return {
    microseconds: (name) => quartiles(of(name).map((t) => t * 1e6)),
    ratio: (name, below) => quartiles(of(name).map((t, round) => t / (of(below)[round] as number))),
  };
}
