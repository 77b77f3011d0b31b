/** A float type as vector code sees it, so that one generator serves float32 and float64. */
import { type Expression, f32, f32x4, f64, f64x2, i32, type Statement, v128 } from "../wasm/index.ts";

export interface Lanes {
  readonly dtype: "float32" | "float64";
  readonly bytes: 4 | 8;
  /** Elements in a vector. */
  readonly count: 4 | 2;
  /** One element to every lane. */
  readonly loadSplat: (address: Expression, offset?: number) => Expression;
  readonly add: (a: Expression, b: Expression) => Expression;
  readonly mul: (a: Expression, b: Expression) => Expression;
  readonly relaxedMadd: (a: Expression, b: Expression, c: Expression) => Expression;
  readonly zero: Expression;
  /** Moves one element, whatever its bits. */
  readonly copy: (to: Expression, from: Expression, toOffset?: number, fromOffset?: number) => Statement;
  readonly clear: (to: Expression, offset?: number) => Statement;
  /** Stores the first lane of a vector. */
  readonly storeFirst: (to: Expression, vector: Expression, offset?: number) => Statement;
}

export const float32Lanes: Lanes = {
  dtype: "float32",
  bytes: 4,
  count: 4,
  loadSplat: v128.load32Splat,
  add: f32x4.add,
  mul: f32x4.mul,
  relaxedMadd: f32x4.relaxedMadd,
  zero: f32x4.const(0),
  copy: (to, from, toOffset = 0, fromOffset = 0) => i32.store(to, i32.load(from, fromOffset), toOffset),
  clear: (to, offset = 0) => i32.store(to, i32.const(0), offset),
  storeFirst: (to, vector, offset = 0) => f32.store(to, f32x4.lane(vector, 0), offset),
};

export const float64Lanes: Lanes = {
  dtype: "float64",
  bytes: 8,
  count: 2,
  loadSplat: v128.load64Splat,
  add: f64x2.add,
  mul: f64x2.mul,
  relaxedMadd: f64x2.relaxedMadd,
  zero: f64x2.const(0),
  copy: (to, from, toOffset = 0, fromOffset = 0) => f64.store(to, f64.load(from, fromOffset), toOffset),
  clear: (to, offset = 0) => f64.store(to, f64.const(0), offset),
  storeFirst: (to, vector, offset = 0) => f64.store(to, f64x2.lane(vector, 0), offset),
};

/** Four vectors of four 32-bit lanes, transposed: row i of the result holds lane i of each. */
export function transpose4(rows: readonly Expression[]): Expression[] {
  const low = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
  const high = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
  const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
  const highHalves = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];
  const [a, b, c, d] = rows;
  return [
    v128.shuffle(v128.shuffle(a, b, low), v128.shuffle(c, d, low), lowHalves),
    v128.shuffle(v128.shuffle(a, b, low), v128.shuffle(c, d, low), highHalves),
    v128.shuffle(v128.shuffle(a, b, high), v128.shuffle(c, d, high), lowHalves),
    v128.shuffle(v128.shuffle(a, b, high), v128.shuffle(c, d, high), highHalves),
  ];
}
