/** Interleaved timing: every round times each contender once, so that a drifting machine shifts all of them alike. */

export interface Contender {
  readonly name: string;
  readonly run: (call: number) => unknown;
}

export interface Summary {
  readonly name: string;
  /** Median microseconds per call over all rounds. */
  readonly microseconds: number;
  /** Per-round ratio to the first contender: first quartile, median, third quartile. */
  readonly ratio: readonly [number, number, number];
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

/** Results go here so that no engine may prove them unused. */
export const sink: { value: unknown } = { value: undefined };

function secondsFor(run: (call: number) => unknown, calls: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) sink.value = run(i);
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/** Times the contenders over `rounds` interleaved rounds; each timing repeats its call for about `slice` seconds. */
export function measure(contenders: readonly Contender[], rounds = 31, slice = 0.02): Summary[] {
  const calls = contenders.map(({ run }) => {
    let n = 1;
    while (secondsFor(run, n) < slice) n *= 2;
    return n;
  });
  const times: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    contenders.forEach(({ run }, i) => {
      times[i].push(secondsFor(run, calls[i]) / calls[i]);
    });
  }
  return contenders.map(({ name }, i) => {
    const ratios = times[i].map((t, round) => t / times[0][round]).sort((a, b) => a - b);
    const sorted = [...times[i]].sort((a, b) => a - b);
    return {
      name,
      microseconds: quantile(sorted, 0.5) * 1e6,
      ratio: [quantile(ratios, 0.25), quantile(ratios, 0.5), quantile(ratios, 0.75)],
    };
  });
}
