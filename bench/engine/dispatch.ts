/**
 * The cost of one small operation, dispatch included: time of a 16-element add, with and without release of its result,
 * and the JavaScript heap that an operation takes until the next collection.
 *
 *     node --expose-gc --import @pullback/compiler-plugin/register bench/engine/dispatch.ts
 */
import { performance } from "node:perf_hooks";
import { tensor } from "@pullback/core";
import { EagerBackend } from "../../packages/core/src/backends/eager/index.ts";

const backend = new EagerBackend();
const rounds = 200_000;

function time(name: string, operation: () => void): void {
  for (let i = 0; i < 20_000; i++) operation();
  const samples = Array.from({ length: 7 }, () => {
    const start = performance.now();
    for (let i = 0; i < rounds / 7; i++) operation();
    return ((performance.now() - start) / (rounds / 7)) * 1e3;
  }).sort((a, b) => a - b);
  console.log(`${name}: median ${samples[3]!.toFixed(3)} µs, best ${samples[0]!.toFixed(3)} µs`);
}

/** Bytes of heap for each of 1,000 operations: the median of some rounds, each begun by a collection. */
function heap(name: string, operation: () => void): void {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) return;
  const samples = Array.from({ length: 9 }, () => {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 1000; i++) operation();
    return (process.memoryUsage().heapUsed - before) / 1000;
  });
  console.log(`${name}: ${samples.sort((a, b) => a - b)[4]!.toFixed(0)} bytes of heap each`);
}

for (const size of [16, 256, 4096]) {
  const a = backend.full([size], 1, "float32");
  const b = backend.full([size], 2, "float32");
  time(`add [${size}], released`, () => backend.release(backend.binary("add", a, b).storage));
  time(`add [${size}], left to the collector`, () => void backend.binary("add", a, b));
  time(`tanh [${size}], released`, () => backend.release(backend.unary("tanh", a).storage));
  heap(`add [${size}]`, () => void backend.binary("add", a, b));
}
const [x, y] = [tensor(new Float32Array(16).fill(1)), tensor(new Float32Array(16).fill(2))];
time("Tensor.add [16]", () => void x.add(y));
heap("Tensor.add [16]", () => void x.add(y));
console.log(backend.memoryStats());
