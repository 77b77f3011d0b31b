import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { NDArray } from "../../../backend/backend.ts";
import { EagerBackend } from "../eager-backend.ts";
import { layoutArbitrary, noise, product, type Sample, sample } from "../test-arrays.ts";

const backend = new EagerBackend();

const cases = fc.record({
  rows: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 2 }),
  extent: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 257)),
  layout: layoutArbitrary,
  seed: fc.nat(),
});

function rowsOf(x: Sample): number[][] {
  const extent = x.array.shape[x.array.shape.length - 1];
  return Array.from({ length: product(x.array.shape) / extent }, (_, row) =>
    x.values.slice(row * extent, (row + 1) * extent),
  );
}

function expectNear(out: NDArray, expected: number[], tolerance: number) {
  const got = backend.readSync(out);
  expect(got.length).toBe(expected.length);
  expected.forEach((value, i) => {
    if (!(Math.abs(got[i] - value) <= tolerance * Math.max(1, Math.abs(value)))) {
      expect([i, got[i]]).toEqual([i, value]);
    }
  });
}

const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);

describe.each([
  ["float32", 2e-6],
  ["float64", 1e-13],
] as const)("%s", (dtype, tolerance) => {
  const make = (rows: number[], extent: number, layout: Parameters<typeof sample>[3], seed: number, scale = 4) => {
    const random = noise(seed);
    return sample(backend, [...rows, extent], dtype, layout, () => (random() - 0.5) * scale);
  };

  test("softmax, its logarithm and its adjoint", () => {
    fc.assert(
      fc.property(cases, ({ rows, extent, layout, seed }) => {
        const x = make(rows, extent, layout, seed, 30);
        const ct = make(rows, extent, layout, seed + 1);
        const sums = rowsOf(x).map((row) => row.reduce((sum, value) => sum + Math.exp(value), 0));
        const probabilities = rowsOf(x).map((row, i) => row.map((value) => Math.exp(value) / sums[i]));
        expectNear(backend.softmax(x.array), probabilities.flat(), tolerance);
        const logs = rowsOf(x).flatMap((row, i) => row.map((value) => value - Math.log(sums[i])));
        expectNear(backend.logSoftmax(x.array), logs, tolerance);
        const expected = rowsOf(ct).flatMap((row, i) =>
          row.map((value, j) => probabilities[i][j] * (value - dot(row, probabilities[i]))),
        );
        expectNear(backend.softmaxAdjoint(backend.softmax(x.array), ct.array), expected, 4 * tolerance);
      }),
      { numRuns: 150 },
    );
  });

  test("RMS normalisation, and its adjoint against central differences", () => {
    fc.assert(
      fc.property(cases, fc.boolean(), ({ rows, extent, layout, seed }, weighted) => {
        const x = make(rows, extent, layout, seed);
        const ct = make(rows, extent, layout, seed + 1);
        const w = make([], extent, "contiguous", seed + 2);
        const norm = (values: number[], weight: number[]) => {
          const inverse = 1 / Math.sqrt(dot(values, values) / extent + 0.1);
          return values.map((value, i) => value * inverse * (weighted ? weight[i] + 1 : 1));
        };
        const weight = weighted ? w.array : undefined;
        const expected = rowsOf(x).flatMap((row) => norm(row, w.values));
        expectNear(backend.rmsNorm(x.array, weight, 0.1, 1), expected, tolerance);

        const cotangents = rowsOf(ct);
        const inner = (row: number, values: number[], scale: number[]) => dot(norm(values, scale), cotangents[row]);
        const h = 1e-3;
        const nudged = (values: number[], j: number, by: number) =>
          values.map((value, i) => (i === j ? value + by : value));
        // Fourth order: a smaller step of second order would drown in the rounding of long sums.
        const slope = (f: (by: number) => number) => (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
        const dx = rowsOf(x).flatMap((row, r) =>
          row.map((_, j) => slope((by) => inner(r, nudged(row, j, by), w.values))),
        );
        const out = backend.rmsNormAdjoint(x.array, weight, 0.1, 1, ct.array);
        expectNear(out.x, dx, Math.max(10 * tolerance, 1e-7));
        if (out.weight === undefined) expect(weighted).toBe(false);
        else {
          // The derivative by a weight is the row normalised without it.
          const bare = w.values.map(() => 0);
          const dw = w.values.map((_, j) =>
            rowsOf(x).reduce((sum, row, r) => sum + norm(row, bare)[j] * cotangents[r][j], 0),
          );
          expectNear(out.weight, dw, 10 * tolerance);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("rotary embedding turns pairs, and its adjoint turns them back", () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 20 }), ({ rows, extent, layout, seed }, half) => {
        const sequence = 1 + (extent % 5);
        const x = make([...rows, sequence], 2 * half, layout, seed);
        const angle = (position: number, i: number) => position * 0.7 + i * 0.3;
        const table = (f: (a: number) => number) => {
          const values = Array.from({ length: sequence * half }, (_, i) => f(angle(Math.floor(i / half), i % half)));
          const host = dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
          return backend.fromHost(host, dtype, [sequence, half]);
        };
        const expected = rowsOf(x).flatMap((row, r) =>
          row.map((value, i) => {
            const a = angle(r % sequence, i % half);
            return i < half
              ? value * Math.cos(a) - row[i + half] * Math.sin(a)
              : value * Math.cos(a) + row[i - half] * Math.sin(a);
          }),
        );
        const turned = backend.rotary(x.array, table(Math.cos), table(Math.sin), 1);
        expectNear(turned, expected, tolerance);
        expectNear(backend.rotary(turned, table(Math.cos), table(Math.sin), -1), x.values, tolerance);
      }),
      { numRuns: 80 },
    );
  });

  test("-Infinity has probability 0, NaN spreads along its row only", () => {
    const values = [-Infinity, 0, 0, -Infinity, -Infinity, 1, NaN, 2, 3, 4];
    const host = dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
    const out = [...backend.readSync(backend.softmax(backend.fromHost(host, dtype, [2, 5])))];
    expect(out.slice(0, 5)).toEqual([0, 0.5, 0.5, 0, 0]);
    expect(out.slice(5)).toEqual([NaN, NaN, NaN, NaN, NaN]);
  });
});

test("a long row of softmax sums to one", () => {
  const random = noise(1);
  const x = sample(backend, [262_144], "float32", "contiguous", () => random() * 10);
  const sum = [...backend.readSync(backend.softmax(x.array))].reduce((a, b) => a + b, 0);
  expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
});
