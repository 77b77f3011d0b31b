/** Derivatives of derivatives, by nesting: against hand-computed values and central differences of the first gradient. */
import { describe, expect, test } from "@jest/globals";
import {
  derivative,
  differential,
  gradient,
  hessian,
  hessianVectorProduct,
  type Int,
  jacobian,
  pullback,
  withDerivative,
} from "@pullback/autodiff";
import { expectCentralDifferences, expectDirectional } from "./central-differences.ts";

describe("numbers", () => {
  test("the design's example; every pair of modes; third and fourth order", () => {
    expect(gradient(gradient((x: number) => x ** 4))(1)).toBe(12);
    expect(derivative(gradient((x: number) => x ** 4))(2)).toBe(48);
    expect(gradient(derivative((x: number) => x ** 4))(2)).toBe(48);
    expect(derivative(derivative((x: number) => x ** 4))(2)).toBe(48);
    expect(gradient(gradient(gradient((x: number) => x ** 4)))(2)).toBe(48);
    expect(derivative(gradient(derivative((x: number) => Math.sin(x))))(0.3)).toBeCloseTo(-Math.cos(0.3), 12);
    expect(gradient(gradient(derivative(derivative((x: number) => x ** 5))))(2)).toBeCloseTo(240, 10);
  });

  test("an operator's result held in a constant; wrt inside and outside", () => {
    const f = (x: number, y: number) => x ** 3 * Math.sin(y);
    const fx = gradient(f, { wrt: 0 });
    expect(gradient(fx)(2, 1)).toEqual([12 * Math.sin(1), 12 * Math.cos(1)]);
    expect(gradient(fx, { wrt: 1 })(2, 1)).toBe(12 * Math.cos(1));
    const dy = derivative(gradient(f, { wrt: [1, 0] }), { wrt: 0 })(2, 1);
    expect(dy[0]).toBeCloseTo(12 * Math.cos(1), 12);
    expect(dy[1]).toBeCloseTo(12 * Math.sin(1), 12);
  });

  test("control flow, loops, mutation of locals", () => {
    function f(x: number, y: number): number {
      let s = x;
      const a: number[] = [];
      for (let i = 0; i < 5; i++) {
        s = Math.sin(s) * y + i * x;
        if (s > 1) s *= x;
        else a.push(s * y);
      }
      for (const v of a) s += v * v;
      let z = Math.abs(s) + 1.1;
      while (z < 20) z = z * z + y * 0.1;
      return z * s;
    }
    const fx = gradient(f, { wrt: 0 });
    for (const [x, y] of [
      [0.7, 1.9],
      [-1.2, 0.3],
      [0.4, -0.7],
    ] as [number, number][]) {
      expectCentralDifferences(fx, [x, y], gradient(fx)(x, y), 1e-5);
      expectDirectional(gradient(f), [x, y], differential(gradient(f))(x, y), 1e-5);
    }
  });
});

function square<T extends number>(x: T): number {
  return x * x;
}
function norm(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += square(value);
  return Math.sqrt(sum);
}

class Spring {
  constructor(
    public k: number,
    public rest: number,
    public readonly n: Int,
  ) {}
  energy(x: number): number {
    let e = 0;
    for (let i = 0; i < this.n; i++) e += 0.5 * this.k * (x * i - this.rest) ** 2;
    return e;
  }
}

describe("arrays and structs", () => {
  test("reads, writes, functions with loops", () => {
    function f(a: number[], k: number): number {
      const b = a.map((x, i) => x * k + i);
      for (let i = 1; i < b.length; i++) b[i] *= b[i - 1];
      return norm(b) * Math.sin(a[0] * a[1]) + b[2] ** 2;
    }
    const a = [0.4, -1.2, 0.9];
    expectDirectional(gradient(f), [a, 1.3], differential(gradient(f))(a, 1.3), 1e-5);
    const fk = gradient(f, { wrt: 1 });
    expectCentralDifferences(fk, [a, 1.3], gradient(fk)(a, 1.3), 1e-5);
  });

  test("a struct with methods", () => {
    const f = (s: Spring, x: number) => Math.log(s.energy(x) + 1) * s.k;
    const args: [Spring, number] = [new Spring(1.5, 0.4, 3), 0.8];
    expectDirectional(gradient(f), args, differential(gradient(f))(...args), 1e-5);
    const fx = gradient(f, { wrt: 1 });
    expectCentralDifferences(fx, args, gradient(fx)(...args), 1e-5);
  });
});

