import { beforeAll, describe, expect, test } from "@jest/globals";
import { type Tensor, tensor, useBackend, where, withBackend } from "../../index.ts";
import { registerGraphics } from "./test-graphics.ts";

let device = "";
beforeAll(async () => {
  device = await registerGraphics();
  await useBackend(device);
});

type Unary = (x: Tensor) => Tensor;

/** Functions, what is right for them, and magnitudes between which they are asked for. */
const functions: readonly (readonly [name: keyof Tensor, f: (x: number) => number, least: number, most: number])[] = [
  ["sin", Math.sin, 1e-6, 1.9e5],
  ["cos", Math.cos, 1e-6, 1.9e5],
  ["tan", Math.tan, 1e-6, 1.9e5],
  ["asin", Math.asin, 1e-6, 1],
  ["acos", Math.acos, 1e-6, 1],
  ["atan", Math.atan, 1e-6, 1e6],
  ["sinh", Math.sinh, 1e-6, 88],
  ["cosh", Math.cosh, 1e-6, 88],
  ["tanh", Math.tanh, 1e-6, 100],
  ["asinh", Math.asinh, 1e-6, 1e20],
  ["acosh", Math.acosh, 1, 1e20],
  ["atanh", Math.atanh, 1e-6, 0.9999],
  ["expm1", Math.expm1, 1e-6, 88],
  ["log", Math.log, 1e-30, 1e30],
  ["log1p", Math.log1p, 1e-6, 1e30],
];

test.each(functions)("%s is exact to some units in the last place", async (name, f, least, most) => {
  const signs =
    Number.isNaN(f(-least)) || f(-most) === Number.NEGATIVE_INFINITY || Number.isNaN(f(-most)) ? [1] : [1, -1];
  const count = 4000;
  const magnitudes = Array.from({ length: count }, (_, i) => least * (most / least) ** (i / (count - 1)));
  const x = Float32Array.from(signs.flatMap((sign) => magnitudes.map((m) => sign * m)));
  const got = (tensor(x)[name] as () => Tensor)().dataSync();
  let worst = 0;
  for (let i = 0; i < x.length; i++) {
    const want = f(x[i]!);
    worst = Math.max(worst, Math.abs(got[i]! - want) / Math.max(Math.abs(want), 1e-35));
  }
  expect(worst).toBeLessThan(8 * 2 ** -24);
});

const special = [0, -0, 1, -1, 2, -2, 3, 0.5, -0.5, -3, Infinity, -Infinity, NaN, 2 ** 100, -(2 ** 100)];

test.each<readonly [string, Unary, (x: number) => number]>([
  ["sin", (x) => x.sin(), Math.sin],
  ["atan", (x) => x.atan(), Math.atan],
  ["asin", (x) => x.asin(), Math.asin],
  ["acos", (x) => x.acos(), Math.acos],
  ["sinh", (x) => x.sinh(), Math.sinh],
  ["cosh", (x) => x.cosh(), Math.cosh],
  ["tanh", (x) => x.tanh(), Math.tanh],
  ["asinh", (x) => x.asinh(), Math.asinh],
  ["acosh", (x) => x.acosh(), Math.acosh],
  ["atanh", (x) => x.atanh(), Math.atanh],
  ["expm1", (x) => x.expm1(), Math.expm1],
  ["log", (x) => x.log(), Math.log],
  ["relu", (x) => x.relu(), (x) => (Number.isNaN(x) ? x : Math.max(x, 0))],
])("%s of zeros, infinities and NaN", (_, f, expected) => {
  const got = f(tensor(special)).dataSync();
  special.forEach((x, i) => {
    const want = Math.fround(expected(x));
    if (want === 0 || !Number.isFinite(want)) expect([x, got[i]]).toEqual([x, want]);
    else expect(got[i]! / want).toBeCloseTo(1, 5);
  });
});

describe("of two operands", () => {
  const [rows, columns] = [special, special];
  /** Every pair: a column beside a row. */
  const table = (f: (a: Tensor, b: Tensor) => Tensor): number[][] =>
    f(tensor(rows).expandDims(1), tensor(columns)).toArray() as number[][];

  test.each<readonly [string, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number]>([
    ["atan2", (a, b) => a.atan2(b), Math.atan2],
    ["div", (a, b) => a.div(b), (a, b) => a / b],
    // IEEE 754: 1 to any power, and -1 to an infinite one, is 1.
    ["pow", (a, b) => a.pow(b), (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b)],
  ])("%s of every pair", (_, f, expected) => {
    const got = table(f);
    rows.forEach((a, i) => {
      columns.forEach((b, j) => {
        const want = Math.fround(expected(a, b));
        const place = `${a}, ${b}:`;
        // The cpu engine's own quotient of equal operands is right; what is denormal may be 0.
        if (want === 0 || !Number.isFinite(want)) expect([place, got[i]![j]]).toEqual([place, want]);
        else expect([place, got[i]![j]! / want]).toEqual([place, expect.closeTo(1, 5)]);
      });
    });
  });

  test("whole exponents", () => {
    const x = tensor([-2, -0.5, 0, 3]);
    for (const n of [1, 2, 3, 4, 5, -1])
      expect(x.pow(n).toArray()).toEqual([-2, -0.5, 0, 3].map((v) => Math.fround(v ** n)));
  });
});

test("arrays of many axes are padded, repeated, turned, summed up and chosen from as on eager", async () => {
  const shape = [2, 3, 2, 2, 3, 2];
  const data = Float32Array.from({ length: 144 }, (_, i) => Math.fround(Math.sin(i + 1)));
  const work = (): Tensor[] => {
    const x = tensor(data, { shape });
    const y = x.pad([[1, 0], [0, 0], [0, 2], [1, 1], [0, 0], [2, 0]], { value: 0.5 }); // biome-ignore format: six axes
    const mask = x.greater(0);
    return [y, x.flip([1, 3, 5]), x.tile([2, 1, 1, 3, 1, 2]), x.cumsum(3), x.cumprod(1), where(mask, x, x.neg())];
  };
  const got = work();
  const want = await withBackend("eager", work);
  got.forEach((x, i) => {
    expect(x.device).toBe(device);
    expect(x.shape).toEqual(want[i]!.shape);
    const expected = want[i]!.dataSync();
    x.dataSync().forEach((value, j) => {
      expect(value).toBeCloseTo(expected[j]!, 5);
    });
  });
});

test("extrema beyond what kernels start from", () => {
  const x = tensor([
    [-Infinity, -Infinity],
    [-3e38, -1.5e30],
    [-1e20, -2e20],
    [-Infinity, 1e-40],
    [5, -1e30],
  ]);
  expect(x.max(1).toArray()).toEqual([-Infinity, -1.5e30, -1e20, 1e-40, 5].map(Math.fround));
  expect(x.neg().min(1).toArray()).toEqual([Infinity, 1.5e30, 1e20, -1e-40, -5].map(Math.fround));
});
