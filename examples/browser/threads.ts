/**
 * Work that is large enough for several threads, on the eager and the lazy backend: what it gives, to the bit, before
 * workers have started and afterwards, and what they did for it.
 */
import { valueWithGradient } from "@pullback/autodiff";
import { conv2d, randn, randomKey, type Tensor, type ThreadStats, threadStats, withBackend } from "@pullback/core";

/** What the test reads. */
export interface ThreadsOutcome {
  /** Digests of the results on one backend after the other. */
  readonly first: readonly string[];
  readonly again: readonly string[];
  readonly stats: ThreadStats;
}

/** FNV-1a of the bits. */
function digest(x: Tensor): string {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(x.dataSync().buffer)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}

function results(): string[] {
  const key = (seed: number) => ({ key: randomKey(seed) });
  const [a, b] = [randn([301, 700], key(1)), randn([700, 257], key(2))];
  const [images, weight] = [randn([8, 6, 40, 40], key(3)), randn([12, 6, 3, 3], key(4))];
  const rows = randn([600, 1000], key(5));
  const loss = (x: Tensor, w: Tensor) => conv2d(x, w, undefined, { padding: 1 }).tanh().square().mean();
  const { gradient } = valueWithGradient(loss)(images, weight);
  const chain = rows.mul(2).add(1).tanh().exp();
  return [a.matmul(b), rows.softmax(), rows.sum(0), rows.sum(1), chain, gradient[0], gradient[1]].map(digest);
}

/** On both backends, often enough for the lazy one to have compiled what it runs. */
const round = async (): Promise<string[]> => [
  ...(await withBackend("eager", results)),
  ...(await withBackend("lazy", () => [results(), results(), results()].at(-1)!)),
];

/** Waits until the workers of the first round have started, if there are to be any. */
async function started(): Promise<void> {
  for (let i = 0; i < 100 && threadStats().workers < threadStats().threads - 1; i++)
    await new Promise((resolve) => setTimeout(resolve, 50));
}

export async function threadsAtWork(): Promise<ThreadsOutcome> {
  const first = await round();
  await started();
  const again = await round();
  return { first, again, stats: threadStats() };
}
