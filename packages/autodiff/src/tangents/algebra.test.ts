import { describe, expect, test } from "@jest/globals";
import { tangent, zeroTangent } from "../index.ts";
import { codeOf } from "../testdata/code-of.ts";
import { Pair } from "../testdata/pair.ts";

const a = () => ({
  layers: [
    { weight: new Pair(1, 2), bias: 3 },
    { weight: new Pair(4, 5), bias: 6 },
  ],
  table: new Map([["k", 7]]),
  raw: Float64Array.of(8, 9),
});

describe("algebra over whole trees", () => {
  test("add, sub, scale give trees of the same structure and leave their operands alone", () => {
    const x = a();
    const y = tangent.scale(x, 10);
    expect(y).toEqual({
      layers: [
        { weight: new Pair(10, 20), bias: 30 },
        { weight: new Pair(40, 50), bias: 60 },
      ],
      table: new Map([["k", 70]]),
      raw: Float64Array.of(80, 90),
    });
    expect(tangent.add(x, y)).toEqual(tangent.scale(x, 11));
    expect(tangent.sub(y, x)).toEqual(tangent.scale(x, 9));
    expect(x).toEqual(a());
  });

  test("dot and norm sum over all leaves", () => {
    const squares = [1, 2, 3, 4, 5, 6, 7, 8, 9].reduce((sum, x) => sum + x * x, 0);
    expect(tangent.dot(a(), a())).toBe(squares);
    expect(tangent.norm(a())).toBe(Math.sqrt(squares));
    expect(tangent.norm(-3)).toBe(3);
    expect(tangent.dot(new Pair(1, 2), new Pair(3, 4))).toBe(11);
  });

  test("an undefined subtree is zero", () => {
    const partial = { p: new Pair(1, 2), q: undefined as Pair | undefined };
    const other = { p: undefined as Pair | undefined, q: new Pair(3, 4) };
    expect(tangent.add<object>(partial, other)).toEqual({ p: new Pair(1, 2), q: new Pair(3, 4) });
    expect(tangent.sub<object>(partial, other)).toEqual({ p: new Pair(1, 2), q: new Pair(-3, -4) });
    expect(tangent.dot<object>(partial, other)).toBe(0);
    expect(tangent.scale<object>(partial, 2)).toEqual({ p: new Pair(2, 4), q: undefined });
  });

  test("trees of different structure are refused with the path", () => {
    const b = a();
    b.layers.pop();
    expect(codeOf(() => tangent.add(a(), b))).toBe("PB2903");
    expect(() => tangent.zip((x) => x, a(), b)).toThrow(/at layers/);
    expect(codeOf(() => tangent.add<unknown>({ p: 1 }, { p: [1] }))).toBe("PB2903");
  });
});

describe("map and zip", () => {
  test("call f once per leaf with its path", () => {
    const seen: unknown[] = [];
    tangent.map((leaf: unknown, path: string) => seen.push([path, leaf]), a());
    expect(seen).toEqual([
      ["layers.0.weight", new Pair(1, 2)],
      ["layers.0.bias", 3],
      ["layers.1.weight", new Pair(4, 5)],
      ["layers.1.bias", 6],
      ["table.k", 7],
      ["raw.0", 8],
      ["raw.1", 9],
    ]);
    expect(tangent.map((leaf: number, path: string) => [leaf, path], 3)).toEqual([3, ""]);
  });

  test("several trees side by side; map tolerates missing ones, zip does not", () => {
    const sum = (x: number, y: number | undefined, path: string) => `${path}:${x + (y ?? 100)}`;
    expect(tangent.map(sum, { p: 1, q: [2, 3] }, { p: 10 })).toEqual({ p: "p:11", q: ["q.0:102", "q.1:103"] });
    expect(tangent.map(sum, { p: 1 }, undefined)).toEqual({ p: "p:101" });
    expect(tangent.zip(sum, { p: 1, q: [2] }, { p: 10, q: [20] })).toEqual({ p: "p:11", q: ["q.0:22"] });
    expect(codeOf(() => tangent.zip(sum, { p: 1 }, {}))).toBe("PB2903");
  });

  test("undefined subtrees pass through", () => {
    expect(tangent.map(() => 1, { p: undefined, q: 2 })).toEqual({ q: 1 });
    expect(tangent.map(() => 1, undefined)).toBeUndefined();
    expect(tangent.map((x: number) => x, [1, undefined, 2])).toEqual([1, undefined, 2]);
  });
});

test("zeroTangent is the zero of the algebra", () => {
  expect(zeroTangent(a())).toEqual(tangent.scale(a(), 0));
  expect(zeroTangent(new Pair(1, 2))).toEqual(new Pair(0, 0));
  expect(zeroTangent("text")).toBeUndefined();
});
