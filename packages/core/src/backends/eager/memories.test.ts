/** Small memories in place of 2 GiB: tensors spread over several, operations across them, and the end of all. */
import { describe, expect, test } from "@jest/globals";
import type { NDArray } from "../../backend/backend.ts";
import { BackendError, OutOfMemoryError } from "../../errors.ts";
import { LazyBackend } from "../lazy/index.ts";
import { EagerBackend } from "./eager-backend.ts";
import type { Handle } from "./memory/index.ts";

const mebibyte = 2 ** 20;
const rows = 256;
const shape = [rows, 1024];

const backendOf = (memories: number, limit = 4) =>
  new EagerBackend({ limit: limit * mebibyte, initial: mebibyte, memories, threads: 2 });
const values = (seed: number) => Float32Array.from({ length: rows * 1024 }, (_, i) => Math.sin(seed * 7 + i * 0.37));

/** Arrays of 1 MiB, kept alive, and the memory in which each is. */
function fill(backend: EagerBackend, count: number) {
  const arrays = Array.from({ length: count }, (_, i) => backend.fromHost(values(i), "float32", shape));
  const homes = arrays.map((x) => (x.storage as Handle).cell!.home);
  return { arrays, homes: homes.map((home) => homes.indexOf(home)) };
}

test("an operand of another memory is refused, not read at its address in this one", () => {
  const [one, other] = [backendOf(1), backendOf(1)];
  const [x] = fill(one, 1).arrays as [NDArray];
  const [y] = fill(other, 1).arrays as [NDArray];
  expect(() => one.binary("add", x, y)).toThrow(BackendError);
  expect(one.readSync(one.binary("add", x, x))[1]).toBeCloseTo(2 * Math.sin(0.37), 6);
});

describe("tensors beyond one memory", () => {
  test("are in several, whole, and nothing spills", () => {
    const backend = backendOf(4);
    const { arrays, homes } = fill(backend, 10);
    expect(homes).toEqual([0, 0, 0, 3, 3, 3, 6, 6, 6, 9]);
    for (const [i, x] of arrays.entries()) expect(backend.readSync(x)).toEqual(values(i));
    const stats = backend.memoryStats();
    expect(stats.spills).toBe(0);
    expect(stats.live).toBeGreaterThanOrEqual(10 * mebibyte);
    expect(stats.arena).toBeGreaterThan(4 * mebibyte);
  });

  test("meet in the memory of the largest operand, with the results of one memory", () => {
    const one = new EagerBackend({ limit: 64 * mebibyte, threads: 2 });
    const spread = backendOf(4, 8);
    const results = [one, spread].map((backend) => {
      const { arrays } = fill(backend, 12);
      const [a, b] = [arrays[0]!, arrays[11]!];
      const row: NDArray = { ...b, shape: [1, 1024], strides: [1024, 1], offset: 5 * 1024 };
      const index = backend.fromHost(
        Int32Array.from({ length: 40 }, (_, i) => (i * 13) % rows),
        "int32",
        [40],
      );
      const found = [
        backend.binary("add", a, b),
        backend.binary("mul", b, row),
        backend.matmul(a, b, false, true),
        backend.concatenate([{ ...a, shape: [9, 1024] }, { ...arrays[3]!, shape: [5, 1024] }, row], 0),
        backend.where(backend.binary("less", a, b), a, b),
        backend.gather(b, index, 0),
        backend.rmsNorm(a, { ...row, shape: [1024], strides: [1] }, 1e-6, 1),
        backend.contiguous({ ...a, shape: [1024, rows], strides: [1, 1024] }),
        backend.softmaxAdjoint(backend.softmax(a), b),
      ];
      const norm = backend.rmsNormAdjoint(a, { ...row, shape: [1024], strides: [1] }, 1e-6, 1, b);
      return [...found, norm.x, norm.weight!].map((x) => backend.readSync(x));
    });
    expect(results[1]).toEqual(results[0]);
  });

  test("are operands of the lazy backend's kernels", () => {
    const eager = backendOf(4);
    const { arrays } = fill(eager, 8);
    const lazy = new LazyBackend(eager);
    for (let round = 0; round < 3; round++) {
      const sum = lazy.binary("add", lazy.unary("square", arrays[7]!), arrays[0]!);
      const read = lazy.readSync(lazy.binaryScalar("mul", sum, 2, false));
      const [a, b] = [values(0), values(7)];
      read.forEach((x, i) => {
        if (Math.abs(x - 2 * (b[i]! * b[i]! + a[i]!)) > 1e-6) throw new Error(`element ${i} is ${x}`);
      });
    }
  });

  test("spill where all memories are full, and what can never fit is an error that leaves everything as it was", () => {
    const backend = backendOf(2);
    const { arrays } = fill(backend, 12);
    expect(() => backend.full([5 * mebibyte], 1, "float32")).toThrow(OutOfMemoryError);
    expect(backend.memoryStats().spills).toBeGreaterThan(0);
    for (const [i, x] of arrays.entries()) expect(backend.readSync(x)).toEqual(values(i));
    const sum = backend.binary("add", arrays[0]!, arrays[11]!);
    expect(backend.readSync(sum)[9]).toBe(Math.fround(values(0)[9]! + values(11)[9]!));
  });

  test("that are dead make room before another memory is taken", () => {
    const backend = backendOf(4);
    let last: NDArray | undefined;
    for (let i = 0; i < 60; i++) last = backend.fromHost(values(i), "float32", shape);
    expect(backend.readSync(last!)).toEqual(values(59));
    expect(backend.memoryStats().arena).toBeLessThanOrEqual(4 * mebibyte);
  });
});
