/** Gradients of functions that write into their arguments, differentiated again: what the arguments hold, and how often things happen. */
import { describe, expect, test } from "@jest/globals";
import {
  derivative,
  differential,
  gradient,
  type Int,
  pullback,
  valueWithDifferential,
  valueWithGradient,
  valueWithPullback,
} from "@pullback/autodiff";
import { expectDirectional } from "./central-differences.ts";

class Tally {
  count = 0 as Int;
  constructor(public list: number[]) {}
  take(k: number, turns: number): number {
    this.count++;
    if (turns === 0) return this.list[0]! * this.list.at(-1)!;
    this.list.push(this.list[0]! * k);
    this.list[0]! *= Math.sin(k);
    return this.take(k * 1.1, turns - 1);
  }
}

function sweep(list: number[], k: number, turns: number): number {
  if (turns === 0) return list[0]! * k;
  list[0] = list[0]! * list[1]! + k;
  list[1] = list[0] * k;
  return sweep(list, k, turns - 1) + list[1]!;
}

describe("what is left behind", () => {
  test("is what the function leaves, once, in every form", () => {
    const expected = [0.7, 0.4];
    sweep(expected, 0.3, 2);
    const forms: readonly ((list: number[]) => void)[] = [
      (list) => gradient(sweep)(list, 0.3, 2),
      (list) => pullback(gradient(sweep))(list, 0.3, 2)([[1, 0], 1, 0]),
      (list) => valueWithPullback(gradient(sweep))(list, 0.3, 2),
      (list) => valueWithDifferential(gradient(sweep))(list, 0.3, 2),
      (list) => gradient((l: number[], k: number) => gradient(sweep)(l, k, 2)[1])(list, 0.3),
      (list) => derivative((k: number) => valueWithGradient(sweep)(list, k, 2).gradient[1])(0.3),
    ];
    expect(expected).not.toEqual([0.7, 0.4]);
    for (const form of forms) {
      const list = [0.7, 0.4];
      form(list);
      expect(list).toEqual(expected);
    }
  });

  test("fields without derivative are written once per call", () => {
    const tally = new Tally([0.7, 0.4]);
    const second = pullback(gradient((t: Tally, k: number) => t.take(k, 2)))(tally, 0.3);
    expect(tally.count).toBe(3);
    expect(tally.list).toHaveLength(4);
    const one = second([{ list: [1, 0.5] }, 1]);
    expect(second([{ list: [1, 0.5] }, 1])).toEqual(one);
    expect(tally.count).toBe(3);
    expect(tally.list).toHaveLength(4);
  });
});

test("the tangent of an argument is that of what it was: nothing for what is added to it", () => {
  const grow = (list: number[], rows: number[][], m: Map<string, number>, k: number): number => {
    list.push(list[0]! * k);
    rows[0]!.push(k);
    rows.push([list[1]!]);
    m.set("new", m.get("old")! * k);
    return list.at(-1)! * rows.at(-1)![0]! * m.get("new")!;
  };
  const args = () => [[2], [[1]], new Map([["old", 5]]), 3] as [number[], number[][], Map<string, number>, number];
  // (a k)² b k
  const expected = [[2 * 2 * 9 * 5 * 3], [[0]], new Map([["old", 4 * 27]]), 3 * 4 * 9 * 5];
  expect(gradient(grow)(...args())).toEqual(expected);
  const back = pullback(grow)(...args());
  expect(back(1)).toEqual(expected);
  expect(back(1)).toEqual(expected);
});

describe("derivatives", () => {
  const f = (list: number[], k: number) => {
    const d = gradient(sweep, { wrt: [0, 1] })(list, k, 2);
    return d[0][1]! * d[1] + sweep(list, k, 1) * list[1]!;
  };

  test("of what is made of a gradient and of what it left behind", () => {
    const at: [number[], number] = [[0.7, 0.4], 0.3];
    expectDirectional(
      (list: number[], k: number) => [f([...list], k)],
      at,
      (list: number[], k: number) => [differential(f)([...at[0]], at[1])(list, k)],
      1e-5,
    );
  });

  test("third order", () => {
    const first = (k: number) => sweep([k, 0.4], k, 2);
    const h = 1e-4;
    const second = (k: number) => (first(k + h) - 2 * first(k) + first(k - h)) / h ** 2;
    expect(gradient(gradient(first))(0.6)).toBeCloseTo(second(0.6), 5);
    const third = (k: number) => gradient(gradient(first))(k);
    expect(gradient(gradient(gradient(first)))(0.6)).toBeCloseTo((third(0.6 + h) - third(0.6 - h)) / (2 * h), 5);
    expect(derivative(derivative(gradient(first)))(0.6)).toBeCloseTo((third(0.6 + h) - third(0.6 - h)) / (2 * h), 5);
  });

  test("the same object in two fields, and an array that is replaced while another name holds it", () => {
    interface Pair {
      p: number[];
      q: number[];
    }
    function turn(s: Pair, k: number, turns: number): number {
      if (turns === 0) return s.p[0]! * s.q[0]!;
      s.p[0] = s.p[0]! * k + s.q[1]!;
      s.q = [s.p[0]! * k, s.q[0]!];
      return turn(s, k, turns - 1);
    }
    const g = (x: number, k: number) => {
      const shared = [x, x * k];
      const s: Pair = { p: shared, q: shared };
      const d = gradient((t: number) => turn(s, t, 2))(k);
      shared[0]! += s.q[1]! * d;
      return d * s.q[0]! + shared[0]! * s.p[0]!;
    };
    const h = 1e-6;
    const [dx, dk] = gradient(g)(0.7, 0.3);
    expect(dx).toBeCloseTo((g(0.7 + h, 0.3) - g(0.7 - h, 0.3)) / (2 * h), 6);
    expect(dk).toBeCloseTo((g(0.7, 0.3 + h) - g(0.7, 0.3 - h)) / (2 * h), 6);
    expect(differential(g)(0.7, 0.3)(1, 2)).toBeCloseTo(dx + 2 * dk, 10);
  });

  test("of some parameters, where others are written into", () => {
    const g = gradient(sweep, { wrt: 1 });
    const h = 1e-6;
    const central = (sweep([0.7, 0.4], 0.3 + h, 2) - sweep([0.7, 0.4], 0.3 - h, 2)) / (2 * h);
    expect(g([0.7, 0.4], 0.3, 2)).toBeCloseTo(central, 7);
    expect(differential(sweep, { wrt: 1 })([0.7, 0.4], 0.3, 2)(1)).toBeCloseTo(central, 7);
    const twice = pullback(sweep, { wrt: 1 })([0.7, 0.4], 0.3, 2);
    expect(twice(1)).toBe(twice(1));
    const second = (g([0.7, 0.4], 0.3 + h, 2) - g([0.7, 0.4], 0.3 - h, 2)) / (2 * h);
    expect(gradient(g, { wrt: 1 })([0.7, 0.4], 0.3, 2)).toBeCloseTo(second, 6);
  });
});
