import { describe, expect, test } from "@jest/globals";
import { gradient, type Int, type NoDerivative, pullback } from "@pullback/autodiff";
import { expectCentralDifferences } from "./central-differences.ts";

class Spring {
  constructor(
    public k: number,
    public readonly name: string,
  ) {}
  force(x: number) {
    return -this.k * x;
  }
}

class Point {
  x: number;
  y: number;
  readonly steps: Int = 2;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
  get norm(): NoDerivative<number> {
    return Math.hypot(this.x, this.y);
  }
  plus(other: Point): Point {
    return new Point(this.x + other.x, this.y + other.y);
  }
  scale(k: number): void {
    this.x *= k;
    this.y *= k;
  }
}

describe("classes", () => {
  test("the design's example: a method's receiver is differentiable, a string field has no tangent", () => {
    expect(gradient((s: Spring, x: number) => s.force(x) ** 2)(new Spring(3, "a"), 2)).toEqual([{ k: 24 }, 36]);
  });

  test("fields named length and size are fields", () => {
    class Pendulum {
      constructor(
        public length: number,
        public readonly size: number,
      ) {}
      period(): number {
        return 2 * Math.PI * Math.sqrt(this.length / 9.81) * this.size;
      }
    }
    const half = gradient((p: Pendulum) => p.period())(new Pendulum(2, 3));
    expect(half.length).toBeCloseTo((3 * Math.PI) / Math.sqrt(2 * 9.81), 12);
    expect(half.size).toBeCloseTo(2 * Math.PI * Math.sqrt(2 / 9.81), 12);
    // The end of a loop, and not an integer: three rounds.
    const laps = (p: Pendulum, x: number) => {
      let y = x;
      for (let i = 0; i < p.length; i++) y *= x;
      return y;
    };
    expect(gradient((x: number) => laps(new Pendulum(2.5, 1), x))(2)).toBe(32);
  });

  test("constructing, returning and combining instances", () => {
    function f(p: Point, t: number): number {
      let q = new Point(t * p.y, p.x);
      for (let i = 0; i < p.steps; i++) q = q.plus(p);
      return q.x * q.y;
    }
    const args: [Point, number] = [new Point(0.5, 2), 1.5];
    const [dp, dt] = gradient(f)(...args);
    expect(dp).toEqual({ x: expect.any(Number), y: expect.any(Number) });
    expectCentralDifferences(f, args, [dp, dt]);
  });

  test("a mutated instance has the right gradient (Swift's TF-1175 gives 1 instead of 20)", () => {
    class Cell {
      value: number;
      constructor(value: number) {
        this.value = value;
      }
      square(): void {
        this.value = this.value * this.value;
      }
    }
    function f(x: number): number {
      const c = new Cell(x);
      c.square();
      return c.value;
    }
    expect(gradient(f)(10)).toBe(20);
  });

  test("mutation through a method and an alias", () => {
    function f(x: number, k: number): number {
      const p = new Point(x, x * x);
      const alias = p;
      p.scale(k);
      alias.x += p.y;
      p.scale(alias.x);
      return p.x + alias.y;
    }
    expectCentralDifferences(f, [0.7, 1.3], gradient(f)(0.7, 1.3));
  });

  test("a result that is an object", () => {
    const back = pullback((p: Point, k: number) => {
      const q = new Point(p.x * k, p.y);
      return { q, sum: p.x + k };
    })(new Point(2, 3), 4);
    expect(back({ q: { x: 1, y: 10 }, sum: 100 })).toEqual([{ x: 104, y: 10 }, 102]);
  });
});

