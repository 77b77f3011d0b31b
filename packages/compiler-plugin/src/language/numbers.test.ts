import { describe, expect, test } from "@jest/globals";
import { gradient, pullback, valueWithGradient, valueWithPullback } from "@pullback/autodiff";
import { expectCentralDifferences } from "./central-differences.ts";

describe("arithmetic and Math", () => {
  test("the README's example", () => {
    const f = (x: number, y: number) => x * Math.sin(y);
    const [dx, dy] = gradient(f)(2, 1);
    expect(dx).toBeCloseTo(Math.sin(1), 12);
    expect(dy).toBeCloseTo(2 * Math.cos(1), 12);
    expect(valueWithGradient(f)(2, 1).value).toBeCloseTo(2 * Math.sin(1), 12);
    expect(pullback(f)(2, 1)(3)[0]).toBeCloseTo(3 * Math.sin(1), 12);
    const { value, pullback: back } = valueWithPullback(f)(2, 1);
    expect(value).toBeCloseTo(2 * Math.sin(1), 12);
    expect(back(1)).toEqual(back(1));
  });

  test("a single parameter gives a bare tangent", () => {
    expect(gradient((x: number) => x ** 3)(2)).toBeCloseTo(12, 12);
  });

  test("wrt chooses parameters", () => {
    const f = (x: number, y: number) => x * x * y;
    expect(gradient(f, { wrt: 0 })(3, 5)).toBeCloseTo(30, 12);
    expect(gradient(f, { wrt: [1] })(3, 5)).toEqual([9]);
  });

  test("the compiled primal is the plain one, bit for bit, the sign of zero included", () => {
    const f = (x: number) => {
      const sum = 0 + x;
      return 2 * sum + (0 * 1 + x) + (x - 0) + (x + 0);
    };
    expect(Object.is(f(-0), 0)).toBe(true);
    expect(Object.is(valueWithGradient(f)(-0).value, 0)).toBe(true);
    const g = (x: number) => 0 + x;
    expect(Object.is(valueWithGradient(g)(-0).value, g(-0))).toBe(true);
    const same = (x: number) => -0 + x;
    expect(Object.is(valueWithPullback(same)(-0).value, -0)).toBe(true);
  });

  test("every operator", () => {
    function f(a: number, b: number): number {
      let x = a + b - a * b;
      x /= 1 + b * b;
      x += -(a ** 3);
      x -= +b % 0.7;
      x *= 2 ** a;
      let y = x++;
      y = y-- * ++x;
      return y + b;
    }
    expectCentralDifferences(f, [1.3, 0.4], gradient(f)(1.3, 0.4));
  });

  test("every Math function with a derivative", () => {
    function f(x: number, y: number): number {
      return (
        Math.sin(x) +
        Math.cos(x) +
        Math.tan(x) +
        Math.asin(y) +
        Math.acos(y) +
        Math.atan(x) +
        Math.sinh(x) +
        Math.cosh(x) +
        Math.tanh(x) +
        Math.asinh(x) +
        Math.acosh(1 + x) +
        Math.atanh(y) +
        Math.exp(x) +
        Math.expm1(x) +
        Math.log(x) +
        Math.log2(x) +
        Math.log10(x) +
        Math.log1p(x) +
        Math.sqrt(x) +
        Math.cbrt(x) +
        Math.abs(-x) +
        Math.hypot(x, y, 2) +
        Math.atan2(x, y) +
        x ** y +
        Math.max(x, y, 0.1) * Math.min(x, y) +
        Math.floor(x) * x +
        Math.ceil(y) * y +
        Math.round(x) +
        Math.trunc(x) +
        Math.sign(x) * y
      );
    }
    expectCentralDifferences(f, [1.37, 0.41], gradient(f)(1.37, 0.41));
  });

  test("conventions at kinks", () => {
    expect(gradient((x: number) => Math.abs(x))(0)).toBe(0);
    expect(gradient((x: number, y: number) => Math.max(x, y))(2, 2)).toEqual([0.5, 0.5]);
    expect(gradient((x: number) => x ** 0)(0)).toBe(0);
    expect(gradient((x: number) => x * x + 3 * x)(0)).toBe(3);
  });

  test("a parameter that is not used has derivative zero, an unused local costs nothing", () => {
    const f = (x: number, _y: number) => {
      const unused = Math.log(x);
      return x + 0 * unused;
    };
    expect(gradient(f)(2, 7)).toEqual([1, 0]);
  });
});
