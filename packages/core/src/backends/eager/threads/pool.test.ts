import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, jest, test } from "@jest/globals";
import { BackendError } from "../../../errors.ts";
import { EagerBackend } from "../eager-backend.ts";
import { noise } from "../test-arrays.ts";
import { i32, loopTo, loopWhile, ModuleBuilder, when } from "../wasm/index.ts";
import { startWorkers } from "./platform.ts";
import { ThreadPool } from "./pool.ts";
import { nodeSource } from "./worker-source.ts";

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const ints = new Int32Array(memory.buffer);
const pools: ThreadPool[] = [];
const poolOf = (options: { threads: number; patience?: number }) => {
  const pool = new ThreadPool(memory, options);
  pools.push(pool);
  return pool;
};
afterAll(() => Promise.all(pools.map((pool) => pool.close())));

/**
 * `count(at, rounds)` counts at an address, `countOwn(rounds, at)` as well; `hang(at)` counts there and waits (some seconds at most) until the number
 * behind is not 0; `fail(at)` leaves the memory if it finds 7.
 */
function testModule() {
  const module = new ModuleBuilder();
  const count = module.function("count", ["i32", "i32"]);
  const i = count.local("i32");
  const [at, rounds] = count.parameters;
  const increment = (place: typeof at) => i32.store(place, i32.add(i32.load(place), i32.const(1)));
  count.code(i.set(i32.const(0)), loopTo(i, rounds, 1, increment(at)));
  const own = module.function("countOwn", ["i32", "i32"]);
  const turns = own.local("i32");
  const [times, mine] = own.parameters;
  own.code(turns.set(i32.const(0)), loopTo(turns, times, 1, increment(mine)));
  const hang = module.function("hang", ["i32"]);
  const turn = hang.local("i32");
  const [flag] = hang.parameters;
  const waiting = i32.and(i32.eqz(i32.load(flag, 4)), i32.lt(turn, i32.const(2 ** 31 - 1)));
  hang.code(increment(flag), loopWhile(waiting, turn.set(i32.add(turn, i32.const(1)))));
  const fail = module.function("fail", ["i32"]);
  fail.code(when(i32.eq(i32.load(fail.parameters[0]), i32.const(7)), i32.store(i32.const(-4), i32.const(1))));
  return module.share(memory);
}
const module = testModule();

/** Gives the workers time to start, so that they take part. */
const started = () => new Promise((resolve) => setTimeout(resolve, 1000));

test("every task runs exactly once, in job after job, whoever takes it", async () => {
  const pool = poolOf({ threads: 3 });
  for (let job = 0; job < 60; job++) {
    if (job === 5) await started();
    const size = 1 + (job % 17);
    ints.fill(0, 64, 64 + size);
    pool.run(
      module,
      "count",
      Array.from({ length: size }, (_, t) => [256 + t * 4, 1 + t + job]),
    );
    expect([...ints.subarray(64, 64 + size)]).toEqual(Array.from({ length: size }, (_, t) => 1 + t + job));
  }
});

test("each thread has scratch memory of its own, whoever takes which task", async () => {
  const pool = poolOf({ threads: 3 });
  let everHelped = false;
  for (let job = 0; job < 40; job++) {
    if (job === 2) await started();
    ints.fill(0, 64, 64 + 48);
    const tasks = Array.from({ length: 24 }, () => [20_000, 256]);
    pool.run(module, "countOwn", tasks, 64);
    // No thread has counted where another did, or counts would be lost.
    const counts = [64, 80, 96].map((at) => ints[at]!);
    expect(counts.reduce((a, b) => a + b)).toBe(24 * 20_000);
    everHelped ||= counts[1]! + counts[2]! > 0;
  }
  expect(everHelped).toBe(true);
});

test("a worker that never finishes its task is an error; the next job has a new pool", async () => {
  const pool = poolOf({ threads: 2, patience: 200 });
  let error: unknown;
  for (let attempt = 0; attempt < 5 && error === undefined; attempt++) {
    pool.run(module, "count", [[1024, 1], [1028, 1]]); // biome-ignore format: two tasks
    await started();
    // The caller, who is awake, takes the first task; the second sets it free and nobody the second.
    ints.fill(0, 0, 4);
    try {
      pool.run(module, "hang", [[0], [4]]);
    } catch (caught) {
      error = caught;
    }
  }
  expect(error).toBeInstanceOf(BackendError);
  ints.fill(0, 64, 80);
  pool.run(module, "count", [[256, 5], [260, 6]]); // biome-ignore format: two tasks
  expect([ints[64], ints[65]]).toEqual([5, 6]);
}, 60_000);