describe("inheritance and dispatch", () => {
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

  test("virtual methods through an interface, in a loop", () => {
    function total(shapes: Shape[], k: number): number {
      let s = 0;
      for (const shape of shapes) s += shape.area(k) * k;
      return s;
    }
    const args: [Shape[], number] = [[new Square(2), new Circle(1.5), new Ring(1, 0.5)], 1.1];
    const gradients = gradient(total)(...args);
    expect(gradients[0]).toHaveLength(3);
    expectCentralDifferences(total, args, gradients);
  });

  test("constructors with super, inside the differentiated code", () => {
    function f(r: number, ratio: number): number {
      return new Ring(r, ratio).area(2);
    }
    expectCentralDifferences(f, [1.2, 0.4], gradient(f)(1.2, 0.4));
  });

  test("layers held in an array field", () => {
    class Affine {
      constructor(
        readonly a: number,
        readonly b: number,
      ) {}
      forward(x: number): number {
        return Math.tanh(this.a * x + this.b);
      }
    }
    class Stack {
      readonly layers: Affine[];
      constructor(
        readonly gain: number,
        ...layers: Affine[]
      ) {
        this.layers = layers;
      }
      forward(x: number): number {
        for (const layer of this.layers) x = layer.forward(x) * this.gain;
        return x;
      }
    }
    const model = new Stack(1.5, new Affine(0.3, 0.1), new Affine(-0.8, 0.4));
    const f = (m: Stack, x: number) => m.forward(x) ** 2;
    const gradients = gradient(f)(model, 0.9);
    expect(gradients[0]).toEqual({
      gain: expect.any(Number),
      layers: [
        { a: expect.any(Number), b: expect.any(Number) },
        { a: expect.any(Number), b: expect.any(Number) },
      ],
    });
    expectCentralDifferences(f, [model, 0.9], gradients);
  });
});

describe("object types", () => {
  interface State {
    h: number;
    c: number;
    readonly tag: string;
  }
  test("state rebuilt in every iteration, spread, destructuring", () => {
    function f(initial: State, w: { f: number; i: number }, xs: number[]): number {
      let state = initial;
      for (const x of xs) {
        const { h, c } = state;
        const gate = Math.tanh(w.f * h + x);
        const next = c * gate + w.i * x;
        state = { ...state, c: next, h: Math.tanh(next) * gate };
      }
      return state.h + state.c * 0.1;
    }
    const args: [State, { f: number; i: number }, number[]] = [
      { h: 0.1, c: 0.2, tag: "t" },
      { f: 0.5, i: 0.7 },
      [1, -2, 0.5],
    ];
    const gradients = gradient(f)(...args);
    expect(Object.keys(gradients[0]).sort()).toEqual(["c", "h"]);
    expectCentralDifferences(f, args, gradients);
  });

  test("optional fields and narrowing", () => {
    interface Options {
      scale?: number;
      shift: number | undefined;
    }
    function f(x: number, o: Options): number {
      const scaled = o.scale !== undefined ? x * o.scale : x;
      return scaled + (o.shift ?? x * x) + (o.scale ?? 1);
    }
    for (const o of [{ scale: 3, shift: 1 }, { shift: undefined }, { scale: 2, shift: undefined }])
      expectCentralDifferences(f, [1.5, o], gradient(f)(1.5, o));
  });

  test("discriminated unions", () => {
    type Activation = { kind: "leaky"; slope: number } | { kind: "power"; exponent: number };
    function f(x: number, a: Activation): number {
      if (a.kind === "leaky") return x > 0 ? x : a.slope * x;
      return Math.abs(x) ** a.exponent;
    }
    expectCentralDifferences(f, [-2, { kind: "leaky", slope: 0.1 }], gradient(f)(-2, { kind: "leaky", slope: 0.1 }));
    expectCentralDifferences(
      f,
      [1.7, { kind: "power", exponent: 2.5 }],
      gradient(f)(1.7, { kind: "power", exponent: 2.5 }),
    );
  });
});

describe("a class whose fields are all branded", () => {
  class Gain {
    readonly factor: NoDerivative<number> = 2;
    readonly count: Int = 3;
    apply(x: number) {
      return x * this.factor ** this.count;
    }
  }

  test("has the empty tangent at run time too", () => {
    expect(gradient((g: Gain, x: number) => g.apply(x))(new Gain(), 5)).toEqual([{}, 8]);
    const both = { gain: new Gain(), k: 1 };
    expect(gradient((b: { gain: Gain; k: number }) => b.gain.apply(b.k))(both)).toEqual({ gain: {}, k: 8 });
  });
});