describe("matrices", () => {
  test("jacobian: forward or reverse by shape, the same numbers", () => {
    const wide = (a: number[]) => [a[0] * a[1], Math.sin(a[2]) * a[0]];
    const tall = (a: number[]) => [a[0], a[0] * a[1], a[1] ** 2];
    expect(jacobian(wide)([2, 3, 0])).toEqual([
      [3, 2, 0],
      [0, 0, 2],
    ]);
    expect(jacobian(tall)([2, 3])).toEqual([
      [1, 0],
      [3, 2],
      [0, 6],
    ]);
    expect(jacobian((x: number) => [x, x * x, 3])(2)).toEqual([1, 4, 0]);
    expect(jacobian((a: number[]) => a[0] * a[1])([2, 3])).toEqual([3, 2]);
    expect(jacobian((x: number) => x ** 3)(2)).toBe(12);
    expect(jacobian((a: Float64Array) => [a[0] * a[1]])(Float64Array.of(2, 3))).toEqual([[3, 2]]);
  });

  test("a function that writes into its argument does so once", () => {
    const f = (a: number[]) => {
      a[0] *= 2;
      return [a[0], a[0] * a[1], a[1]];
    };
    const a = [3, 5];
    expect(jacobian(f)(a)).toEqual([
      [2, 0],
      [10, 6],
      [0, 1],
    ]);
    expect(a).toEqual([6, 5]);
  });

  test("hessian and hessianVectorProduct", () => {
    const rosenbrock = (a: number[]) => {
      let s = 0;
      for (let i = 0; i + 1 < a.length; i++) s += 100 * (a[i + 1] - a[i] ** 2) ** 2 + (1 - a[i]) ** 2;
      return s;
    };
    const [x, y] = [-1.2, 1];
    const expected = [
      [1200 * x * x - 400 * y + 2, -400 * x],
      [-400 * x, 200],
    ];
    const h = hessian(rosenbrock)([x, y]);
    for (let i = 0; i < 2; i++) for (let j = 0; j < 2; j++) expect(h[i][j]).toBeCloseTo(expected[i][j], 9);
    expect(hessian((t: number) => t ** 4)(2)).toBe(48);
    const hv = hessianVectorProduct(rosenbrock)([x, y], [1, 2]);
    expect(hv[0]).toBeCloseTo(expected[0][0] + 2 * expected[0][1], 9);
    expect(hv[1]).toBeCloseTo(expected[1][0] + 2 * expected[1][1], 9);
    const s = new Spring(1.5, 0.4, 3);
    const product = hessianVectorProduct((m: Spring) => m.energy(0.8) ** 2)(s, { k: 1, rest: 0 });
    expect(Object.keys(product).sort()).toEqual(["k", "rest"]);
    expect(product.k).toBeCloseTo(2 * (s.energy(0.8) / 1.5) ** 2, 10);
  });
});

test("gradients that withDerivative changes have a Jacobian, which both modes agree on", () => {
  const halved = (d: number) => d / 2;
  const soft = (x: number, k: number) => withDerivative(x * x, (d) => d * k + Math.tanh(d));
  const f = (x: number, y: number) => {
    let s = withDerivative(x * y, halved) ** 2 + soft(y, x);
    for (let i = 0; i < 3; i++) s = withDerivative(s, (d) => (i > 1 ? d : d * d * x)) * y + Math.sin(x * s);
    const terms = [x, y, s].map((v) => withDerivative(v, (d) => Math.max(d, -2)));
    for (const v of terms) if (v > 0.1) s += withDerivative(v, (d) => d * v) * x;
    return s;
  };
  const g = gradient(f);
  for (const [x, y] of [
    [0.7, 0.6],
    [-1.2, 0.4],
  ] as const) {
    const forward = differential(gradient(f))(x, y);
    const reverse = pullback(gradient(f))(x, y);
    expectDirectional(g, [x, y], forward);
    const [columns, rows] = [
      [forward(1, 0), forward(0, 1)],
      [reverse([1, 0]), reverse([0, 1])],
    ] as const;
    // It is not symmetric, as the Hessian of a gradient left alone would be.
    expect(Math.abs(columns[0][1] - columns[1][0])).toBeGreaterThan(1e-3);
    for (const i of [0, 1] as const) for (const j of [0, 1] as const) expect(rows[i][j]).toBeCloseTo(columns[j][i], 10);
  }
});

interface Law {
  at(k: number): number;
}
class Cubic implements Law {
  constructor(public c: number) {}
  at(k: number): number {
    return k ** 3 * this.c;
  }
}
class Quartic implements Law {
  at(k: number): number {
    return k ** 4;
  }
}
function handed(g: (x: number) => number, x: number, turns: number): number {
  return turns === 0 ? g(x) : handed(g, x, turns - 1);
}

test("third order through functions found at run time", () => {
  const laws: Law[] = [new Cubic(1), new Quartic()];
  const dispatched = (x: number) => laws[1]!.at(x) * 2;
  const called = (x: number) => handed((t) => t ** 4, x, 2);
  expect(gradient(gradient(gradient(dispatched)))(1)).toBe(48);
  expect(derivative(derivative(derivative(dispatched)))(1)).toBe(48);
  expect(gradient(gradient(gradient(called)))(1)).toBe(24);
  expect(derivative(gradient(derivative(called)))(1)).toBe(24);
});
