/** Maps and records that hold active values, entries made on the way included. */
import { describe, expect, test } from "@jest/globals";
import { gradient } from "@pullback/autodiff";

describe("Maps and records", () => {
  test("a Map that is filled, read and overwritten", () => {
    const f = (x: number) => {
      const m = new Map<string, number>();
      m.set("a", x);
      m.set("a", m.get("a")! * x);
      return m.get("a")!;
    };
    expect(gradient(f)(3)).toBe(6);
  });

  test("iteration over entries and values, arrays as values", () => {
    const entries = (x: number) => {
      const m = new Map([["a", x]]);
      let s = 0;
      for (const [, v] of m) s += v * v;
      return s;
    };
    expect(gradient(entries)(3)).toBe(6);
    const nested = (x: number) => {
      const m = new Map<string, number[]>();
      m.set("a", [x, 2]);
      m.get("a")!.push(x * x);
      let s = 0;
      for (const [, v] of m) for (const w of v) s += w * w;
      return s;
    };
    expect(gradient(nested)(2)).toBe(4 + 32);
  });

  test("a Map argument: entries added, entries absent", () => {
    const f = (m: Map<string, number>, x: number) => {
      m.set("z", x * x);
      let s = 0;
      for (const v of m.values()) s += v * v;
      return s + (m.get("q") ?? 3);
    };
    const [m, x] = gradient(f)(new Map([["a", 2]]), 3);
    expect(m.get("a")).toBe(4);
    expect(x).toBe(4 * 27);
  });

  test("records", () => {
    const f = (x: number) => {
      const o: Record<string, number> = {};
      o.a = x;
      o.b = o.a * x;
      let s = 0;
      for (const [, v] of Object.entries(o)) s += v * v;
      return s;
    };
    expect(gradient(f)(2)).toBe(4 + 32);
  });
});
