/**
 * Matrix products of the eager engine in GFLOP/s with one thread and with two, in interleaved rounds, beside PyTorch where
 * `python3` can import it. Medians, and the best round: on a shared machine it tells more of the code.
 *
 *     node packages/pullback/bin/pullback.js run bench/engine/gemm.ts [milliseconds a shape, 1500]
 */
import { spawnSync } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { EagerBackend } from "../../packages/core/src/backends/eager/index.ts";

const patience = Number(process.argv[2] ?? 1500);
const leastRounds = 5;

/** Squares, and the products of Gemma's layers; `transposed` where the right operand lies as weights do, [n, k]. */
const cases: readonly { m: number; k: number; n: number; transposed: boolean }[] = [
  ...[256, 512, 1024, 2048].map((size) => ({ m: size, k: size, n: size, transposed: false })),
  { m: 32, k: 1152, n: 6912, transposed: false },
  { m: 512, k: 1152, n: 6912, transposed: false },
  { m: 512, k: 640, n: 2048, transposed: true },
  { m: 512, k: 2048, n: 640, transposed: true },
];

const backends = [1, 2].map((threads) => ({ threads, backend: new EagerBackend({ threads }) }));
const random = (backend: EagerBackend, rows: number, columns: number) =>
  backend.fromHost(
    Float32Array.from({ length: rows * columns }, () => Math.random() - 0.5),
    "float32",
    [rows, columns],
  );

/** Seconds of each round, for PyTorch: one line of JSON. */
function peer(): Record<string, { median: number; best: number }[]> | undefined {
  const script = fileURLToPath(new URL("./peers/gemm.py", import.meta.url));
  const { status, stdout, stderr } = spawnSync("python3", [script, JSON.stringify(cases), String(patience)], {
    encoding: "utf8",
  });
  if (status === 0) return JSON.parse(stdout);
  console.log(`PyTorch: not measured (${stderr?.trim().split("\n").at(-1) || "there is no python3"})`);
  return undefined;
}

const theirs = peer();
const column = (text: string): string => text.padStart(18);
console.log(
  [
    "GFLOP/s, median (best)".padEnd(26),
    ...backends.map(({ threads }) => column(`${threads} thread${threads > 1 ? "s" : ""}`)),
  ].join("") +
    column("2 over 1") +
    (theirs === undefined ? "" : column("PyTorch, 1") + column("PyTorch, 2")),
);
for (const [c, { m, k, n, transposed }] of cases.entries()) {
  const running = backends.map(({ backend }) => ({
    backend,
    a: random(backend, m, k),
    b: transposed ? random(backend, n, k) : random(backend, k, n),
    seconds: [] as number[],
  }));
  // The workers of the second engine start with its first large product.
  for (const { backend, a, b } of running) backend.release(backend.matmul(a, b, false, transposed).storage);
  await new Promise((resolve) => setTimeout(resolve, c === 0 ? 500 : 0));
  const begin = performance.now();
  while (running[0]!.seconds.length < leastRounds || performance.now() - begin < patience)
    for (const { backend, a, b, seconds } of running) {
      const start = performance.now();
      const out = backend.matmul(a, b, false, transposed);
      seconds.push((performance.now() - start) / 1e3);
      backend.release(out.storage);
    }
  for (const { backend, a, b } of running) for (const x of [a, b]) backend.release(x.storage);
  const rate = (seconds: number): number => (2 * m * k * n) / seconds / 1e9;
  const shown = ({ median, best }: { median: number; best: number }): string =>
    column(`${rate(median).toFixed(1)} (${rate(best).toFixed(1)})`);
  const times = running.map(({ seconds }) => {
    const sorted = [...seconds].sort((a, b) => a - b);
    return { median: sorted[sorted.length >> 1]!, best: sorted[0]! };
  });
  console.log(
    [
      `(${m}, ${k}) x (${k}, ${n})${transposed ? " T" : ""}`.padEnd(26),
      ...times.map(shown),
      column((times[0]!.median / times[1]!.median).toFixed(2)),
      ...["1", "2"].flatMap((threads) => (theirs === undefined ? [] : [shown(theirs[threads]![c]!)])),
    ].join(""),
  );
}
await Promise.all(backends.map(({ backend }) => backend.close()));
