/**
 * Decoding one token: a vector times stored weights, in bytes of weights read per second, as a share of what a
 * WebAssembly SIMD sum over as much memory as fits no cache reaches in the same run with the same threads. Rounds of
 * both are interleaved; medians.
 *
 *     node packages/pullback/bin/pullback.js run bench/engine/decode.ts [MiB of the sum, 1024] [rounds, 9]
 */
import { performance } from "node:perf_hooks";
import { EagerBackend } from "../../packages/core/src/backends/eager/index.ts";
import {
  f32x4,
  i32,
  type Local,
  loopTo,
  ModuleBuilder,
  sequence,
  v128,
} from "../../packages/core/src/backends/eager/wasm/index.ts";

const [mebibytes = 1024, rounds = 9] = process.argv.slice(2).map(Number);
const backend = new EagerBackend();
const { engine } = backend;

/** `run(from, bytes, to)`: sums a stretch with eight accumulators. */
function sumModule() {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32"]);
  const [from, bytes, to] = f.parameters as [Local, Local, Local];
  const at = f.local("i32");
  const sums = Array.from({ length: 8 }, () => f.local("v128"));
  f.code(
    at.set(i32.const(0)),
    loopTo(
      at,
      bytes,
      128,
      sequence(...sums.map((sum, v) => sum.set(f32x4.add(sum, v128.load(i32.add(from, at), v * 16))))),
    ),
    v128.store(
      to,
      sums.slice(1).reduce((a, b) => f32x4.add(a, b) as Local, sums[0]!),
    ),
  );
  return module.share(engine.arena.memory);
}

const median = (samples: number[]): number => samples.sort((a, b) => a - b)[samples.length >> 1]!;
const seconds = (work: () => void): number => {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1e3;
};

const sum = sumModule();
const bytes = mebibytes * 2 ** 20;
const large = backend.full([bytes / 4], 1, "float32");
const result = backend.full([1024], 0, "float32");
const readAll = (): void => {
  engine.begin(large, result);
  const [from, to] = [engine.address(large), engine.address(result)];
  engine.pool.divide(sum, "run", bytes, 128, 2 ** 20, (start, size) => [from + start, size, to + (start & 3072)]);
};
readAll();
await new Promise((resolve) => setTimeout(resolve, 500));

for (const [rows, columns] of [
  [6912, 1152],
  [262144, 1152],
] as const) {
  const x = backend.fromHost(
    Float32Array.from({ length: columns }, (_, i) => Math.sin(i)),
    "float32",
    [1, columns],
  );
  for (const dtype of ["bfloat16", "q8_0", "q4_0"] as const) {
    // Quantised a stretch at a time: the float32 table alone would be 1.2 GB.
    const part = Math.min(rows, 8192);
    const stretch = backend.cast(backend.full([part, columns], 0.25, "float32"), dtype);
    const own = backend.readSync(stretch) as Uint16Array | Uint8Array;
    const data = dtype === "bfloat16" ? new Uint16Array(rows * columns) : new Uint8Array((own.length / part) * rows);
    for (let at = 0; at < data.length; at += own.length) data.set(own.subarray(0, data.length - at), at);
    const weights = backend.fromHost(data, dtype, [rows, columns]);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let i = 0; i < rounds; i++) {
      theirs.push(seconds(readAll));
      const repeats = rows < 10_000 ? 8 : 1;
      ours.push(
        seconds(() => {
          for (let r = 0; r < repeats; r++) backend.release(backend.matmul(x, weights, false, true).storage);
        }) / repeats,
      );
    }
    const rate = weights.storage.byteLength / median(ours) / 1e9;
    const bandwidth = bytes / median(theirs) / 1e9;
    console.log(
      `${rows} x ${columns} ${dtype}: ${rate.toFixed(2)} GB/s, ${((100 * rate) / bandwidth).toFixed(0)} % of ${bandwidth.toFixed(2)}`,
    );
    backend.release(weights.storage);
    backend.release(stretch.storage);
  }
}
await backend.close();
