import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { IndexError } from "../../../errors.ts";
import { EagerBackend } from "../eager-backend.ts";
import { threefry2x32 } from "../plain/random.ts";
import { indicesOf, layoutArbitrary, noise, product, type Sample, sample, shapeArbitrary } from "../test-arrays.ts";

const backend = new EagerBackend();
const dtypes = fc.constantFrom("float32", "float64", "int32", "uint8", "bool");
const filler = (seed: number) => {
  const random = noise(seed);
  return () => Math.floor(random() * 2);
};
const at = (x: Sample, index: readonly number[]) =>
  x.values[index.reduce((place, i, axis) => place * x.array.shape[axis] + i, 0)];
const shapes = shapeArbitrary.filter((shape) => shape.length > 0 && product(shape) < 5000);

test("concatenation joins arrays of any layout along any axis", () => {
  fc.assert(
    fc.property(
      fc.tuple(shapes, fc.nat(), dtypes, fc.nat()),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), layoutArbitrary), { minLength: 1, maxLength: 4 }),
      ([shape, anyAxis, dtype, seed], parts) => {
        const axis = anyAxis % shape.length;
        const xs = parts.map(([extent, layout], i) =>
          sample(
            backend,
            shape.map((d, a) => (a === axis ? extent : d)),
            dtype,
            layout,
            filler(seed + i),
          ),
        );
        const out = backend.concatenate(
          xs.map((x) => x.array),
          axis,
        );
        const expected = indicesOf(out.shape).map((index) => {
          let place = index[axis];
          const owner = xs.find((x) => {
            if (place < x.array.shape[axis]) return true;
            place -= x.array.shape[axis];
            return false;
          }) as Sample;
          return at(
            owner,
            index.map((i, a) => (a === axis ? place : i)),
          );
        });
        expect([...backend.readSync(out)]).toEqual(expected);
      },
    ),
    { numRuns: 150 },
  );
});

test("padding surrounds, slices update", () => {
  fc.assert(
    fc.property(shapes, layoutArbitrary, dtypes, fc.nat(), (shape, layout, dtype, seed) => {
      const random = noise(seed);
      const widths = shape.map(() => [Math.floor(random() * 3), Math.floor(random() * 3)] as const);
      const x = sample(backend, shape, dtype, layout, filler(seed));
      const out = backend.pad(x.array, widths, 1);
      const inside = (index: readonly number[]) => index.map((i, axis) => i - widths[axis][0]);
      const expected = indicesOf(out.shape).map((index) =>
        inside(index).every((i, axis) => i >= 0 && i < shape[axis]) ? at(x, inside(index)) : 1,
      );
      expect([...backend.readSync(out)]).toEqual(expected);

      const steps = shape.map(() => 1 + Math.floor(random() * 2));
      const region = shape.map((extent, axis) => Math.ceil(extent / steps[axis]));
      const value = sample(backend, region, dtype, layout, filler(seed + 9));
      const updated = backend.sliceUpdate(
        x.array,
        shape.map(() => 0),
        steps,
        value.array,
      );
      const after = indicesOf(shape).map((index) =>
        index.every((i, axis) => i % steps[axis] === 0)
          ? at(
              value,
              index.map((i, axis) => i / steps[axis]),
            )
          : at(x, index),
      );
      expect([...backend.readSync(updated)]).toEqual(after);
      expect([...backend.readSync(x.array)]).toEqual(x.values);
    }),
    { numRuns: 150 },
  );
});

test("gather takes, its adjoint adds back", () => {
  fc.assert(
    fc.property(
      fc.tuple(shapes, fc.nat(), layoutArbitrary, fc.nat()),
      fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
      ([shape, anyAxis, layout, seed], indexShape) => {
        const axis = anyAxis % shape.length;
        fc.pre(shape[axis] > 0);
        const extent = shape[axis];
        const random = noise(seed);
        const x = sample(backend, shape, "float32", layout, () => Math.floor(random() * 10));
        const indices = sample(backend, indexShape, "int32", layout, () => Math.floor(random() * 2 * extent) - extent);
        const out = backend.gather(x.array, indices.array, axis);
        const rank = indexShape.length;
        const source = (index: readonly number[]) => {
          const chosen = at(indices, index.slice(axis, axis + rank));
          return [...index.slice(0, axis), (chosen + extent) % extent, ...index.slice(axis + rank)];
        };
        expect([...backend.readSync(out)]).toEqual(indicesOf(out.shape).map((index) => at(x, source(index))));

        const expected = new Array(product(shape)).fill(0);
        const values = [...backend.readSync(out)];
        indicesOf(out.shape).forEach((index, i) => {
          expected[source(index).reduce((place, j, a) => place * shape[a] + j, 0)] += values[i];
        });
        const adjoint = backend.gatherAdjoint(out, indices.array, axis, extent);
        expect(adjoint.shape).toEqual(shape);
        expect([...backend.readSync(adjoint)]).toEqual(expected);
      },
    ),
    { numRuns: 200 },
  );
});

test("long rows are gathered whole, in every dtype", () => {
  const x = sample(backend, [7, 100], "uint8", "contiguous", filler(1));
  const indices = backend.fromHost(Int32Array.of(6, 0, -1), "int32", [3]);
  const out = backend.readSync(backend.gather(x.array, indices, 0));
  expect([...out]).toEqual([6, 0, 6].flatMap((row) => x.values.slice(row * 100, row * 100 + 100)));
});

test("indices outside the axis throw, in every gathering operation", () => {
  const x = backend.full([4, 64], 1, "float32");
  const bad = backend.fromHost(Int32Array.of(4), "int32", [1]);
  expect(() => backend.gather(x, bad, 0)).toThrow(IndexError);
  expect(() => backend.gather(x, backend.fromHost(Int32Array.of(-5), "int32", [1]), 0)).toThrow(IndexError);
  expect(() => backend.gatherAdjoint(backend.full([1, 64], 1, "float32"), bad, 0, 4)).toThrow(IndexError);
});

test("takeAlongAxis reads and scatterAdd adds along an axis", () => {
  const x = backend.fromHost(Float32Array.of(1, 2, 3, 4, 5, 6), "float32", [2, 3]);
  const indices = backend.fromHost(Int32Array.of(2, 0, -1, 1), "int32", [2, 2]);
  expect([...backend.readSync(backend.takeAlongAxis(x, indices, 1))]).toEqual([3, 1, 6, 5]);
  const repeated = backend.fromHost(Int32Array.of(0, 0, 2, 0), "int32", [2, 2]);
  const source = backend.fromHost(Float32Array.of(10, 20, 30, 40), "float32", [2, 2]);
  expect([...backend.readSync(backend.scatterAdd(x, repeated, source, 1))]).toEqual([31, 2, 3, 44, 5, 36]);
});

test("random bits are those of consecutive counters", () => {
  for (const count of [0, 1, 2, 7, 16, 17, 1001]) {
    const expected = new Int32Array(count);
    for (let i = 0; i < count; i += 2) threefry2x32(0x13198a2e, 0x03707344, i / 2, 0, expected, i);
    expect([...backend.readSync(backend.randomBits(0x13198a2e, 0x03707344, count))]).toEqual([...expected]);
  }
});

test("arange and full", () => {
  expect([...backend.readSync(backend.arange(1, 0.5, 4, "float32"))]).toEqual([1, 1.5, 2, 2.5]);
  expect([...backend.readSync(backend.full([2], 7, "bool"))]).toEqual([1, 1]);
  expect([...backend.readSync(backend.full([], -3, "int32"))]).toEqual([-3]);
});
