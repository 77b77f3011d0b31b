/** 10,000 operations on tensors of 1 MB in one synchronous loop: what arena.test.ts judges (the growth is that after the
 * first hundred), as JSON on standard output. */
import { EagerBackend } from "../src/backends/eager/eager-backend.ts";

const size = 2 ** 18;
const backend = new EagerBackend({ limit: 2 ** 28 });
let x = backend.full([size], 0, "float32");
const keep = backend.full([size], 0.5, "float32");
let before = 0;
let most = 0;
for (let i = 0; i < 10_000; i++) {
  x = backend.binaryScalar("add", x, 1, false);
  // Workers have started, and kernels are compiled.
  if (i === 100) before = process.memoryUsage().rss;
  if (i % 500 === 0) most = Math.max(most, process.memoryUsage().rss);
}
const right = backend.readSync(x).every((value) => value === 10_000) && backend.readSync(keep)[size - 1] === 0.5;
const { arena, spills } = backend.memoryStats();
console.log(JSON.stringify({ right, arena, spills, growth: most - before }));
