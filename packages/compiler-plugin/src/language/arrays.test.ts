import { describe, expect, test } from "@jest/globals";
import { gradient, pullback } from "@pullback/autodiff";
import { expectCentralDifferences } from "./central-differences.ts";

describe("reading", () => {
  test("sums over arrays, by index and by for…of", () => {
    function f(a: number[], b: readonly number[]): number {
      let s = 0;
      for (let i = 0; i < a.length; i++) s += a[i] * b[b.length - 1 - i];
      for (const x of a) s += Math.sin(x);
      for (const [i, x] of b.entries()) s += x * i;
      return s;
    }
    expectCentralDifferences(
      f,
      [
        [1, 2, 3],
        [0.5, -1, 4],
      ],
      gradient(f)([1, 2, 3], [0.5, -1, 4]),
    );
  });

  test("nested arrays and tuples", () => {
    function f(m: number[][], p: [number, number]): number {
      let s = 0;
      for (const row of m) {
        const [first, ...rest] = row;
        s += first * p[0];
        for (const x of rest) s += x * x * p[1];
      }
      return s + m[1][0] * m[0][1];
    }
    const args: [number[][], [number, number]] = [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [0.3, -0.2],
    ];
    expectCentralDifferences(f, args, gradient(f)(...args));
  });

  test("typed arrays keep their type", () => {
    function f(a: Float64Array, b: Float32Array): number {
      let s = 0;
      for (let i = 0; i < a.length; i++) s += a[i] * a[i] * b[i];
      return s;
    }
    const [da, db] = gradient(f)(Float64Array.of(1, 2), Float32Array.of(3, 4));
    expect(da).toEqual(Float64Array.of(6, 16));
    expect(db).toEqual(Float32Array.of(1, 4));
  });

  test("the adjoint of an array that is not read everywhere is zero there", () => {
    expect(gradient((a: number[]) => a[1] * 3)([1, 2, 3])).toEqual([0, 3, 0]);
  });
});

describe("writing", () => {
  test("filling a local array, overwriting, reading back", () => {
    function f(x: number, n: number): number {
      const a = new Array<number>(n).fill(0);
      for (let i = 0; i < n; i++) a[i] = x * i;
      a[2] = a[1] * a[3];
      a[1] = 5;
      for (let i = 1; i < n; i++) a[i] += a[i - 1] * x;
      return a[n - 1];
    }
    expectCentralDifferences((x: number) => f(x, 6), [0.7], [gradient(f, { wrt: 0 })(0.7, 6)]);
  });

  test("push and pop on a local builder", () => {
    function f(x: number, y: number): number {
      const stack: number[] = [];
      for (let i = 0; i < 4; i++) stack.push(x * i + y);
      stack.push(stack.pop()! * stack[1]);
      let s = 0;
      for (const v of stack) s += v * v;
      return s;
    }
    expectCentralDifferences(f, [0.6, 1.1], gradient(f)(0.6, 1.1));
  });

  test("a function that mutates its argument", () => {
    function scale(a: number[], k: number): void {
      for (let i = 0; i < a.length; i++) a[i] *= k;
    }
    function f(x: number, k: number): number {
      const a = [x, x * x, 1];
      scale(a, k);
      const before = a[1];
      scale(a, a[0]);
      return a[0] + a[1] * before + a[2];
    }
    expectCentralDifferences(f, [0.8, 1.7], gradient(f)(0.8, 1.7));
  });

  test("two names for one array", () => {
    function f(x: number): number {
      const a = [x, 2 * x];
      const b = a;
      a[0] = x ** 3;
      return b[0] * b[1];
    }
    expect(gradient(f)(1.5)).toBeCloseTo(4 * 2 * 1.5 ** 3, 10);
  });

  test("arrays carried by a loop", () => {
    function f(u: number[], k: number): number {
      let current = u;
      for (let step = 0; step < 3; step++) {
        const next = new Array<number>(current.length).fill(0);
        for (let i = 0; i < current.length; i++) {
          const left = current[(i + current.length - 1) % current.length];
          next[i] = current[i] + k * (left - current[i]) * current[i];
        }
        current = next;
      }
      return current[0] * current[1];
    }
    const args: [number[], number] = [[0.2, 0.9, 0.4], 0.3];
    expectCentralDifferences(f, args, gradient(f)(...args));
  });
});

describe("array methods", () => {
  test("map, reduce, forEach, filter with closures", () => {
    function f(a: number[], k: number): number {
      const scaled = a.map((x, i) => x * k + i);
      let s = 0;
      scaled.forEach((x) => {
        s += x * x;
      });
      const positive = scaled.filter((x) => x > 0);
      return s + positive.reduce((sum, x) => sum + Math.sin(x), k);
    }
    const args: [number[], number] = [[0.4, -2, 1.3], 1.2];
    expectCentralDifferences(f, args, gradient(f)(...args));
  });

  test("slice, concat, spread, Array.from", () => {
    function f(a: number[], b: number[]): number {
      const c = [...a.slice(1), 3, ...b].concat(a);
      const d = Array.from({ length: 3 }, (_, i) => c[i] * i);
      return c.reduce((s, x) => s + x * x, 0) + d[2];
    }
    const args: [number[], number[]] = [
      [1, 2, 3],
      [0.5, 4],
    ];
    expectCentralDifferences(f, args, gradient(f)(...args));
  });
});

describe("array results", () => {
  test("a pullback of an array-valued function answers for the point where it was made", () => {
    function squares(a: number[]): number[] {
      return a.map((x) => x * x);
    }
    const a = [1, 2, 3];
    const back = pullback(squares)(a);
    a[0] = 100;
    expect(back([1, 1, 1])).toEqual([2, 4, 6]);
    expect(back([0, 1, 0])).toEqual([0, 4, 0]);
  });
});

test("reading costs O(1) in the reverse sweep", () => {
  const sum = gradient((a: number[]) => {
    let s = 0;
    for (let i = 0; i < a.length; i++) s += a[i] * a[i];
    return s;
  });
  const n = 300_000;
  const result = sum(Array.from({ length: n }, (_, i) => i));
  expect(result[n - 1]).toBe(2 * (n - 1));
});
