/** Forward mode through every construct of the language, against central differences along a direction. */
import { describe, expect, test } from "@jest/globals";
import {
  type DifferentiableFunction,
  derivative,
  differentiable,
  differential,
  gradient,
  type Int,
  type NoDerivative,
  registerDerivative,
  valueWithDerivative,
  valueWithDifferential,
  withDerivative,
  withoutDerivative,
} from "@pullback/autodiff";
import { expectDirectional } from "./central-differences.ts";
import { integrate, norm, Polynomial } from "./testdata/library.ts";

const points: [number, number][] = [
  [0.7, 1.9],
  [-1.2, 0.3],
  [2.1, -0.6],
  [-0.4, -1.7],
];

type Two = (x: number, y: number) => number;

function check(f: Two, d: (x: number, y: number) => (dx: number, dy: number) => number) {
  for (const [x, y] of points) expectDirectional(f, [x, y], d(x, y));
}

describe("numbers", () => {
  test("the design's example, several parameters, wrt", () => {
    expect(derivative((x: number) => x ** 3)(2)).toBe(12);
    const f = (x: number, y: number) => x * Math.sin(y);
    expect(derivative(f)(2, 1)).toEqual([Math.sin(1), 2 * Math.cos(1)]);
    expect(derivative(f, { wrt: 1 })(2, 1)).toBe(2 * Math.cos(1));
    expect(valueWithDerivative(f, { wrt: 0 })(2, 1)).toEqual({ value: f(2, 1), derivative: Math.sin(1) });
    expect(differential(f)(2, 1)(1, 0)).toBe(Math.sin(1));
  });

  test("every operator and every Math function", () => {
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
    expectDirectional(f, [1.3, 0.4], differential(f)(1.3, 0.4));
    function g(x: number, y: number): number {
      const trigonometry = Math.sin(x) + Math.cos(x) + Math.tan(x) + Math.asin(y) + Math.acos(y) + Math.atan(x);
      const hyperbolic = Math.sinh(x) + Math.cosh(x) + Math.tanh(x) + Math.asinh(x) + Math.acosh(1 + x) + Math.atanh(y);
      const powers = Math.exp(x) + Math.expm1(x) + Math.sqrt(x) + Math.cbrt(x) + x ** y + x ** 3;
      const logs = Math.log(x) + Math.log2(x) + Math.log10(x) + Math.log1p(x);
      const kinks = Math.abs(-x) + Math.max(x, y, 0.1) * Math.min(x, y) + Math.floor(x) * x + Math.sign(x) * y;
      return trigonometry + hyperbolic + powers + logs + kinks + Math.hypot(x, y, 2) + Math.atan2(x, y);
    }
    expectDirectional(g, [1.37, 0.41], differential(g)(1.37, 0.41));
  });

  test("the same conventions at kinks as in reverse mode", () => {
    expect(derivative((x: number) => Math.abs(x))(0)).toBe(0);
    expect(derivative((x: number, y: number) => Math.max(x, y))(2, 2)).toEqual([0.5, 0.5]);
    expect(derivative((x: number) => x ** 0)(0)).toBe(0);
  });
});

describe("control flow", () => {
  test("if, ternary, logic, early return", () => {
    function f(x: number, y: number): number {
      let z = x;
      if (x > 0 && y > 0) z = x * y;
      else if (x > 0 || y < -1) z = x ** 2 - y;
      const w = y > 0 ? Math.sin(z) : Math.cos(z) * y;
      if (!(w > 0)) z -= w;
      if (z > 1) return z * z;
      return z * w;
    }
    check(f, differential(f));
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
    check(f, differential(f));
  });

  test("loops: counted, while, do, break, continue, labels, return inside", () => {
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
      let z = Math.abs(s) + 1.1;
      while (z < 20) z = z * z + Math.abs(y) * 0.1;
      do {
        z = z * 0.5 + y * 0.01;
      } while (z > 2);
      for (let i = 10; i > 0; i -= 3) z += x ** i * 0.01;
      return z * x;
    }
    check(f, differential(f));
  });

  test("recursion, throw as an exit", () => {
    function power(x: number, n: Int): number {
      if (n < 0) throw new RangeError(`negative: ${n}`);
      return n === 0 ? 1 : x * power(x, n - 1);
    }
    expect(derivative(power, { wrt: 0 })(1.5, 5)).toBeCloseTo(5 * 1.5 ** 4, 10);
    expect(() => derivative(power)(1.5, -1)).toThrow(RangeError);
  });
});

