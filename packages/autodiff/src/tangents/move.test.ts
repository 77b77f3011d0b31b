import { expect, test } from "@jest/globals";
import { type Manifold, manifold, move, moved, type NoDerivative, struct, tangent, zeroTangent } from "../index.ts";
import { codeOf } from "../testdata/code-of.ts";
import { Pair } from "../testdata/pair.ts";

class Dense {
  static readonly [struct] = { fields: { weight: "v", scale: "v" } } as const;
  readonly weight: Pair;
  scale = 2;
  readonly width: NoDerivative<number> = 4;
  training: NoDerivative<boolean> = true;
  constructor(weight: Pair) {
    this.weight = weight;
  }
}

test("move assigns differentiable fields in place, readonly ones too, and nothing else", () => {
  const dense = new Dense(new Pair(1, 2));
  move(dense, { weight: new Pair(10, 20), scale: 0.5 });
  expect(dense).toEqual(Object.assign(new Dense(new Pair(11, 22)), { scale: 2.5 }));
  expect([dense.width, dense.training]).toEqual([4, true]);
});

test("arrays, typed arrays and Maps move where they are; missing entries are zero", () => {
  const value = { a: [1, 2], b: Float32Array.of(0.5, 1), c: new Map([["x", 1]]), name: "n" };
  const { a, b, c } = value;
  move(value, { a: [1, 1], b: Float32Array.of(1, 1), c: new Map([["x", 3]]) });
  expect(value).toEqual({ a: [2, 3], b: Float32Array.of(1.5, 2), c: new Map([["x", 4]]), name: "n" });
  expect([value.a === a, value.b === b, value.c === c]).toEqual([true, true, true]);
  move(value, { a: [1, 0] } as never);
  expect(value.a).toEqual([3, 3]);
});

test("moved returns a new value and shares what has no tangent", () => {
  expect(moved(1, 2)).toBe(3);
  expect(moved(new Pair(1, 2), new Pair(3, 4))).toEqual(new Pair(4, 6));
  const config = { anything: 1 };
  class Model {
    static readonly [struct] = { fields: { layers: "r" } } as const;
    readonly layers = [new Dense(new Pair(1, 2))];
    readonly config: NoDerivative<{ anything: number }> = config;
  }
  const model = new Model();
  const next = moved(model, { layers: [{ weight: new Pair(1, 1), scale: 1 }] });
  expect(next).toBeInstanceOf(Model);
  expect(next.layers[0]).toBeInstanceOf(Dense);
  expect(next.layers[0]?.weight).toEqual(new Pair(2, 3));
  expect(next.config).toBe(config);
  expect(model.layers[0]?.weight).toEqual(new Pair(1, 2));
});

test("a tie moves along the tangents of both paths, and stays a tie", () => {
  const shared = new Dense(new Pair(1, 2));
  const model = { a: shared, b: shared };
  const t = { a: { weight: new Pair(1, 0), scale: 1 }, b: { weight: new Pair(0, 5), scale: 2 } };
  const next = moved(model, t);
  expect(next.a).toBe(next.b);
  expect([next.a.weight, next.a.scale]).toEqual([new Pair(2, 7), 5]);
  expect(shared.scale).toBe(2);
  move(model, t);
  expect([shared.weight, shared.scale]).toEqual([new Pair(2, 7), 5]);
});

test("leaves without derivative stay as they are", () => {
  const value = { exact: new Pair(1, 2, true) };
  move(value, { exact: new Pair(5, 5) });
  expect(value.exact).toEqual(new Pair(1, 2, true));
  expect(moved(value.exact, new Pair(5, 5))).toBe(value.exact);
});

test("what cannot move in place, and tangents that do not fit", () => {
  expect(codeOf(() => move(3, 1))).toBe("PB2902");
  expect(codeOf(() => move(new Pair(1, 2), new Pair(1, 1)))).toBe("PB2902");
  expect(codeOf(() => move([1, 2], [1]))).toBe("PB2903");
  expect(codeOf(() => move({ a: 1 }, { a: [1] } as never))).toBe("PB2903");
  expect(codeOf(() => moved({ a: { b: new Pair(1, 2) } }, { a: { b: 3 } } as never))).toBe("PB2903");
  expect(() => move({ a: [{ b: 1 }] }, { a: [{ b: new Pair(1, 1) }] } as never)).toThrow(/at a\.0\.b/);
});

test("private fields through the class's descriptor", () => {
  class Hidden {
    #w = 1;
    static readonly [struct] = {
      fields: { w: "v" },
      get: (object: Hidden) => object.#w,
      set: (object: Hidden, _field: string, value: number) => {
        object.#w = value;
      },
      clone: (object: Hidden) => {
        const copy = new Hidden();
        copy.#w = object.#w;
        return copy;
      },
    };
    get w(): NoDerivative<number> {
      return this.#w;
    }
  }
  const hidden = new Hidden();
  expect(zeroTangent(hidden)).toEqual({ w: 0 });
  const next = moved(hidden, { w: 2 } as never);
  expect([next.w, hidden.w]).toEqual([3, 1]);
  move(hidden, { w: 5 } as never);
  expect(hidden.w).toBe(6);
});

/** A unit vector in the plane, whose tangent is an angle. */
class Direction {
  static readonly [struct] = { fields: { cos: "v", sin: "v" } } as const;
  constructor(
    public cos: number,
    public sin: number,
  ) {}
  get [manifold](): Manifold<Direction, number> {
    return circle;
  }
}
const circle: Manifold<Direction, number> = {
  zero: () => 0,
  project: (x, fields) => fields.sin * x.cos - fields.cos * x.sin,
  embed: (x, t) => ({ cos: -x.sin * t, sin: x.cos * t }),
  move(x, t) {
    const { cos, sin } = x;
    x.cos = cos * Math.cos(t) - sin * Math.sin(t);
    x.sin = sin * Math.cos(t) + cos * Math.sin(t);
  },
};

test("a type that brings its own tangent", () => {
  const angle: number = zeroTangent(new Direction(1, 0));
  expect(angle).toBe(0);
  const robot = { heading: new Direction(1, 0), speed: 2 };
  const next = moved(robot, { heading: Math.PI / 2, speed: 1 });
  expect(next.heading.sin).toBeCloseTo(1, 15);
  expect(next.heading.cos).toBeCloseTo(0, 15);
  expect(next.heading).toBeInstanceOf(Direction);
  expect(robot.heading.cos).toBe(1);
  expect(tangent.add(zeroTangent(robot), { heading: 1, speed: 2 })).toEqual({ heading: 1, speed: 2 });
});
