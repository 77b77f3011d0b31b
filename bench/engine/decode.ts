/**
 * Decoding one token: a vector times stored weights, in bytes of weights read per second, beside float32 weights that
 * need no decoding.
 *
 *     node --import @pullback/compiler-plugin/register bench/engine/decode.ts
 */
import { performance } from "node:perf_hooks";
import { EagerBackend } from "../../packages/core/src/backends/eager/index.ts";

const backend = new EagerBackend();
const dtypes = ["float32", "bfloat16", "q8_0", "q4_0"] as const;

for (const [rows, columns] of [
  [6912, 1152],
  [65536, 1152],
]) {
  const x = backend.full([1, columns], 0.5, "float32");
  for (const dtype of dtypes) {
    const full = backend.full([rows, columns], 0.25, "float32");
    const weights = dtype === "float32" ? full : backend.cast(full, dtype);
    if (weights !== full) backend.release(full.storage);
    const seconds: number[] = [];
    for (let i = 0; i < 15; i++) {
      const start = performance.now();
      const out = backend.matmul(x, weights, false, true);
      seconds.push((performance.now() - start) / 1e3);
      backend.release(out.storage);
    }
    seconds.sort((p, q) => p - q);
    const rate = (time: number) => (weights.storage.byteLength / time / 1e9).toFixed(2);
    console.log(`${rows} x ${columns} ${dtype}: median ${rate(seconds[7])} GB/s, best ${rate(seconds[0])} GB/s`);
    backend.release(weights.storage);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