test("a worker that dies in the middle of a task is noticed at once, and what the others write is waited for", async () => {
  let deaths = 1;
  const dying = nodeSource.replace("instance[control[", "if (index === 0) process.exit(1); instance[control[");
  expect(dying).not.toBe(nodeSource);
  const pool = new ThreadPool(memory, { threads: 3 }, (data, count) =>
    startWorkers(data, count, deaths-- > 0 ? dying : nodeSource),
  );
  pools.push(pool);
  pool.run(module, "count", [[1024, 1], [1028, 1]]); // biome-ignore format: two tasks
  await started();
  const size = 60;
  const tasks = Array.from({ length: size }, (_, t) => [256 + t * 4, 3_000_000]);
  ints.fill(0, 64, 64 + size);
  const start = performance.now();
  expect(() => pool.run(module, "count", tasks)).toThrow(BackendError);
  expect(performance.now() - start).toBeLessThan(10_000);
  // Every task that was taken is done but for one, and nobody goes on with another.
  const before = [...ints.subarray(64, 64 + size)];
  expect(before.filter((count) => count !== 0 && count !== 3_000_000)).toEqual([]);
  await started();
  expect([...ints.subarray(64, 64 + size)]).toEqual(before);
  for (let job = 0; job < 20; job++) {
    ints.fill(0, 64, 64 + size);
    pool.run(
      module,
      "count",
      tasks.map(([at]) => [at!, 7]),
    );
    expect([...ints.subarray(64, 64 + size)]).toEqual(tasks.map(() => 7));
    if (job === 2) await started();
  }
  expect(pool.stats().workers).toBe(2);
}, 60_000);

test("a task that fails is an error, and the pool goes on", () => {
  const pool = poolOf({ threads: 2 });
  ints[8] = 7;
  expect(() => pool.run(module, "fail", [[32], [32]])).toThrow();
  ints[8] = 0;
  expect(() => pool.run(module, "fail", [[32], [32]])).not.toThrow();
});

test("products are the same, to the bit, for one thread and for three", async () => {
  const random = noise(3);
  const one = new EagerBackend({ threads: 1 });
  const three = new EagerBackend({ threads: 3 });
  const [m, k, n] = [301, 700, 157];
  const a = Float32Array.from({ length: m * k }, () => random() - 0.5);
  const b = Float32Array.from({ length: k * n }, () => random() - 0.5);
  const product = (backend: EagerBackend, wide: boolean) =>
    backend.readSync(
      wide
        ? backend.matmul(backend.fromHost(b, "float32", [k, n]), backend.fromHost(a, "float32", [m, k]), true, true)
        : backend.matmul(backend.fromHost(a, "float32", [m, k]), backend.fromHost(b, "float32", [k, n]), false, false),
    );
  const expected = [product(one, false), product(one, true)];
  for (let round = 0; round < 4; round++) {
    if (round === 1) await started();
    const got = [product(three, false), product(three, true)];
    expect(got.map((x, i) => x.every((value, at) => value === expected[i][at]))).toEqual([true, true]);
  }
  await three.close();
}, 60_000);

test("a process with a pool ends by itself", () => {
  const script = fileURLToPath(new URL("../../../../testdata/threaded-product.ts", import.meta.url));
  const hook = ["--import", "@pullback/compiler-plugin/register"];
  const { stdout, status } = spawnSync(process.execPath, [...hook, script], { encoding: "utf8", timeout: 50_000 });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ right: true });
}, 60_000);

test("an unshared memory has one thread", () => {
  expect(new ThreadPool(new WebAssembly.Memory({ initial: 1 }), { threads: 4 }).threads).toBe(1);
});

test("without SharedArrayBuffer there is one thread, and it is said once", () => {
  const warn = jest.spyOn(console, "warn").mockImplementation(() => {});
  const { SharedArrayBuffer: shared } = globalThis;
  const alone = new WebAssembly.Memory({ initial: 1 });
  const builder = new ModuleBuilder();
  const f = builder.function("store", ["i32", "i32"]);
  f.code(i32.store(f.parameters[0], f.parameters[1]));
  const own = builder.share(alone);
  try {
    Reflect.deleteProperty(globalThis, "SharedArrayBuffer");
    const pool = new ThreadPool(alone);
    for (let i = 0; i < 3; i++) pool.divide(own, "store", 1000, 1, 10, (start, size) => [start, size]);
  } finally {
    globalThis.SharedArrayBuffer = shared;
  }
  expect(new Int32Array(alone.buffer)[0]).toBe(1000);
  expect(warn).toHaveBeenCalledTimes(1);
  warn.mockRestore();
});
