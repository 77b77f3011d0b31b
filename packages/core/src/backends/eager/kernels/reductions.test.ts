import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ReduceOp } from "../../../backend/backend.ts";
import { EagerBackend } from "../eager-backend.ts";
import { indicesOf, layoutArbitrary, noise, product, type Sample, sample, shapeArbitrary } from "../test-arrays.ts";

const backend = new EagerBackend();

/** The elements that each result of a reduction sees, in row-major order of the results. */
function groups(x: Sample, axes: readonly number[]): number[][] {
  const shape = x.array.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const found = Array.from({ length: product(shape) }, () => [] as number[]);
  indicesOf(x.array.shape).forEach((index, i) => {
    const at = index.reduce((place, own, axis) => place * shape[axis] + (axes.includes(axis) ? 0 : own), 0);
    found[at].push(x.values[i]);
  });
  return found;
}

const definitions: Record<ReduceOp, (values: number[]) => number> = {
  sum: (values) => values.reduce((a, b) => a + b, 0),
  prod: (values) => values.reduce((a, b) => a * b, 1),
  max: (values) => values.reduce((a, b) => Math.max(a, b), -Infinity),
  min: (values) => values.reduce((a, b) => Math.min(a, b), Infinity),
  all: (values) => Number(values.every((value) => value !== 0)),
  any: (values) => Number(values.some((value) => value !== 0)),
};
const axesArbitrary = fc.uniqueArray(fc.nat(3), { maxLength: 4 });

