/** Empty tensors, scalars, negative axes, and what is refused at the call: by operation name, values and remedy. */
import { describe, expect, test } from "@jest/globals";
import {
  AxisError,
  arange,
  bernoulli,
  cholesky,
  concatenate,
  conv2d,
  DTypeError,
  det,
  dropout,
  einsum,
  full,
  IndexError,
  inverse,
  LinearAlgebraError,
  layerNorm,
  maxPool2d,
  ones,
  randomInt,
  ShapeError,
  solve,
  type Tensor,
  tensor,
  zeros,
} from "../index.ts";

const x = tensor([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: a matrix
const empty = zeros([0, 3]);
const scalar = tensor(2.5);
const ints = (values: number[]) => tensor(values, { dtype: "int32" });
const of = (t: Tensor) => [t.shape, [...t.dataSync()]];

describe("empty tensors and scalars", () => {
  test.each<[string, (t: Tensor, axes?: number) => Tensor, number]>([
    ["sum", (t, a) => t.sum(a), 0],
    ["mean", (t, a) => t.mean(a), NaN],
    ["prod", (t, a) => t.prod(a), 1],
    ["variance", (t, a) => t.variance(a), NaN],
    ["logSumExp", (t, a) => t.logSumExp(a), -Infinity],
    ["norm", (t, a) => t.norm(a), 0],
  ])("%s", (_, f, nothing) => {
    expect(of(f(empty))).toEqual([[], [nothing]]);
    expect(of(f(empty, 0))).toEqual([[3], [nothing, nothing, nothing]]);
    expect(f(empty, -1).shape).toEqual([0]);
    expect(f(scalar).shape).toEqual([]);
  });

  test("all of nothing holds, any of nothing does not", () => {
    expect([empty.all().item(), empty.any().item()].map(Number)).toEqual([1, 0]);
  });

  test("scans, sorts, products, concatenations and determinants of nothing", () => {
    for (const t of [empty.cumsum(0), empty.cumprod(0), empty.cummax(0), empty.logCumSumExp(0), empty.sort(0)])
      expect(t.shape).toEqual([0, 3]);
    expect(of(zeros([2, 0]).matmul(zeros([0, 3])))).toEqual([[2, 3], [0, 0, 0, 0, 0, 0]]); // biome-ignore format: one line
    expect(of(concatenate([empty, x]))).toEqual(of(x));
    expect(det(zeros([0, 0])).item()).toBe(1);
  });

  test("no number comes last, and no index beyond the depth is on", () => {
    expect([...tensor([3, NaN, 1]).sort().dataSync()]).toEqual([1, 3, NaN]);
    expect([...ints([3]).oneHot(3).dataSync()]).toEqual([0, 0, 0]);
  });
});

test.each<[string, new (...args: never[]) => Error, () => unknown]>([
  ["sum", AxisError, () => x.sum(2)],
  ["mean", AxisError, () => x.mean(2)],
  ["variance", AxisError, () => x.variance(2)],
  ["std", AxisError, () => x.std(-3)],
  ["norm", AxisError, () => x.norm(2)],
  ["logSumExp", AxisError, () => x.logSumExp(2)],
  ["max", ShapeError, () => empty.max()],
  ["argmax", ShapeError, () => empty.argmax(0)],
  ["cumsum", AxisError, () => scalar.cumsum(1)],
  ["softmax", AxisError, () => scalar.softmax(-2)],
  ["sum", AxisError, () => scalar.sum(1)],
  ["sum", AxisError, () => scalar.sum([0, -1])],
  ["topK", ShapeError, () => tensor([3, 1, 2]).topK(4)],
  ["reshape", ShapeError, () => x.reshape([4, 2])],
  ["squeeze", ShapeError, () => x.squeeze(0)],
  ["transpose", AxisError, () => x.transpose([0, 0])],
  ["broadcastTo", ShapeError, () => x.broadcastTo([2, 4])],
  ["concatenate", ShapeError, () => concatenate([])],
  ["concatenate", ShapeError, () => concatenate([x, zeros([2, 2])])],
  ["split", ShapeError, () => x.split(2, 1)],
  ["pad", ShapeError, () => x.pad([[0, 0], [-1, 1]])], // biome-ignore format: one line
  ["slice", IndexError, () => x.slice(2)],
  ["gather", IndexError, () => x.gather(ints([5]))],
  ["gather", DTypeError, () => x.gather(tensor([0.5]))],
  ["matmul", ShapeError, () => x.matmul(x)],
  ["einsum", ShapeError, () => einsum("ij,jk", x, x)],
  ["cholesky", LinearAlgebraError, () => cholesky(tensor([[1, 2], [2, 1]]))], // biome-ignore format: one line
  ["solve", LinearAlgebraError, () => solve(tensor([[1, 2], [2, 4]]), tensor([1, 2]))], // biome-ignore format: one line
  ["inverse", ShapeError, () => inverse(x)],
  ["arange", ShapeError, () => arange(0, 1, 0)],
  ["full", ShapeError, () => full([-1], 0)],
  ["tensor", ShapeError, () => tensor([[1], [1, 2]])],
  ["randomInt", ShapeError, () => randomInt([2], 3, 3)],
  ["bernoulli", ShapeError, () => bernoulli(2)],
  ["dropout", ShapeError, () => dropout(x, 1.5)],
  ["conv2d", ShapeError, () => conv2d(zeros([1, 3, 8, 8]), zeros([4, 2, 3, 3]))],
  ["conv2d", ShapeError, () => conv2d(zeros([1, 3, 8, 8]), zeros([4, 3, 3, 3]), undefined, { stride: 0 })],
  ["maxPool2d", ShapeError, () => maxPool2d(zeros([1, 1, 2, 2]), 3)],
  ["layerNorm", ShapeError, () => layerNorm(x, ones([2]))],
])("%s refuses with %p", (operation, type, f) => {
  let error: unknown;
  try {
    f();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(type);
  expect((error as Error).message).toContain(`${operation}:`);
});