describe("arrays", () => {
  test("reading by index and by for…of, nested arrays, tuples, destructuring", () => {
    function f(m: number[][], p: [number, number]): number {
      let s = 0;
      for (const row of m) {
        const [first, ...rest] = row;
        s += first * p[0];
        for (const x of rest) s += x * x * p[1];
        for (let i = 0; i < row.length; i++) s += Math.sin(row[i]) * i;
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
    expectDirectional(f, args, differential(f)(...args));
  });

  test("writes, constants over active slots, two names for one array", () => {
    function f(x: number, k: number): number {
      const a = new Array<number>(6).fill(x);
      const b = a;
      for (let i = 0; i < 6; i++) a[i] = x * i + k;
      b[2] = a[1] * a[3];
      a[1] = 5;
      for (let i = 1; i < 6; i++) b[i] += a[i - 1] * x;
      return a[5] * b[0];
    }
    expectDirectional(f, [0.7, 1.1], differential(f)(0.7, 1.1));
  });

  test("a function that mutates its argument: the operator's own argument too", () => {
    function scale(a: number[], k: number): void {
      for (let i = 0; i < a.length; i++) a[i] *= k;
    }
    function f(a: number[], k: number): number {
      scale(a, k);
      const before = a[1];
      scale(a, a[0]);
      return a[0] + a[1] * before + a[2];
    }
    const start = [0.8, 1.7, -0.3];
    const a = [...start];
    const { value, differential: push } = valueWithDifferential(f)(a, 1.2);
    const after = [...a];
    expect(after).not.toEqual(start);
    expect(value).toBe(f([...start], 1.2));
    expectDirectional(f, [start, 1.2], push);
    expect(a).toEqual(after);
  });

  test("push, pop, map, reduce, forEach, filter, slice, concat, spread, Array.from", () => {
    function f(a: number[], k: number): number {
      const stack: number[] = [];
      for (const x of a) stack.push(x * k);
      stack.push(stack.pop()! * stack[1]);
      const scaled = stack.map((x, i) => x * k + i);
      let s = 0;
      scaled.forEach((x) => {
        s += x * x;
      });
      const positive = scaled.filter((x) => x > 0);
      const joined = [...a.slice(1), 3, ...positive].concat(a);
      const made = Array.from({ length: 3 }, (_, i) => joined[i] * i);
      return s + joined.reduce((sum, x) => sum + Math.sin(x), k) + made[2];
    }
    const args: [number[], number] = [[0.4, -2, 1.3], 1.2];
    expectDirectional(f, args, differential(f)(...args));
  });

  test("typed arrays, and results that are arrays or objects", () => {
    function f(a: Float64Array, b: Float32Array): Float32Array {
      const c = new Float32Array(a.length);
      for (let i = 0; i < a.length; i++) c[i] = a[i] * a[i] * b[i];
      return c;
    }
    const t = differential(f)(Float64Array.of(1, 2), Float32Array.of(3, 4))(
      Float64Array.of(1, 0.5),
      Float32Array.of(0, 1),
    );
    expect(t).toEqual(Float32Array.of(6, 12));
    const g = (x: number) => ({ squares: [x * x, x ** 3], name: "g", both: { x } });
    expect(derivative(g)(2)).toEqual({ squares: [4, 12], both: { x: 1 } });
  });
});

class Point {
  x: number;
  y: number;
  readonly steps: Int = 2;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
  get square(): NoDerivative<number> {
    return this.x ** 2 + this.y ** 2;
  }
  set both(value: number) {
    this.x = value;
    this.y = value * 2;
  }
  plus(other: Point): Point {
    return new Point(this.x + other.x, this.y + other.y);
  }
  scale(k: number): void {
    this.x *= k;
    this.y *= k;
  }
  static origin(at: number): Point {
    return new Point(at, at * at);
  }
}

describe("structs", () => {
  test("classes: constructors, methods, accessors, statics, mutation, aliases", () => {
    function f(p: Point, t: number): number {
      let q = Point.origin(t * p.y);
      const alias = q;
      for (let i = 0; i < p.steps; i++) q = q.plus(p);
      alias.scale(t);
      q.x += alias.y * q.square;
      if (t > 0) alias.both = q.x;
      return q.x * q.y + alias.x;
    }
    const args: [Point, number] = [new Point(0.5, 2), 1.5];
    expectDirectional(f, args, differential(f)(...args));
  });

  interface Shape {
    /** @differentiable */
    area(scale: number): number;
  }
  class Square implements Shape {
    constructor(readonly side: number) {}
    area(scale: number): number {
      return this.side * this.side * scale;
    }
  }
  class Circle implements Shape {
    constructor(readonly radius: number) {}
    area(scale: number): number {
      return Math.PI * this.radius ** 2 * scale;
    }
  }
  class Ring extends Circle {
    readonly hole: number;
    constructor(radius: number, ratio: number) {
      super(radius * 2);
      this.hole = radius * ratio;
    }
    override area(scale: number): number {
      return super.area(scale) - Math.PI * this.hole ** 2;
    }
  }

  test("inheritance, super, dispatch through an interface", () => {
    function total(shapes: Shape[], k: number): number {
      let s = new Ring(k, 0.3).area(k);
      for (const shape of shapes) s += shape.area(k) * k;
      return s;
    }
    const args: [Shape[], number] = [[new Square(2), new Circle(1.5), new Ring(1, 0.5)], 1.1];
    expectDirectional(total, args, differential(total)(...args));
  });

  test("object types: spread, destructuring, optional fields, unions", () => {
    type Activation = { kind: "leaky"; slope: number } | { kind: "power"; exponent: number };
    interface State {
      h: number;
      c: number;
      readonly tag: string;
      gain?: number;
    }
    function f(initial: State, a: Activation, xs: number[]): number {
      let state = initial;
      for (const x of xs) {
        const { h, c } = state;
        const next = c * Math.tanh(h + x) + (state.gain ?? x * x);
        state = { ...state, c: next, h: Math.tanh(next) };
      }
      const x = state.h + state.c * 0.1;
      if (a.kind === "leaky") return x > 0 ? x : a.slope * x;
      return Math.abs(x) ** a.exponent;
    }
    const xs = [1, -2, 0.5];
    for (const state of [
      { h: 0.1, c: 0.2, tag: "t" },
      { h: 0.1, c: -3, tag: "t", gain: 0.4 },
    ])
      for (const a of [{ kind: "leaky", slope: 0.1 } as const, { kind: "power", exponent: 2.5 } as const])
        expectDirectional(f, [state, a, xs], differential(f)(state, a, xs));
  });

  test("Maps and records", () => {
    function f(x: number, y: number): number {
      const m = new Map<string, number>();
      m.set("a", x * y);
      m.set("b", x);
      m.set("a", (m.get("a") ?? 0) * y);
      const r: Record<string, number> = { p: x, q: y };
      r.p = r.q * x;
      return (m.get("a") ?? 0) * (m.get("b") ?? 1) + (m.get("none") ?? y) + r.p;
    }
    check(f, differential(f));
  });
});

describe("functions", () => {
  test("closures that read and write what they capture, functions that make functions", () => {
    function f(x: number, k: number): number {
      let total = 0;
      const add = (v: number) => {
        total += v * x;
      };
      const g = (t: number) => t * k + x;
      const twice = (h: (t: number) => number, t: number) => h(h(t));
      const make = (s: number) => (t: number) => s * t * t;
      add(2);
      add(k);
      return g(x) * twice(g, 0.5) + total * make(k)(x);
    }
    check(f, differential(f));
  });

  test("calls across files, function values passed to another module", () => {
    const f = (p: Polynomial, x: number) => p.at(x) * norm([x, p.at(1)]) + integrate((t) => Math.sin(x * t), 0, 1, 8);
    const args: [Polynomial, number] = [new Polynomial([1, -2, 0.5]), 1.4];
    expectDirectional(f, args, differential(f)(...args));
  });

  test("a function value that captured an active value is called where nothing else is active", () => {
    const f = (a: number, b: number) => integrate((t) => Math.sin(a * t), 0, 1, 8) * b;
    check(f, differential(f));
  });

  test("DifferentiableFunction values", () => {
    const square = differentiable((x: number) => x * x);
    const apply = (f: DifferentiableFunction<(x: number) => number>, x: number) => derivative(f)(x);
    expect(apply(square, 3)).toBe(6);
    expect(apply((x) => x ** 3, 2)).toBeCloseTo(12, 12);
    expect(apply(Math.sin, 0)).toBe(1);
  });

  test("default, optional and rest parameters, generics", () => {
    function g<T extends number>(x: T, k = 2, ...rest: number[]): number {
      return rest.reduce((s, r) => s + r * x, x * k);
    }
    const f = (x: number, y: number) => g(x) + g(x, x) + g(x, 3, x, y);
    check(f, differential(f));
  });

  test("registered derivatives, withoutDerivative, withDerivative", () => {
    const f = (x: number, y: number) => {
      const changed = withDerivative(x * x, (ct) => ct * 10);
      return cubed(x * y) + changed * withoutDerivative(y);
    };
    expect(derivative(f, { wrt: 0 })(2, 3)).toBe(3 * 36 * 3 + 4 * 3);
    expect(derivative(f, { wrt: 1 })(2, 3)).toBe(3 * 36 * 2);
  });

  test("captured outer values are constants of the operator; operators in a loop", () => {
    let x = 3;
    for (let i = 0; i < 8; i++) {
      const at = x;
      x -= (x ** 2 - 2) / derivative((v: number) => v ** 2 - 2 + 0 * at)(x);
    }
    expect(x).toBeCloseTo(Math.SQRT2, 12);
  });
});

function cubed(x: number): number {
  return x * x * x;
}
registerDerivative(cubed, {
  vjp: (x) => ({ value: cubed(x), pullback: (ct) => ct * 3 * x * x }),
  jvp: (x) => ({ value: cubed(x), differential: (dx: number) => dx * 3 * x * x }),
});

test("forward and reverse mode are transposes of one another", () => {
  function f(a: number[], k: number): number {
    let s = k;
    for (let i = 0; i < a.length; i++) s = Math.sin(s * a[i]) + a[(i * 7) % a.length] * k;
    return s;
  }
  const a = [0.3, -1.2, 2, 0.9];
  const [da, dk] = gradient(f)(a, 0.7);
  const push = differential(f)(a, 0.7);
  for (let i = 0; i < a.length; i++)
    expect(
      push(
        a.map((_, j) => (i === j ? 1 : 0)),
        0,
      ),
    ).toBeCloseTo(da[i], 12);
  expect(push([0, 0, 0, 0], 1)).toBeCloseTo(dk, 12);
});
