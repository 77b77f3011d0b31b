import { describe, expect, test } from "@jest/globals";
import {
  type DifferentiableFunction,
  differentiable,
  gradient,
  PullbackError,
  registerDerivative,
  valueWithGradient,
  withDerivative,
  withoutDerivative,
} from "@pullback/autodiff";
import { expectCentralDifferences } from "./central-differences.ts";
import { integrate, norm, Polynomial } from "./testdata/library.ts";

describe("closures", () => {
  test("local functions that capture active values", () => {
    function f(x: number, k: number): number {
      const g = (t: number) => t * k + x;
      const twice = (h: (t: number) => number, t: number) => h(h(t));
      return g(x) * twice(g, 0.5);
    }
    expectCentralDifferences(f, [0.7, 1.3], gradient(f)(0.7, 1.3));
  });

  test("a closure that writes what it captures", () => {
    function f(x: number): number {
      let total = 0;
      const add = (v: number) => {
        total += v * x;
      };
      add(2);
      add(x);
      return total;
    }
    expect(gradient(f)(3)).toBeCloseTo(2 + 6, 12);
  });

  test("functions that make functions", () => {
    function f(a: number, b: number): number {
      const make = (s: number) => (t: number) => s * t * t;
      const square = make(a);
      return square(b) + make(b)(a);
    }
    expectCentralDifferences(f, [1.2, 0.8], gradient(f)(1.2, 0.8));
  });

  test("captured outer values are constants of the operator", () => {
    const scale = 3;
    const data = [1, 2, 3];
    const loss = (w: number) => data.reduce((s, x) => s + (w * x - scale) ** 2, 0);
    expect(gradient(loss)(0.5)).toBeCloseTo(
      data.reduce((s, x) => s + 2 * (0.5 * x - scale) * x, 0),
      10,
    );
  });

  test("an operator inside a loop sees the current values", () => {
    let w = 0;
    for (let step = 1; step <= 50; step++) {
      const rate = 0.5 / step ** 0.5;
      w -= rate * gradient((v: number) => (v - 2) ** 2 * 0.5)(w);
    }
    let expected = 0;
    for (let step = 1; step <= 50; step++) expected -= (0.5 / step ** 0.5) * (expected - 2);
    expect(w).toBeCloseTo(expected, 12);
  });
});

describe("calls across files", () => {
  test("functions, classes and generics of another module", () => {
    const f = (p: Polynomial, x: number) => p.at(x) * norm([x, p.at(1)]);
    const args: [Polynomial, number] = [new Polynomial([1, -2, 0.5]), 1.4];
    expectCentralDifferences(f, args, gradient(f)(...args));
  });

  test("a function value passed to another module", () => {
    const f = (a: number) => integrate((t) => Math.sin(a * t), 0, 1, 8);
    expectCentralDifferences(f, [1.3], [gradient(f)(1.3)]);
  });
});

describe("function values", () => {
  test("differentiable(f) carries its derivative", () => {
    const square = differentiable((x: number) => x * x);
    const apply = (f: DifferentiableFunction<(x: number) => number>, x: number) => gradient(f)(x);
    expect(apply(square, 3)).toBe(6);
    expect(apply((x) => x ** 3, 2)).toBeCloseTo(12, 12);
  });

  test("a plain function value has none: a typed error at the call", () => {
    const plain = [Math.random][0] as unknown as DifferentiableFunction<(x: number) => number>;
    const apply = (f: DifferentiableFunction<(x: number) => number>) => gradient(f)(1);
    expect(() => apply(plain)).toThrow(PullbackError);
    expect(() => apply(plain)).toThrow(expect.objectContaining({ code: "PB3004" }));
  });
});

function softThreshold(x: number, limit: number): number {
  return Number(Math.max(Math.abs(x) - limit, 0).toPrecision(15)) * Math.sign(x);
}
registerDerivative(softThreshold, {
  vjp: (x, limit) => ({
    value: softThreshold(x, limit),
    pullback: (ct) => (Math.abs(x) > limit ? [ct, -ct * Math.sign(x)] : [0, 0]),
  }),
});

describe("custom derivatives", () => {
  test("registerDerivative is used instead of the body", () => {
    const f = (x: number, limit: number) => softThreshold(x * 2, limit) ** 2;
    expectCentralDifferences(f, [1.3, 0.4], gradient(f)(1.3, 0.4));
    expect(gradient(f)(0.1, 0.4)).toEqual([0, 0]);
  });

  test("withoutDerivative stops, withDerivative looks and changes", () => {
    expect(gradient((x: number) => x * withoutDerivative(x))(3)).toBe(3);
    const seen: number[] = [];
    const f = (x: number) =>
      withDerivative(x * x, (ct) => {
        seen.push(ct);
        return ct * 10;
      }) * 2;
    expect(valueWithGradient(f)(3)).toEqual({ value: 18, gradient: 120 });
    expect(seen).toEqual([2]);
  });
});

describe("parameters", () => {
  test("default, optional and rest parameters", () => {
    function g(x: number, k = 2, ...rest: number[]): number {
      return rest.reduce((s, r) => s + r * x, x * k);
    }
    const f = (x: number) => g(x) + g(x, x) + g(x, 3, x, 4);
    expectCentralDifferences(f, [0.9], [gradient(f)(0.9)]);
  });
});
