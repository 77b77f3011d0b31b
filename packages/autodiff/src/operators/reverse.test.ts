import { expect, test } from "@jest/globals";
import { gradient, move, pullback, valueWithGradient, valueWithPullback } from "../index.ts";
import { centralDifferences } from "../testdata/central-differences.ts";
import { codeOf } from "../testdata/code-of.ts";
import {
  Charge,
  chained,
  doubledDot,
  product,
  Spring,
  same,
  scaled,
  timesRest,
  totalEnergy,
} from "../testdata/functions.ts";
import type { DifferentiableFunction } from "../types/index.ts";

/** Compares every number of a gradient with central differences. */
function expectGradient(actual: any, expected: any): void {
  if (typeof expected === "number") expect(actual).toBeCloseTo(expected, 6);
  else if (Array.isArray(expected)) for (const [i, item] of expected.entries()) expectGradient(actual[i], item);
  else
    for (const key of Object.keys(expected))
      if (expected[key] !== undefined) expectGradient(actual[key], expected[key]);
}

test("by-value parameters, jointly and in two sweeps", () => {
  expectGradient(gradient(product)(2, 1), centralDifferences(product, [2, 1]));
  expect(gradient(product)(2, 1)).toEqual([Math.sin(1), 2 * Math.cos(1)]);
  expect(valueWithGradient(product)(2, 1)).toEqual({
    value: 2 * Math.sin(1),
    gradient: [Math.sin(1), 2 * Math.cos(1)],
  });
  expect(pullback(product)(2, 1)(3)).toEqual([3 * Math.sin(1), 3 * 2 * Math.cos(1)]);
});

test("wrt picks the variant: exact, or a superset where the exact one is missing", () => {
  expect(gradient(product, { wrt: 0 })(2, 1)).toBe(Math.sin(1));
  expect(gradient(product, { wrt: 1 })(2, 1)).toBe(2 * Math.cos(1));
  expect(gradient(product, { wrt: [1] })(2, 1)).toEqual([2 * Math.cos(1)]);
  expect(gradient(product, { wrt: [1, 0] })(2, 1)).toEqual([2 * Math.cos(1), Math.sin(1)]);
  expect(codeOf(() => gradient(product, { wrt: [2] as unknown as [0] }))).toBe("PB2005");
  expect(codeOf(() => gradient(product, { wrt: [0, 0] }))).toBe("PB2005");
  expect(codeOf(() => gradient(product, { wrt: [] }))).toBe("PB2002");
});

test("gradientDtype: numbers have one precision, and only float32 is wider than half", () => {
  expect(gradient(product, { gradientDtype: "float32" })(2, 1)).toEqual(gradient(product)(2, 1));
  expect(pullback(product, { wrt: 1, gradientDtype: "float32" })(2, 1)(1)).toBe(2 * Math.cos(1));
  expect(codeOf(() => valueWithGradient(product, { gradientDtype: "float64" as "float32" }))).toBe("PB2013");
});

test("array code with writes", () => {
  const args: [number[], number] = [[0.5, 1, -0.25, 2], 0.3];
  expectGradient(gradient(chained)([...args[0]], args[1]), centralDifferences(chained, args));
  const [da] = gradient(chained, { wrt: [0] })([...args[0]], args[1]);
  expectGradient(da, centralDifferences(chained, args)[0]);
});

test("writing into an argument that another path shares is refused; reading one twice is not", () => {
  const a = [1, 2];
  expect(codeOf(() => gradient(doubledDot)(a, a))).toBe("PB4010");
  expect(a).toEqual([1, 2]);
  expect(gradient(doubledDot)([1, 2], [3, 4])).toEqual([
    [6, 4],
    [2, 2],
  ]);
  const spring = new Spring(2, 0.5, "both");
  const [both] = gradient(totalEnergy)([spring, spring], 2);
  expect(both).toEqual([
    { k: 1.125, rest: -3 },
    { k: 1.125, rest: -3 },
  ]);
});

test("a by-reference result takes a cotangent of its structure, and a pullback may be called again", () => {
  const { value, pullback: back } = valueWithPullback(scaled)([1, 2, 3], 10);
  expect(value).toEqual([10, 20, 30]);
  expect(back([1, 0, 2])).toEqual([[10, 0, 20], 7]);
  expect(back([0, 1, 0])).toEqual([[0, 10, 0], 2]);
  expect(codeOf(() => gradient(scaled)([1, 2], 3))).toBe("PB2001");
});

test("a result that is the argument itself", () => {
  const identity = same as DifferentiableFunction<
    (x: { a: number; b: number[]; name: string }) => { a: number; b: number[]; name: string }
  >;
  const back = pullback(identity)({ a: 1, b: [2, 3], name: "n" });
  expect(back({ a: 5, b: [6, 7] })).toEqual({ a: 5, b: [6, 7] });
  expect(back({ a: 1, b: [0, 1] })).toEqual({ a: 1, b: [0, 1] });
  expect(pullback(same as DifferentiableFunction<(x: number) => number>)(2)(3)).toBe(3);
});

test("methods behind an interface: dynamic dispatch, descriptors decide the fields", () => {
  const args: [(Spring | Charge)[], number] = [[new Spring(3, 0.2, "a"), new Charge(1.5), new Spring(1, -1, "b")], 2];
  const [elements, dx]: [any[], number] = gradient(totalEnergy)(...args);
  expect(elements.map((t: object) => Object.keys(t))).toEqual([["k", "rest"], ["q"], ["k", "rest"]]);
  const [expected, expectedX] = centralDifferences(totalEnergy, args);
  expectGradient(elements[0], { k: expected[0].k, rest: expected[0].rest });
  expectGradient(elements[1], { q: expected[1].q });
  expectGradient(dx, expectedX);
  move(args[0], elements as never);
  expect(args[0][0]).toEqual(new Spring(3 + elements[0].k, 0.2 + elements[0].rest, "a"));
});

test("a rest parameter is one entry, an array", () => {
  expect(gradient(timesRest)(2, 3, 4)).toEqual([7, [2, 2]]);
  expect(gradient(timesRest)(2)).toEqual([0, []]);
});

test("functions of Math as values", () => {
  expect(gradient(Math.sin as DifferentiableFunction<typeof Math.sin>)(0.3)).toBe(Math.cos(0.3));
  expect(gradient(Math.max as DifferentiableFunction<typeof Math.max>)(1, 5, 2)).toEqual([0, 1, 0]);
  expect(gradient(Math.hypot as DifferentiableFunction<typeof Math.hypot>)(3)).toEqual([1]);
});

const compiledFlag = Symbol.for("pullback.compiled");

test("without a derivative: PB9001 before any compiled module, PB3004 after", () => {
  // Made from text, so that no compiler sees it.
  const hidden = new Function("x", "return x") as DifferentiableFunction<(x: number) => number>;
  const holder = globalThis as { [compiledFlag]?: boolean };
  const before = holder[compiledFlag];
  delete holder[compiledFlag];
  expect(codeOf(() => gradient(hidden))).toBe("PB9001");
  holder[compiledFlag] = true;
  expect(codeOf(() => gradient(hidden))).toBe("PB3004");
  expect(codeOf(() => valueWithGradient(hidden))).toBe("PB3004");
  expect(codeOf(() => pullback(hidden))).toBe("PB3004");
  expect(codeOf(() => valueWithPullback(hidden))).toBe("PB3004");
  expect(codeOf(() => gradient(gradient(product)(1, 2) as never))).toBe("PB3005");
  if (before === undefined) delete holder[compiledFlag];
});
