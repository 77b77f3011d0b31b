import { describe, expect, test } from "@jest/globals";
import { gradient, valueWithPullback } from "@pullback/autodiff";
import { expectCentralDifferences } from "./central-differences.ts";

const points: [number, number][] = [
  [0.7, 1.9],
  [-1.2, 0.3],
  [2.1, -0.6],
  [-0.4, -1.7],
];

function check(f: (x: number, y: number) => number, g: (x: number, y: number) => readonly [number, number]) {
  for (const point of points) expectCentralDifferences(f, point, g(...point));
}

describe("branches", () => {
  test("if, else if, ternary, logic", () => {
    function f(x: number, y: number): number {
      let z = x;
      if (x > 0 && y > 0) z = x * y;
      else if (x > 0 || y < -1) z = x ** 2 - y;
      const w = y > 0 ? Math.sin(z) : Math.cos(z) * y;
      if (!(w > 0)) z -= w;
      return z * w;
    }
    check(f, gradient(f));
  });

  test("early return, in nested ifs", () => {
    function f(x: number, y: number): number {
      if (x > 0) {
        if (y > 0) return x * y;
        x = x * 3;
      } else if (y < 0) return y ** 3;
      const z = x + y;
      if (z > 1) return z * z;
      return Math.exp(z) * x;
    }
    check(f, gradient(f));
  });

  test("switch with fall-through and default", () => {
    function f(x: number, y: number): number {
      let z = 1;
      switch (Math.floor(x)) {
        // biome-ignore lint/suspicious/noFallthroughSwitchClause: falling through is what is tested
        case 0:
          z = x;
        case 1:
          z *= y;
          break;
        case 2:
          return x * x * y;
        default:
          z = x - y;
      }
      return z * z;
    }
    check(f, gradient(f));
  });
});

describe("loops", () => {
  test("for, with a carried value read again after the reverse sweep has restored it", () => {
    function f(x: number, y: number): number {
      let s = x;
      for (let i = 0; i < 5; i++) s = Math.sin(s) * y + i * x;
      return s * s;
    }
    check(f, gradient(f));
    const { value, pullback } = valueWithPullback(f)(0.7, 1.9);
    expect(value).toBe(f(0.7, 1.9));
    expect(pullback(1)).toEqual(pullback(1));
    expect(value).toBe(f(0.7, 1.9));
  });

  test("while, do-while, data-dependent trip counts", () => {
    function f(x: number, y: number): number {
      let z = Math.abs(x) + 1.1;
      while (z < 20) z = z * z + Math.abs(y) * 0.1;
      do {
        z = z * 0.5 + y * 0.01;
      } while (z > 2);
      return z;
    }
    check(f, gradient(f));
  });

  test("break, continue, labels, return from inside nested loops", () => {
    function f(x: number, y: number): number {
      let s = 0;
      outer: for (let i = 0; i < 6; i++) {
        let t = x;
        for (let j = 0; j < 4; j++) {
          if (j === 1) continue;
          t = t * y + j;
          if (t > 30) continue outer;
          if (t < -40) break outer;
          if (i === 5 && j === 3) return s + t;
        }
        s += Math.tanh(t) * (i + 1);
      }
      return s * x;
    }
    check(f, gradient(f));
  });

  test("stepping and downward loops", () => {
    function f(x: number, y: number): number {
      let s = 0;
      for (let i = 10; i > 0; i -= 3) s += x ** i * 0.01;
      for (let i = 0; i <= 6; i += 2) s *= 1 + y * i * 0.1;
      return s;
    }
    check(f, gradient(f));
  });

  test("a loop that runs zero times", () => {
    function f(x: number, n: number): number {
      let s = x;
      for (let i = 0; i < n; i++) s *= 2;
      return s;
    }
    expect(gradient(f, { wrt: 0 })(3, 0)).toBe(1);
    expect(gradient(f, { wrt: 0 })(3, 4)).toBe(16);
  });

  test("recursion", () => {
    function power(x: number, n: number): number {
      return n === 0 ? 1 : x * power(x, n - 1);
    }
    expect(gradient(power, { wrt: 0 })(1.5, 5)).toBeCloseTo(5 * 1.5 ** 4, 10);
  });

  test("throw as an exit", () => {
    function f(x: number): number {
      if (x < 0) throw new RangeError(`negative: ${x}`);
      return Math.sqrt(x);
    }
    expect(gradient(f)(4)).toBeCloseTo(0.25, 12);
    expect(() => gradient(f)(-1)).toThrow(RangeError);
  });
});
