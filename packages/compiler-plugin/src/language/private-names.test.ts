/** `#` fields and methods: read, written, inherited, constructed in active code, moved and copied. */
import { describe, expect, test } from "@jest/globals";
import { gradient, moved, pullback, tangent, zeroTangent } from "@pullback/autodiff";

class Base {
  constructor(public a: number) {}
  f(x: number): number {
    return this.a * x;
  }
}

class Derived extends Base {
  #h = 2;
  readonly #label = "derived";
  constructor(
    a: number,
    public b: number,
  ) {
    super(a);
  }
  override f(x: number): number {
    return super.f(x) + this.b * x * x + this.#h * x;
  }
  get label(): string {
    return this.#label;
  }
  double(): void {
    this.#h *= 2;
  }
  #inner(x: number): number {
    return this.#h * x ** 3;
  }
  outer(x: number): number {
    return this.#inner(x) + this.#inner(2 * x);
  }
  viaLiteral(x: number): number {
    return gradient((y: number) => this.#inner(y))(x);
  }
}

/** Everything private, with a constructor that computes. */
class Quadratic {
  #a: number;
  #b: number;
  constructor(a: number, b: number) {
    if (a < 0) this.#a = -a;
    else this.#a = a;
    this.#b = b * b;
  }
  at(x: number): number {
    return this.#a * x * x + this.#b * x;
  }
  scaled(k: number): Quadratic {
    return new Quadratic(this.#a * k, this.#b);
  }
}

class Shifted extends Quadratic {
  #shift: number;
  constructor(options: { a: number; b: number; shift: number }) {
    super(options.a, options.b);
    this.#shift = options.shift;
  }
  override at(x: number): number {
    return super.at(x - this.#shift);
  }
}

describe("private names", () => {
  test("fields are in the tangent under their name without #", () => {
    const [m, x] = gradient((m: Base, x: number) => m.f(x))(new Derived(2, 3), 1.5);
    expect(m).toEqual({ a: 1.5, b: 2.25, h: 1.5 });
    expect(x).toBe(2 + 2 * 3 * 1.5 + 2);
  });

  test("private methods", () => {
    const [m, x] = gradient((m: Derived, x: number) => m.outer(x))(new Derived(2, 3), 1.5);
    expect(m).toEqual({ a: 0, b: 0, h: 1.5 ** 3 + 27 });
    expect(x).toBe(2 * 3 * (1.5 ** 2 + 2 * 9));
    expect(new Derived(1, 1).viaLiteral(2)).toBe(24);
  });

  test("writes to a private field", () => {
    const f = (m: Derived, x: number) => {
      const own = moved(m, zeroTangent(m));
      own.double();
      return own.f(x);
    };
    expect(f(new Derived(2, 3), 1)).toBe(2 + 3 + 4);
    const twice = (m: Derived, x: number) => {
      m.double();
      return m.f(x);
    };
    const [m, x] = gradient(twice)(new Derived(2, 3), 1);
    expect(m).toEqual({ a: 1, b: 1, h: 2 });
    expect(x).toBe(2 + 6 + 4);
  });

  test("constructed in active code, constructors with branches and bases", () => {
    const f = (a: number, b: number, x: number) => new Quadratic(a, b).scaled(3).at(x);
    // 3 |a| x² + b⁴ x
    expect(gradient(f)(-2, 1.5, 2)).toEqual([-12, 4 * 1.5 ** 3 * 2, 12 * 2 + 1.5 ** 4]);
    const g = (a: number, shift: number) => new Shifted({ a, b: 2, shift }).at(3);
    expect(gradient(g)(2, 1)).toEqual([4, -(2 * 2 * 2 + 4)]);
    expect(pullback(g)(2, 1)(2)).toEqual([8, -24]);
  });

  test("moved values are copies with private fields of their own", () => {
    const m = new Derived(2, 3);
    const grad = gradient((m: Derived) => m.f(1))(m);
    const next = moved(m, tangent.scale(grad, 10));
    expect(next).toBeInstanceOf(Derived);
    expect(next.label).toBe("derived");
    expect(next.f(1)).toBe(12 + 13 + 12);
    expect(m.f(1)).toBe(7);
    const shifted = new Shifted({ a: 1, b: 1, shift: 1 });
    expect(moved(shifted, zeroTangent(shifted)).at(3)).toBe(6);
  });
});
