/** The cost of one small operation, dispatch included: a 16-element add, with and without release of its result. */
import { performance } from "node:perf_hooks";
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
  console.log(`${name}: median ${samples[3].toFixed(3)} µs, best ${samples[0].toFixed(3)} µs`);
}

for (const size of [16, 256, 4096]) {
  const a = backend.full([size], 1, "float32");
  const b = backend.full([size], 2, "float32");
  time(`add [${size}], released`, () => backend.release(backend.binary("add", a, b).storage));
  time(`add [${size}], left to the collector`, () => void backend.binary("add", a, b));
  time(`tanh [${size}], released`, () => backend.release(backend.unary("tanh", a).storage));
}
console.log(backend.memoryStats());
