import { expect, test } from "@jest/globals";
import { type Manifold, manifold, struct } from "../index.ts";
import * as $pb from "../runtime/index.ts";
import { codeOf } from "../testdata/code-of.ts";
import { Pair } from "../testdata/pair.ts";

const model = () => ({
  w: new Pair(1, 2),
  k: 3,
  list: [1, 2],
  name: "n",
  nested: [{ p: new Pair(3, 4) }, "text"],
  raw: Float32Array.of(1, 2),
});

test("a zero shadow mirrors the differentiable structure; leaf slots are undefined", () => {
  expect($pb.zeroShadow(model())).toStrictEqual({
    w: undefined,
    k: 0,
    list: [0, 0],
    nested: [{ p: undefined }, undefined],
    raw: Float64Array.of(0, 0),
  });
  expect($pb.zeroShadow(3)).toBeUndefined();
  expect($pb.zeroShadow(new Pair(1, 2))).toBeUndefined();
});

test("shapes overrule values: no entry for what the type excludes", () => {
  const shape = { fields: { k: "v", list: { tuple: ["v", "-"] } } } as const;
  expect($pb.zeroShadow(model(), shape)).toStrictEqual({ k: 0, list: [0, undefined] });
  expect($pb.zeroTangent([1, 2], { items: "-" })).toEqual([undefined, undefined]);
  expect($pb.zeroTangent(new Map([["a", 1]]), { items: "v" })).toEqual(new Map([["a", 0]]));
});

test("accumulate, take, clear", () => {
  const value = model();
  const shadow = $pb.zeroShadow(value);
  $pb.accumulate(shadow, { w: new Pair(1, 1), list: [1, undefined], nested: [{ p: new Pair(5, 5) }] });
  $pb.accumulate(shadow, { w: new Pair(0, 1), k: 2, raw: [0.1, 0] });
  $pb.accumulate(shadow, undefined);
  const taken = $pb.takeShadow(shadow, value);
  expect(taken).toStrictEqual({
    w: new Pair(1, 2),
    k: 2,
    list: [1, 0],
    nested: [{ p: new Pair(5, 5) }, undefined],
    raw: Float32Array.of(0.1, 0),
  });
  expect(shadow).toStrictEqual($pb.zeroShadow(value));
  $pb.accumulate(shadow, { k: 1 });
  expect(taken.k).toBe(2);
  expect($pb.takeShadow(shadow, value)).toStrictEqual({ ...($pb.zeroTangent(value) as object), k: 1 });
});

test("single precision accumulates in double and rounds once", () => {
  const value = Float32Array.of(1);
  const shadow = $pb.zeroShadow(value);
  for (let i = 0; i < 1000; i++) shadow[0] += 1e-4;
  expect($pb.takeShadow(shadow, value)[0]).toBe(Math.fround(0.1));
});

test("by-value sums treat undefined as zero", () => {
  expect($pb.add(undefined, undefined)).toBeUndefined();
  expect($pb.add(undefined, 2)).toBe(2);
  expect($pb.add(1, 2)).toBe(3);
  expect($pb.add(new Pair(1, 2), new Pair(3, 4))).toEqual(new Pair(4, 6));
});

test("zeros of numbers stay a packed array of doubles even for integers", () => {
  expect($pb.zeroNumbers([1, 2, 3])).toEqual([0, 0, 0]);
  const long = Array.from({ length: 1000 }, (_, i) => i);
  expect($pb.zeroShadow(long).every((x: number) => Object.is(x, 0))).toBe(true);
});

test("cyclic values are an error, deep ones are not", () => {
  interface Node {
    x: number;
    next?: Node;
  }
  const loop: Node = { x: 1 };
  loop.next = loop;
  expect(codeOf(() => $pb.zeroShadow(loop))).toBe("PB2904");
  let chain: Node = { x: 0 };
  for (let i = 0; i < 1000; i++) chain = { x: i, next: chain };
  expect($pb.zeroShadow(chain).next.next.x).toBe(0);
});

test("a type with its own tangent is projected at the surface and embedded on the way in", () => {
  class Direction {
    static readonly [struct] = { fields: { cos: "v", sin: "v" } } as const;
    constructor(
      public cos: number,
      public sin: number,
    ) {}
    get [manifold](): Manifold<Direction, number> {
      return {
        zero: () => 0,
        project: (x, fields) => fields.sin * x.cos - fields.cos * x.sin,
        embed: (x, t) => ({ cos: -x.sin * t, sin: x.cos * t }),
        move() {},
      };
    }
  }
  const value = { d: new Direction(0.6, 0.8) };
  const shadow = $pb.zeroShadow(value);
  expect(shadow).toEqual({ d: { cos: 0, sin: 0 } });
  $pb.accumulate(shadow, { d: { cos: 1, sin: 2 } });
  expect($pb.takeShadow(shadow, value).d).toBeCloseTo(2 * 0.6 - 1 * 0.8, 15);
  $pb.accumulate(shadow, { d: 3 }, value);
  expect($pb.takeShadow(shadow, value).d).toBeCloseTo(3, 15);
});