describe.each(["float32", "float64"] as const)("%s", (dtype) => {
  test("reductions over any axes of any layout equal their definition", () => {
    fc.assert(
      fc.property(
        fc.tuple(shapeArbitrary, axesArbitrary, layoutArbitrary),
        fc.tuple(fc.constantFrom(...(Object.keys(definitions) as ReduceOp[])), fc.nat()),
        ([shape, anyAxes, layout], [op, seed]) => {
          fc.pre(product(shape) < 20_000);
          const axes = anyAxes.filter((axis) => axis < shape.length).sort((a, b) => a - b);
          fc.pre(product(shape) > 0 || (op !== "max" && op !== "min"));
          const random = noise(seed);
          const x = sample(backend, shape, dtype, layout, () => Math.floor(random() * 9) / 4 - (op === "all" ? 0 : 1));
          const expected = groups(x, axes);
          const out = backend.reduce(op, x.array, axes);
          expect(out.shape).toEqual(shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)));
          const got = backend.readSync(out);
          expected.forEach((values, i) => {
            const exact = definitions[op](values);
            const scale = op === "prod" ? Math.abs(exact) : values.reduce((a, b) => a + Math.abs(b), 0);
            // Small products lie between the numbers that the format has next to zero.
            const [relative, absolute] = dtype === "float32" ? [2e-7, 2 ** -150] : [1e-14, Number.MIN_VALUE];
            if (!(Math.abs(got[i] - exact) <= relative * scale + absolute)) {
              expect([op, i, got[i]]).toEqual([op, i, exact]);
            }
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  test("NaN wins max and min wherever it stands", () => {
    for (let at = 0; at < 21; at++) {
      const values = Array.from({ length: 21 }, (_, i) => (i === at ? NaN : i));
      const host = dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
      for (const [shape, axis] of [
        [[21], 0],
        [[21, 1], 0],
        [[1, 21], 1],
      ] as const) {
        for (const op of ["max", "min"] as const) {
          const out = backend.reduce(op, backend.fromHost(host, dtype, shape), [axis]);
          expect([...backend.readSync(out)]).toEqual([NaN]);
        }
      }
    }
  });

  test("sums of many elements keep their accuracy", () => {
    const size = 1_000_001;
    const x = backend.full([size], 0.1, dtype);
    const exact = (dtype === "float32" ? Math.fround(0.1) : 0.1) * size;
    const epsilon = dtype === "float32" ? 2 ** -23 : 2 ** -52;
    for (const shape of [[size], [size, 1], [1, size]]) {
      const array = { ...x, shape, strides: shape.map((extent) => (extent === 1 ? 0 : 1)) };
      const out = backend.readSync(
        backend.reduce(
          "sum",
          array,
          shape.map((_, axis) => axis),
        ),
      );
      expect(Math.abs(out[0] / exact - 1)).toBeLessThan(2 * epsilon);
    }
  });
});

test("8-bit and bool sums are int32, int32 wraps", () => {
  const bytes = backend.fromHost(Uint8Array.of(200, 100), "uint8", [2]);
  const sum = backend.reduce("sum", bytes, [0]);
  expect([sum.dtype, ...backend.readSync(sum)]).toEqual(["int32", 300]);
  const large = backend.fromHost(Int32Array.of(2147483647, 1), "int32", [2]);
  expect([...backend.readSync(backend.reduce("sum", large, [0]))]).toEqual([-2147483648]);
});

test("empty reductions give identities", () => {
  const empty = backend.full([0, 3], 0, "float32");
  expect([...backend.readSync(backend.reduce("sum", empty, [0]))]).toEqual([0, 0, 0]);
  expect([...backend.readSync(backend.reduce("prod", empty, [0]))]).toEqual([1, 1, 1]);
  expect([...backend.readSync(backend.reduce("all", empty, [0]))]).toEqual([1, 1, 1]);
  expect([...backend.readSync(backend.reduce("any", empty, [0]))]).toEqual([0, 0, 0]);
});

test("argmax and argmin take the first extremum, and the first NaN", () => {
  const x = backend.fromHost(Float32Array.of(1, 3, 3, 0, 5, NaN, 9, NaN, -1, -1, -1, -1), "float32", [3, 4]);
  expect([...backend.readSync(backend.argReduce("argmax", x, 1))]).toEqual([1, 1, 0]);
  expect([...backend.readSync(backend.argReduce("argmin", x, 1))]).toEqual([3, 1, 0]);
  expect([...backend.readSync(backend.argReduce("argmax", x, 0))]).toEqual([1, 1, 1, 1]);
});

test("scans run either way, with or without the element itself", () => {
  const x = backend.fromHost(Float32Array.of(1, 2, 3, 4, 5, 6), "float32", [2, 3]);
  const scan = (...[op, axis, exclusive, reverse]: [Parameters<typeof backend.scan>[0], number, boolean, boolean]) => [
    ...backend.readSync(backend.scan(op, x, axis, exclusive, reverse)),
  ];
  expect(scan("cumsum", 1, false, false)).toEqual([1, 3, 6, 4, 9, 15]);
  expect(scan("cumsum", 1, true, false)).toEqual([0, 1, 3, 0, 4, 9]);
  expect(scan("cumsum", 1, false, true)).toEqual([6, 5, 3, 15, 11, 6]);
  expect(scan("cumsum", 0, false, false)).toEqual([1, 2, 3, 5, 7, 9]);
  expect(scan("cumprod", 1, true, true)).toEqual([6, 3, 1, 30, 6, 1]);
  expect(scan("cummax", 1, false, true)).toEqual([3, 3, 3, 6, 6, 6]);
  const log = scan("logCumSumExp", 1, false, false);
  expect(log[2]).toBeCloseTo(Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3)), 6);
});

test("argsort is stable both ways, NaN largest", () => {
  const x = backend.fromHost(Float32Array.of(2, NaN, 1, 2, -Infinity, 1, NaN), "float32", [7]);
  expect([...backend.readSync(backend.argsort(x, 0, false))]).toEqual([4, 2, 5, 0, 3, 1, 6]);
  expect([...backend.readSync(backend.argsort(x, 0, true))]).toEqual([1, 6, 0, 3, 2, 5, 4]);
});

test("nonzero lists indices in row-major order", () => {
  const x = backend.fromHost(Float32Array.of(0, 1, 2, 0, 0, 3), "float32", [2, 3]);
  const out = backend.nonzero(x);
  expect([out.shape, [...backend.readSync(out)]]).toEqual([
    [3, 2],
    [0, 1, 0, 2, 1, 2],
  ]);
});
