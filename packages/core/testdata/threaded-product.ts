/** A product that is divided between threads, in a process that then has nothing left to do: see pool.test.ts. */
import { EagerBackend } from "../src/backends/eager/eager-backend.ts";

const backend = new EagerBackend({ threads: 2 });
const x = backend.full([512, 512], 1, "float32");
for (let i = 0; i < 5; i++) backend.matmul(x, x, false, false);
await new Promise((resolve) => setTimeout(resolve, 300));
const right = backend.readSync(backend.matmul(x, x, false, false)).every((value) => value === 512);
console.log(JSON.stringify({ right }));
