import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { BinaryOp, UnaryOp } from "../../../backend/backend.ts";
import type { DType } from "../../../dtype.ts";
import { EagerBackend } from "../eager-backend.ts";
import { indicesOf, layoutArbitrary, noise, product, type Sample, sample, shapeArbitrary } from "../test-arrays.ts";

const backend = new EagerBackend();

/** The value of a sample at an index of the larger shape it broadcasts to. */
function broadcastValue(x: Sample, index: readonly number[]): number {
  const { shape } = x.array;
  const own = index.slice(index.length - shape.length).map((i, axis) => (shape[axis] === 1 ? 0 : i));
  return x.values[own.reduce((at, i, axis) => at * shape[axis] + i, 0)];
}

const definitions: Partial<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  equal: (a, b) => Number(a === b),
  notEqual: (a, b) => Number(a !== b),
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  logicalXor: (a, b) => Number((a !== 0) !== (b !== 0)),
};
const ops = Object.keys(definitions) as BinaryOp[];

/** Which axes of an operand are stretched from 1, and how many leading ones it lacks. */
const narrowing = fc.record({ ones: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), drop: fc.nat(4) });
type Narrowing = { ones: boolean[]; drop: number };
const narrowed = (shape: readonly number[], { ones, drop }: Narrowing) =>
  shape.map((extent, axis) => (ones[axis] ? 1 : extent)).slice(Math.min(drop, shape.length));

/** Few distinct values, so that equality and ties happen; sometimes NaN and Infinity. */
const valuesOf = (seed: number) => {
  const random = noise(seed);
  const pool = [0, 1, -1, 0.5, -2, 3, NaN, Infinity];
  return () => pool[Math.floor(random() * pool.length)];
};

function expectSame(got: ArrayLike<number>, expected: readonly number[], dtype: DType) {
  expect(got.length).toBe(expected.length);
  const round = dtype === "float32" ? Math.fround : (x: number) => x;
  for (let i = 0; i < got.length; i++) {
    if (!(got[i] === round(expected[i]) || (Number.isNaN(got[i]) && Number.isNaN(expected[i])))) {
      expect([i, got[i]]).toEqual([i, expected[i]]);
    }
  }
}

