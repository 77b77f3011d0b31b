import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import vm from "node:vm";
import { describe, expect, test } from "@jest/globals";
import type { NDArray } from "../../../backend/backend.ts";
import { OutOfMemoryError } from "../../../errors.ts";
import { EagerBackend } from "../eager-backend.ts";
import { noise } from "../test-arrays.ts";
import { Arena } from "./arena.ts";
import { BlockAllocator, classBytes, sizeClass } from "./block-allocator.ts";

const mebibyte = 2 ** 20;

describe("size classes", () => {
  test("hold what they are asked for and waste at most an eighth", () => {
    for (let bytes = 0; bytes < 3e6; bytes += 1 + Math.floor(bytes / 7)) {
      const size = classBytes(sizeClass(bytes));
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size).toBeLessThanOrEqual(bytes * 1.125 + 128);
      expect(size % 64).toBe(0);
      expect(size - bytes).toBeGreaterThanOrEqual(64);
    }
  });

  test("neighbouring free blocks merge into larger ones", () => {
    const blocks = new BlockAllocator();
    blocks.extend(0, 1536);
    const small = Array.from({ length: 8 }, () => blocks.take(sizeClass(128)));
    expect(blocks.take(sizeClass(128))).toBe(-1);
    for (const address of small) blocks.give(address, sizeClass(128));
    expect(blocks.take(sizeClass(1400))).toBe(-1);
    blocks.coalesce();
    expect(blocks.take(sizeClass(1400))).toBe(0);
  });
});

describe("the arena", () => {
  test("spills what was used longest ago and brings it back unchanged", () => {
    const arena = new Arena({ limit: 4 * mebibyte, initial: 4 * mebibyte });
    const handles = Array.from({ length: 12 }, (_, i) => {
      arena.begin();
      const handle = arena.allocate(mebibyte / 2);
      const at = arena.resident(handle) / 4;
      arena.views.int32.fill(i + 1, at, at + mebibyte / 8);
      return handle;
    });
    expect(arena.stats().spills).toBeGreaterThan(0);
    expect(arena.stats().arena).toBeLessThanOrEqual(4 * mebibyte);
    handles.forEach((handle, i) => {
      arena.begin();
      const at = arena.resident(handle) / 4;
      const block = arena.views.int32.subarray(at, at + mebibyte / 8);
      expect(block.every((value) => value === i + 1)).toBe(true);
    });
  });

  test("never moves what the running kernel uses, and says so when nothing else is left", () => {
    const arena = new Arena({ limit: 2 * mebibyte, initial: mebibyte });
    arena.begin();
    const pinned = arena.allocate(mebibyte);
    const address = arena.resident(pinned);
    expect(() => arena.allocate(2 * mebibyte)).toThrow(OutOfMemoryError);
    expect(arena.resident(pinned)).toBe(address);
    arena.begin();
    expect(() => arena.allocate(1.5 * mebibyte)).not.toThrow();
  });

  test("release frees at once, and reuse takes the same block", () => {
    const arena = new Arena();
    arena.begin();
    const first = arena.allocate(1000);
    const address = arena.resident(first);
    expect(arena.stats().live).toBe(1000);
    arena.release(first);
    expect(arena.stats().live).toBe(0);
    expect(arena.resident(arena.allocate(1000))).toBe(address);
  });
});

test("10,000 synchronous operations on 1 MB tensors stay bounded, and are right", () => {
  // A process of its own: the memory of this one belongs to other tests too.
  const script = fileURLToPath(new URL("../../../../testdata/synchronous-operations.ts", import.meta.url));
  const hook = ["--import", "@pullback/compiler-plugin/register"];
  const { stdout } = spawnSync(process.execPath, [...hook, script], { encoding: "utf8" });
  const { right, arena, spills, growth } = JSON.parse(stdout);
  expect(right).toBe(true);
  expect(spills).toBe(0);
  expect(arena).toBeLessThanOrEqual(64 * mebibyte);
  expect(growth).toBeLessThan(64 * mebibyte);
}, 60_000);

test("a collection of the platform's own frees dead blocks too", async () => {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  const backend = new EagerBackend();
  const kept = backend.full([100_000], 3, "float32");
  for (let i = 0; i < 8; i++) backend.full([100_000], i, "float32");
  expect(backend.memoryStats().live).toBe(9 * 400_000);
  for (let i = 0; i < 20 && backend.memoryStats().live > 400_000; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  expect(backend.memoryStats().live).toBe(400_000);
  expect(backend.readSync(kept)[99_999]).toBe(3);
});

test.each([2 ** 29, 2 ** 30 + 16, 2 ** 34])(
  "%i elements are too many: a typed error, and the process goes on",
  (size) => {
    const backend = new EagerBackend();
    const kept = backend.full([1000], 3, "float32");
    expect(() => backend.full([size], 1, "float32")).toThrow(OutOfMemoryError);
    const row = { ...kept, shape: [1, 1000], strides: [1000, 1] };
    expect(() => backend.contiguous({ ...row, shape: [size / 8, 1000], strides: [0, 1] })).toThrow(OutOfMemoryError);
    expect(backend.readSync(backend.binary("add", kept, kept))[999]).toBe(6);
    expect(backend.readSync(kept).every((value) => value === 3)).toBe(true);
  },
);

test("without a collector to ask, dead blocks spill, and the arena stays within its limit", () => {
  const backend = new EagerBackend({ limit: 4 * mebibyte, collector: undefined });
  let x = backend.full([2 ** 17], 0, "float32");
  const keep = backend.full([2 ** 17], 7, "float32");
  for (let i = 0; i < 100; i++) x = backend.binaryScalar("add", x, 1, false);
  expect(backend.memoryStats().spills).toBeGreaterThan(50);
  expect(backend.memoryStats().arena).toBeLessThanOrEqual(4 * mebibyte);
  expect([backend.readSync(x)[2 ** 17 - 1], backend.readSync(keep)[0]]).toEqual([100, 7]);
});

test("results are the same, to the bit, when almost every operand has been spilled", () => {
  const small = new EagerBackend({ limit: mebibyte, initial: mebibyte / 4 });
  const large = new EagerBackend();
  const run = (backend: EagerBackend) => {
    const random = noise(7);
    const pool: NDArray[] = Array.from({ length: 100 }, () =>
      backend.fromHost(Float32Array.from({ length: 64 * 64 }, random), "float32", [64, 64]),
    );
    const pick = () => Math.floor(random() * pool.length);
    for (let i = 0; i < 600; i++) {
      const a = pool[pick()];
      const b = pool[pick()];
      const made = [
        () => backend.softmax(backend.matmul(a, b, false, true)),
        () => backend.binary("add", a, backend.reduce("max", b, [0])),
        () => backend.unary("tanh", { ...b, strides: [1, 64] }),
        () => backend.rmsNormAdjoint(a, undefined, 1e-6, 0, b).x,
        () => {
          const joined = backend.concatenate([a, b], 1);
          return { ...joined, shape: [64, 64], offset: 32 };
        },
      ][i % 5]();
      pool[pick()] = made;
    }
    return pool.map((x) => [...backend.readSync(x)]);
  };
  const expected = run(large);
  expect(large.memoryStats().spills).toBe(0);
  expect(run(small)).toEqual(expected);
  expect(small.memoryStats().spills).toBeGreaterThan(300);
});
