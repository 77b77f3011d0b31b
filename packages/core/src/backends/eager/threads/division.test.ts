/** Operations that are divided between threads give the same, to the bit, for one thread and for three. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { NDArray, Sliding } from "../../../backend/backend.ts";
import { LazyBackend } from "../../lazy/index.ts";
import { EagerBackend } from "../eager-backend.ts";
import { noise } from "../test-arrays.ts";
import { guidedShares, shares } from "./shares.ts";

const one = new EagerBackend({ threads: 1 });
const three = new EagerBackend({ threads: 3 });
afterAll(() => three.close());

function numbers(backend: EagerBackend, shape: readonly number[], seed: number): NDArray {
  const random = noise(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return backend.fromHost(
    Float32Array.from({ length: size }, () => random() - 0.5),
    "float32",
    shape,
  );
}

const sliding: Sliding = { stride: [1, 1], dilation: [1, 1], padding: [[1, 1], [1, 1]], groups: 1 }; // biome-ignore format: one line
const strided: Sliding = { ...sliding, stride: [2, 2] };
const dilated: Sliding = { ...sliding, dilation: [2, 1], padding: [[2, 2], [1, 1]] }; // biome-ignore format: one line
const pool2 = (extent: number) => ({
  start: Array.from({ length: extent / 2 }, (_, i) => 2 * i),
  count: Array.from({ length: extent / 2 }, () => 2),
  step: 1,
});

type Work = (backend: EagerBackend) => NDArray;
const rows = (backend: EagerBackend, seed = 1) => numbers(backend, [600, 256], seed);
const images = (backend: EagerBackend) => numbers(backend, [24, 8, 20, 20], 5);
const kernel = (backend: EagerBackend) => numbers(backend, [12, 8, 3, 3], 6);

const works: readonly [string, Work][] = [
  ["add", (b) => b.binary("add", rows(b), rows(b, 2))],
  ["add of a row", (b) => b.binary("add", rows(b), numbers(b, [256], 3))],
  ["multiplication by a channel", (b) => b.binary("mul", images(b), numbers(b, [8, 1, 1], 3))],
  ["rows that are no whole vectors", (b) => b.binary("mul", numbers(b, [9, 7000, 5], 1), numbers(b, [7000, 1], 3))],
  ["comparison", (b) => b.binary("greater", rows(b), numbers(b, [600, 1], 2))],
  ["comparison with a number", (b) => b.binaryScalar("less", rows(b), 0.1, false)],
  ["where", (b) => b.where(b.binaryScalar("less", rows(b), 0.1, false), rows(b), numbers(b, [1], 2))],
  ["tanh", (b) => b.unary("tanh", rows(b))],
  ["clip", (b) => b.clip(rows(b), -0.2, 0.3)],
  ["sum of rows", (b) => b.reduce("sum", rows(b), [1])],
  ["sum of columns", (b) => b.reduce("sum", rows(b), [0])],
  ["sum in the middle", (b) => b.reduce("sum", numbers(b, [30, 100, 36], 2), [1])],
  ["maximum of all", (b) => b.reduce("max", rows(b), [0, 1])],
  ["softmax", (b) => b.softmax(rows(b))],
  ["softmax of rows that are no whole vectors", (b) => b.softmax(numbers(b, [9000, 10], 1))],
  ["adjoint of softmax", (b) => b.softmaxAdjoint(rows(b), rows(b, 2))],
  ["rmsNorm", (b) => b.rmsNorm(rows(b), numbers(b, [256], 3), 1e-6, 1)],
  ["adjoint of rmsNorm", (b) => b.rmsNormAdjoint(rows(b), numbers(b, [256], 3), 1e-6, 1, rows(b, 2)).x],
  ["its weight", (b) => b.rmsNormAdjoint(rows(b), numbers(b, [256], 3), 1e-6, 1, rows(b, 2)).weight as NDArray],
  ["rotary", (b) => b.rotary(numbers(b, [10, 60, 256], 1), numbers(b, [60, 128], 2), numbers(b, [60, 128], 3), 1)],
  ["transposed copy", (b) => b.contiguous({ ...rows(b), shape: [256, 600], strides: [1, 256] })],
  ["small products", (b) => b.matmul(numbers(b, [24, 60, 40], 1), numbers(b, [24, 70, 40], 2), false, true)],
  ["a wide product", (b) => b.matmul(numbers(b, [131, 600], 1), numbers(b, [600, 333], 2), false, false)],
  ["a wide product of transposed matrices", (b) => b.matmul(numbers(b, [600, 131], 1), numbers(b, [333, 600], 2), true, true)],
  ["a high product", (b) => b.matmul(numbers(b, [333, 600], 1), numbers(b, [600, 131], 2), false, false)],
  ["a high product of transposed matrices", (b) => b.matmul(numbers(b, [600, 333], 1), numbers(b, [131, 600], 2), true, true)],
  ["convolution", (b) => b.convolve(images(b), kernel(b), sliding)],
  ["strided convolution", (b) => b.convolve(images(b), kernel(b), strided)],
  ["dilated convolution", (b) => b.convolve(images(b), kernel(b), dilated)],
  ["its adjoint for the weight", (b) => b.convolveWeightAdjoint(images(b), b.convolve(images(b), kernel(b), dilated), dilated, [3, 3])],
  ["one image", (b) => b.convolve(numbers(b, [1, 8, 80, 80], 2), kernel(b), sliding)],
  ["adjoint for the input", (b) => b.convolveInputAdjoint(b.convolve(images(b), kernel(b), strided), kernel(b), strided, [20, 20])],
  ["adjoint for the weight", (b) => b.convolveWeightAdjoint(images(b), b.convolve(images(b), kernel(b), sliding), sliding, [3, 3])],
  ["pooling", (b) => b.windowArgmax(numbers(b, [40, 8, 20, 20], 4), [pool2(20), pool2(20)])],
  ["q8_0", (b) => b.matmul(numbers(b, [1, 512], 1), b.cast(numbers(b, [4096, 512], 2), "q8_0"), false, true)],
  ["fused sums", (b) => lazily(b, (lazy) => lazy.reduce("sum", lazy.unary("tanh", lazy.binary("mul", rows(b), rows(b, 2))), [0]))],
  ["fused rows", (b) => lazily(b, (lazy) => lazy.binary("sub", lazy.unary("exp", rows(b)), lazy.reduce("sum", rows(b), [1])))],
]; // biome-ignore format: a line for each

/** Compiled, not node by node. */
function lazily(backend: EagerBackend, work: (lazy: LazyBackend) => NDArray): NDArray {
  const lazy = new LazyBackend(backend);
  lazy.recorder.programs.compileAtOnce = true;
  return lazy.give(work(lazy), backend) as NDArray;
}