describe.each(["float32", "float64"] as const)("%s", (dtype) => {
  test("binary operations broadcast operands of any layout", () => {
    fc.assert(
      fc.property(
        fc.tuple(shapeArbitrary, narrowing, narrowing, fc.constantFrom(...ops)),
        fc.tuple(layoutArbitrary, layoutArbitrary, fc.nat()),
        ([full, narrowA, narrowB, op], [layoutA, layoutB, seed]) => {
          fc.pre(product(full) < 20_000);
          const a = sample(backend, narrowed(full, narrowA), dtype, layoutA, valuesOf(seed));
          const b = sample(backend, narrowed(full, narrowB), dtype, layoutB, valuesOf(seed + 1));
          const rank = Math.max(a.array.shape.length, b.array.shape.length);
          const extent = (x: Sample, axis: number) => x.array.shape[axis - rank + x.array.shape.length] ?? 1;
          const shape = Array.from({ length: rank }, (_, axis) =>
            extent(a, axis) === 1 ? extent(b, axis) : extent(a, axis),
          );
          const f = definitions[op] as (a: number, b: number) => number;
          const expected = indicesOf(shape).map((index) => f(broadcastValue(a, index), broadcastValue(b, index)));
          const out = backend.binary(op, a.array, b.array);
          expect(out.shape).toEqual(shape);
          expectSame(backend.readSync(out), expected, out.dtype);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("scalars stand on either side", () => {
    fc.assert(
      fc.property(shapeArbitrary, layoutArbitrary, fc.constantFrom(...ops), fc.boolean(), fc.nat(), (...args) => {
        const [shape, layout, op, reversed, seed] = args;
        fc.pre(product(shape) < 20_000);
        const x = sample(backend, shape, dtype, layout, valuesOf(seed));
        const f = definitions[op] as (a: number, b: number) => number;
        const out = backend.binaryScalar(op, x.array, 0.5, reversed);
        expectSame(
          backend.readSync(out),
          x.values.map((value) => (reversed ? f(0.5, value) : f(value, 0.5))),
          out.dtype,
        );
      }),
      { numRuns: 200 },
    );
  });

  test("where takes exactly the chosen branch, clip keeps NaN", () => {
    fc.assert(
      fc.property(
        fc.tuple(shapeArbitrary, narrowing, narrowing, narrowing),
        fc.tuple(layoutArbitrary, layoutArbitrary, layoutArbitrary, fc.nat()),
        ([full, narrowC, narrowA, narrowB], [layoutC, layoutA, layoutB, seed]) => {
          fc.pre(product(full) < 20_000);
          const random = noise(seed);
          const c = sample(backend, narrowed(full, narrowC), "bool", layoutC, () => Number(random() < 0.5));
          const a = sample(backend, narrowed(full, narrowA), dtype, layoutA, valuesOf(seed));
          const b = sample(backend, narrowed(full, narrowB), dtype, layoutB, valuesOf(seed + 1));
          const out = backend.where(c.array, a.array, b.array);
          const expected = indicesOf(out.shape).map((index) =>
            broadcastValue(broadcastValue(c, index) !== 0 ? a : b, index),
          );
          expectSame(backend.readSync(out), expected, dtype);
          const clipped = a.values.map((x) => Math.min(Math.max(x, -0.75), 1));
          expectSame(backend.readSync(backend.clip(a.array, -0.75, 1)), clipped, dtype);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("copies and unary operations read any layout", () => {
    fc.assert(
      fc.property(shapeArbitrary, layoutArbitrary, fc.nat(), (shape, layout, seed) => {
        fc.pre(product(shape) < 40_000);
        const x = sample(backend, shape, dtype, layout, valuesOf(seed));
        expectSame(backend.readSync(backend.contiguous(x.array)), x.values, dtype);
        expectSame(backend.readSync(x.array), x.values, dtype);
        expectSame(
          backend.readSync(backend.unary("neg", x.array)),
          x.values.map((value) => -value),
          dtype,
        );
      }),
      { numRuns: 200 },
    );
  });
});

test("large matrices transpose, odd edges included", () => {
  for (const shape of [
    [70, 131],
    [3, 64, 33],
    [128, 128],
  ] as const) {
    const x = sample(backend, shape, "float32", "permuted", noise(3));
    expectSame(backend.readSync(backend.contiguous(x.array)), x.values, "float32");
  }
});

describe("integers", () => {
  const int32 = (...values: number[]) => backend.fromHost(Int32Array.from(values), "int32", [values.length]);
  const run = (op: BinaryOp, a: number[], b: number[]) => [
    ...backend.readSync(backend.binary(op, int32(...a), int32(...b))),
  ];

  test("wrap and divide as NumPy", () => {
    expect(run("add", [2147483647, -2147483648], [1, -1])).toEqual([-2147483648, 2147483647]);
    expect(run("mul", [65537, 1 << 30], [65537, 4])).toEqual([131073, 0]);
    expect(run("floorDiv", [7, -7, 7, -7, 5], [2, 2, -2, -2, 0])).toEqual([3, -4, -4, 3, 0]);
    expect(run("remainder", [7, -7, 7, -7, 5], [3, 3, -3, -3, 0])).toEqual([1, 2, -2, -1, 0]);
    expect(run("fmod", [7, -7, 7, -7, 5], [3, 3, -3, -3, 0]).map((x) => x + 0)).toEqual([1, -1, 1, -1, 0]);
    expect(run("pow", [2, 3, -2, 7, 2], [10, 21, 3, 0, -1])).toEqual([1024, 1870418611, -8, 1, 0]);
  });

  test("8-bit types wrap, scalars adopt the array's dtype", () => {
    const bytes = backend.fromHost(Uint8Array.of(250, 5), "uint8", [2]);
    expect([...backend.readSync(backend.binary("add", bytes, bytes))]).toEqual([244, 10]);
    expect([...backend.readSync(backend.binaryScalar("sub", bytes, 6, false))]).toEqual([244, 255]);
  });
});

describe("floating edges", () => {
  const float = (...values: number[]) => backend.fromHost(Float64Array.from(values), "float64", [values.length]);
  const run = (op: BinaryOp, a: number[], b: number[]) => [
    ...backend.readSync(backend.binary(op, float(...a), float(...b))),
  ];

  test("floorDiv and remainder follow Python", () => {
    expect(run("floorDiv", [7.5, -7.5, 1, 1, -5], [2, 2, 0.1, 0, Infinity])).toEqual([3, -4, 9, Infinity, -1]);
    expect(run("remainder", [7.5, -7.5, 7.5, -7.5], [2, 2, -2, -2])).toEqual([1.5, 0.5, -0.5, -1.5]);
    expect(run("remainder", [1], [0])).toEqual([NaN]);
  });

  test("pow, hypot, logAddExp", () => {
    expect(run("pow", [0, 1, -8, -2, 1], [0, NaN, 1 / 3, 3, Infinity])).toEqual([1, 1, NaN, -8, 1]);
    expect(run("hypot", [3e200], [4e200])[0] / 5e200).toBeCloseTo(1, 14);
    expect(run("logAddExp", [-Infinity, 1000, Infinity], [-Infinity, 1000, 1])).toEqual([
      -Infinity,
      1000 + Math.LN2,
      Infinity,
    ]);
  });

  test("round goes half to even", () => {
    const x = float(0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 2.5000000001);
    const rounded = [...backend.readSync(backend.unary("round", x))].map((value) => value + 0);
    expect(rounded).toEqual([0, 2, 2, 0, -2, -2, 0, 3]);
  });

  test.each<[UnaryOp, number, number]>([
    ["softplus", -100, Math.exp(-100)],
    ["softplus", 100, 100],
    ["expm1", 1e-10, 1.00000000005e-10],
    ["log1p", 1e-10, 9.9999999995e-11],
    ["logSigmoid", -1000, -1000],
  ])("%s(%d) is %d", (op, x, expected) => {
    expect(backend.readSync(backend.unary(op, float(x)))[0] / expected).toBeCloseTo(1, 12);
  });
});

test("half types compute in float32 and round once", () => {
  // 1 + 2^-7 and 1 in bfloat16: the sum 2 + 2^-7 lies half way between 2 and 2 + 2^-6, and goes to even.
  const x = backend.fromHost(Uint16Array.of(0x3f81, 0x3f80), "bfloat16", [2]);
  const y = backend.fromHost(Uint16Array.of(0x3f80, 0x3f80), "bfloat16", [2]);
  expect([...backend.readSync(backend.binary("add", x, y))]).toEqual([0x4000, 0x4000]);
  const wide = backend.cast(backend.fromHost(Float32Array.of(1, -2.5, 65504, 1e6), "float32", [4]), "float16");
  expect([...backend.readSync(wide)]).toEqual([0x3c00, 0xc100, 0x7bff, 0x7c00]);
  expect([...backend.readSync(backend.cast(wide, "float32"))]).toEqual([1, -2.5, 65504, Infinity]);
});

test("casts truncate toward zero, NaN to 0, bool is not zero", () => {
  const x = backend.fromHost(Float32Array.of(1.9, -1.9, NaN, 0, 0.1), "float32", [5]);
  expect([...backend.readSync(backend.cast(x, "int32"))]).toEqual([1, -1, 0, 0, 0]);
  expect([...backend.readSync(backend.cast(x, "bool"))]).toEqual([1, 1, 1, 0, 1]);
});
