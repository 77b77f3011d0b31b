import { expect, test } from "@jest/globals";
import { mathDerivative } from "./math.ts";

const points: Record<string, number[][]> = {
  acosh: [[1.3], [4]],
  atan2: [
    [1, 2],
    [-1, -2],
    [0.5, -3],
  ],
  pow: [
    [2, 3],
    [1.5, -0.5],
    [3, 0],
  ],
  hypot: [[3, 4], [1, -2, 3], [5]],
  max: [
    [1, 2],
    [3, -1, 2],
  ],
  min: [
    [1, 2],
    [3, -1, 2],
  ],
  log: [[0.3], [2]],
  log10: [[0.3], [2]],
  log2: [[0.3], [2]],
  sqrt: [[0.3], [2]],
};

/** Random, integer-valued or bitwise functions have no derivative. */
const without = ["random", "imul", "clz32", "f16round", "sumPrecise"];

const names = Object.getOwnPropertyNames(Math).filter(
  (name) => typeof Math[name as keyof Math] === "function" && !without.includes(name),
);

test.each(names)("Math.%s against central differences", (name) => {
  const fn = Math[name as "sin"] as (...args: number[]) => number;
  const registered = mathDerivative(fn)?.registered;
  if (registered === undefined) throw new Error(`no rule for Math.${name}`);
  for (const args of points[name] ?? [[0.3], [-0.7]]) {
    const { value, pullback } = registered.vjp(...args);
    const forward = registered.jvp?.(...args);
    expect(forward?.value).toBe(value);
    expect(value).toBe(fn(...args));
    const result = pullback(1);
    const slopes = Array.isArray(result) ? result : [result];
    expect(slopes).toHaveLength(args.length);
    // A step that single precision resolves: Math.fround is the identity up to its rounding.
    const h = name === "fround" ? 1e-2 : 1e-6;
    for (const [i, slope] of slopes.entries()) {
      const at = (step: number) => fn(...args.map((x, j) => (j === i ? x + step : x)));
      expect(forward?.differential(...args.map((_, j) => (j === i ? 1 : 0)))).toBe(slope);
      expect(slope).toBeCloseTo((at(h) - at(-h)) / (2 * h), 5);
    }
  }
});

test("conventions at kinks", () => {
  const slope = (fn: unknown, ...args: number[]) =>
    mathDerivative(fn)
      ?.registered?.vjp(...args)
      .pullback(1);
  expect(slope(Math.abs, 0)).toBe(0);
  expect(slope(Math.max, 2, 2)).toEqual([0.5, 0.5]);
  expect(slope(Math.min, 2, 1, 1)).toEqual([0, 0.5, 0.5]);
  expect(slope(Math.hypot, 0, 0)).toEqual([0, 0]);
  expect(slope(Math.pow, 0, 0)).toEqual([0, 0]);
  expect(slope(Math.pow, 0, 2)).toEqual([0, 0]);
  expect(mathDerivative(Math.random)).toBeUndefined();
});
