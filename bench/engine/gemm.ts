/** Matrix products of the eager engine in GFLOP/s: squares and the shapes of Gemma 3 270M. Median of timed runs. */
import { performance } from "node:perf_hooks";
import { EagerBackend } from "../../packages/core/src/backends/eager/index.ts";

const backend = new EagerBackend();

function random(rows: number, columns: number) {
  const data = Float32Array.from({ length: rows * columns }, () => Math.random() - 0.5);
  return backend.fromHost(data, "float32", [rows, columns]);
}

const cases: readonly [m: number, k: number, n: number, transposeB: boolean][] = [
  [64, 64, 64, false],
  [128, 128, 128, false],
  [256, 256, 256, false],
  [512, 512, 512, false],
  [512, 512, 512, true],
  [1024, 1024, 1024, false],
  [512, 640, 2048, true],
  [512, 2048, 640, true],
  [128, 640, 2048, true],
  [1, 640, 2048, true],
  [1, 2048, 640, true],
  [1, 640, 2048, false],
];

for (const [m, k, n, transposeB] of cases) {
  const a = random(m, k);
  const b = transposeB ? random(n, k) : random(k, n);
  const seconds: number[] = [];
  const begin = performance.now();
  while (seconds.length < 5 || (performance.now() - begin < 400 && seconds.length < 2000)) {
    const start = performance.now();
    const out = backend.matmul(a, b, false, transposeB);
    seconds.push((performance.now() - start) / 1e3);
    backend.release(out.storage);
  }
  seconds.sort((x, y) => x - y);
  const rate = (time: number) => ((2 * m * k * n) / time / 1e9).toFixed(1);
  const median = seconds[seconds.length >> 1];
  console.log(`${m} x ${k} x ${n}${transposeB ? "T" : " "}  median ${rate(median)}  best ${rate(seconds[0])} GFLOP/s`);
}
