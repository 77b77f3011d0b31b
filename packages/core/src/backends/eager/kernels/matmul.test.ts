import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { NDArray } from "../../../backend/backend.ts";
import { EagerBackend } from "../eager-backend.ts";
import { layoutArbitrary, noise, product, type Sample, sample } from "../test-arrays.ts";

const backend = new EagerBackend();

/** The product by its definition in float64, and the sum of magnitudes that bounds its rounding error. */
function reference(a: Sample, b: Sample, transposeA: boolean, transposeB: boolean) {
  const [m0, k0] = a.array.shape.slice(-2);
  const [m, k] = transposeA ? [k0, m0] : [m0, k0];
  const n = transposeB ? b.array.shape[b.array.shape.length - 2] : b.array.shape[b.array.shape.length - 1];
  const batches = product(a.array.shape.slice(0, -2));
  const values: number[] = [];
  const bounds: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        let magnitude = 0;
        for (let l = 0; l < k; l++) {
          const x = a.values[batch * m * k + (transposeA ? l * m + i : i * k + l)];
          const y = b.values[batch * k * n + (transposeB ? j * k + l : l * n + j)];
          sum += x * y;
          magnitude += Math.abs(x * y);
        }
        values.push(sum);
        bounds.push(magnitude);
      }
    }
  }
  return { values, bounds, shape: [...a.array.shape.slice(0, -2), m, n] };
}

function check(a: Sample, b: Sample, transposeA: boolean, transposeB: boolean, epsilon: number) {
  const out: NDArray = backend.matmul(a.array, b.array, transposeA, transposeB);
  const expected = reference(a, b, transposeA, transposeB);
  expect(out.shape).toEqual(expected.shape);
  const got = backend.readSync(out);
  expect(got.length).toBe(expected.values.length);
  for (let i = 0; i < got.length; i++) {
    if (!(Math.abs(got[i] - expected.values[i]) <= epsilon * expected.bounds[i])) {
      expect([i, got[i]]).toEqual([i, expected.values[i]]);
    }
  }
}

const swapIf = (swap: boolean, rows: number, columns: number) => (swap ? [columns, rows] : [rows, columns]);

test.each(["float32", "float64"] as const)("%s products of any layout equal their definition", (dtype) => {
  const extent = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(0, 1, 2, 3, 31, 65));
  fc.assert(
    fc.property(
      fc.tuple(extent, extent, extent, fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 })),
      fc.tuple(fc.boolean(), fc.boolean(), layoutArbitrary, layoutArbitrary, fc.nat()),
      ([m, k, n, lead], [transposeA, transposeB, layoutA, layoutB, seed]) => {
        const random = noise(seed);
        const fill = () => random() * 2 - 1;
        const a = sample(backend, [...lead, ...swapIf(transposeA, m, k)], dtype, layoutA, fill);
        const b = sample(backend, [...lead, ...swapIf(transposeB, k, n)], dtype, layoutB, fill);
        check(a, b, transposeA, transposeB, dtype === "float32" ? 1e-6 : 1e-14);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  [130, 259, 70],
  [257, 520, 9],
  [5, 300, 1030],
  [1, 700, 333],
  [2, 513, 130],
  [333, 700, 1],
])("blocks meet without a seam: %i × %i × %i", (m, k, n) => {
  const random = noise(m);
  const fill = () => random() * 2 - 1;
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const a = sample(backend, swapIf(transposeA, m, k), "float32", "contiguous", fill);
      const b = sample(backend, swapIf(transposeB, k, n), "float32", "contiguous", fill);
      check(a, b, transposeA, transposeB, 1e-6);
    }
  }
});

test("a batch axis of stride 0 reads one matrix for all", () => {
  const random = noise(5);
  const one = sample(backend, [3, 4], "float32", "contiguous", random);
  const many = sample(backend, [2, 4, 5], "float32", "contiguous", random);
  const stretched = { ...one.array, shape: [2, 3, 4], strides: [0, 4, 1] };
  check({ array: stretched, values: [...one.values, ...one.values] }, many, false, false, 1e-6);
});

test("integers wrap", () => {
  const a = backend.fromHost(Int32Array.of(2 ** 30, 3, 65537, -7), "int32", [2, 2]);
  const b = backend.fromHost(Int32Array.of(4, 65537, 5, 1), "int32", [2, 2]);
  const wrap = (x: bigint) => Number(BigInt.asIntN(32, x));
  expect([...backend.readSync(backend.matmul(a, b, false, false))]).toEqual(
    [2n ** 30n * 4n + 15n, 2n ** 30n * 65537n + 3n, 65537n * 4n - 35n, 65537n * 65537n - 7n].map(wrap),
  );
});

test("NaN and Infinity reach exactly the results they belong to", () => {
  const a = backend.fromHost(Float32Array.of(NaN, 1, 0, 2, 3, 0), "float32", [2, 3]);
  const b = backend.fromHost(Float32Array.of(1, 1, 1, 1, Infinity, 1), "float32", [3, 2]);
  expect([...backend.readSync(backend.matmul(a, b, false, false))]).toEqual([NaN, NaN, NaN, 5]);
});