beforeAll(async () => {
  // A first job starts the workers; then they need a moment.
  three.unary("tanh", rows(three));
  await new Promise((resolve) => setTimeout(resolve, 1500));
});

test.each(works)("%s", (_, work) => {
  const expected = one.readSync(work(one));
  for (let round = 0; round < 3; round++) {
    const got = three.readSync(work(three));
    expect(got.length).toBe(expected.length);
    expect(got.findIndex((value, i) => !Object.is(value, expected[i]))).toBe(-1);
  }
});

test("shares cover a range once, in multiples of a step", () => {
  for (const [count, parts, step, least] of [
    [100, 3, 16, 1],
    [7, 8, 1, 1],
    [1000, 4, 64, 300],
    [5, 2, 16, 1],
    [0, 3, 1, 1],
  ] as const) {
    const all = shares(count, parts, step, least);
    let at = 0;
    for (const { start, size } of all) {
      expect(start).toBe(at);
      expect(start % step).toBe(0);
      at += size;
    }
    expect(at).toBe(count);
    expect(all.length).toBeLessThanOrEqual(Math.max(1, Math.min(parts, Math.floor(count / least))));
  }
});

test("guided shares cover a range once and grow smaller, within bounds", () => {
  for (const [count, threads, step, least, most] of [
    [1000, 2, 8, 48, 1000],
    [1000, 8, 6, 48, 60],
    [10, 3, 4, 48, 10],
    [7, 1, 2, 1, 7],
    [0, 2, 1, 1, 0],
  ] as const) {
    const all = guidedShares(count, threads, step, least, most);
    let at = 0;
    for (const [i, { start, size }] of all.entries()) {
      expect(start).toBe(at);
      expect(start % step).toBe(0);
      if (i > 0) expect(size).toBeLessThanOrEqual(all[i - 1]!.size);
      if (i < all.length - 1) expect(size).toBeGreaterThanOrEqual(Math.min(least, most));
      expect(size).toBeLessThan(most + step);
      at += size;
    }
    expect(at).toBe(count);
  }
  expect(guidedShares(1000, 2, 8, 48).map(({ size }) => size)).toEqual([376, 240, 144, 96, 56, 48, 40]);
});
