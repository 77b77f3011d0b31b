/** Gathering, scattering and windows in generated code against plain loops over ordinary arrays. */
import { expect, test } from "@jest/globals";
import type { NDArray } from "../../../backend/backend.ts";
import { IndexError } from "../../../errors.ts";
import { sizeOf } from "../arrays.ts";
import { EagerBackend } from "../eager-backend.ts";
import { noise } from "../test-arrays.ts";

const backend = new EagerBackend({ threads: 1 });
const random = noise(11);
const floats = (shape: readonly number[]): NDArray =>
  backend.fromHost(
    Float32Array.from({ length: sizeOf(shape) }, () => random() - 0.5),
    "float32",
    shape,
  );
const integers = (shape: readonly number[], low: number, high: number): NDArray =>
  backend.fromHost(
    Int32Array.from({ length: sizeOf(shape) }, () => low + Math.floor(random() * (high - low))),
    "int32",
    shape,
  );

const shapes = [
  [[100], [70], 0],
  [[3, 40, 5], [3, 29, 5], 1],
  [[4, 6, 30], [4, 6, 90], 2],
] as const;

test.each(shapes)("along an axis of %j at %j", (whole, part, axis) => {
  const extent = whole[axis] as number;
  const x = floats(whole);
  const indices = integers(part, -extent, extent);
  const source = floats(part);
  const [outer, inner] = [sizeOf(whole.slice(0, axis)), sizeOf(whole.slice(axis + 1))];
  const count = part[axis] as number;
  const [values, at, added] = [x, indices, source].map((a) => backend.readSync(a)) as [
    Float32Array,
    Int32Array,
    Float32Array,
  ];
  const taken = new Float32Array(sizeOf(part));
  const sums = Float32Array.from(values);
  for (let o = 0; o < outer; o++)
    for (let k = 0; k < count; k++)
      for (let i = 0; i < inner; i++) {
        const cell = (o * count + k) * inner + i;
        const place = (o * extent + ((at[cell] + extent) % extent)) * inner + i;
        taken[cell] = values[place];
        sums[place] += added[cell];
      }
  expect(backend.readSync(backend.takeAlongAxis(x, indices, axis))).toEqual(taken);
  expect(backend.readSync(backend.scatterAdd(x, indices, source, axis))).toEqual(sums);
  // Nothing happened to what was added to.
  expect(backend.readSync(x)).toEqual(values);
});

test("an index outside is an error that names it", () => {
  const indices = integers([80], 0, 80);
  const outside = backend.fromHost(
    Int32Array.from(backend.readSync(indices), (at, i) => (i === 60 ? 99 : at)),
    "int32",
    [80],
  );
  expect(() => backend.takeAlongAxis(floats([80]), outside, 0)).toThrow(IndexError);
  expect(() => backend.takeAlongAxis(floats([80]), outside, 0)).toThrow(
    "takeAlongAxis: index 99 is outside an axis of 80",
  );
  expect(() => backend.scatterAdd(floats([80]), outside, floats([80]), 0)).toThrow("scatterAdd: index 99");
});

test.each([
  [2, 2, 28, 28],
  [3, 2, 29, 11],
  [2, 2, 10, 10],
  [3, 3, 12, 12],
])("windows of %i, %i apart, over %i x %i", (taps, stride, height, width) => {
  const given = Float32Array.from({ length: 6 * height * width }, () => Math.round(random() * 20));
  given[17] = given[200] = given[201] = Number.NaN;
  const axis = (extent: number) => {
    const start = Array.from({ length: Math.floor((extent - taps) / stride) + 1 }, (_, i) => i * stride);
    return { start, count: start.map(() => taps), step: 1 };
  };
  const [down, across] = [axis(height), axis(width)];
  const want: number[] = [];
  for (let plane = 0; plane < 6; plane++)
    for (const y of down.start)
      for (const x of across.start) {
        const places = Array.from(
          { length: taps * taps },
          (_, i) => (y + Math.floor(i / taps)) * width + x + (i % taps),
        );
        const value = (place: number) => given[plane * height * width + place] as number;
        const missing = places.find((place) => Number.isNaN(value(place)));
        want.push(missing ?? places.reduce((best, place) => (value(place) > value(best) ? place : best)));
      }
  const x = backend.fromHost(given, "float32", [2, 3, height, width]);
  expect(Array.from(backend.readSync(backend.windowArgmax(x, [down, across])))).toEqual(want);
});
