// What every generated module starts with (functions that change their arguments, recursion, classes with inheritance,
// accessors and private state, an interface, a union, a table of functions), and what its programs are called with.
import { random } from "./random.mjs";

export const prelude = `
interface S { u: number; v: number; w: number[] }
type Shape = { kind: "disc"; r: number } | { kind: "box"; w: number; h: number };
interface Law { at(k: number): number }
function put(z: number[], i: number, v: number): number { z[i] = v * 0.5 + z[i] * 0.25; return z[i] - v; }
function scale(z: number[], k: number): number[] { for (let i = 0; i < z.length; i++) z[i] *= k; return z; }
function mix(s: S, k: number): S { s.u = s.v * k; s.w[1] += s.u; return s; }
function pick<T>(a: T, b: T, first: boolean): T { return first ? a : b; }
function fold(z: readonly number[], k: number): number { let t = k; for (const e of z) t = Math.sin(t + e * k); return t; }
function power(k: number, n: number): number { return n <= 0 ? 1 : 0.5 * k * power(k, n - 1); }
function descend(z: number[], i: number): number {
  if (i >= z.length) return 0.25;
  z[i] = Math.tanh(z[i] + 0.5);
  return z[i] * descend(z, i + 1) + z[0];
}
function guarded(k: number): number { if (k > 0.8) throw new RangeError("too large"); return Math.cos(k); }
function total(k = 0.5, ...z: number[]): number { let t = k; for (const e of z) t += e * k; return Math.tanh(t); }
function bin(k: number): number { return k < -0.4 ? 0 : k < 0.4 ? 1 : 2; }
function area(q: Shape): number {
  switch (q.kind) {
    case "disc":
      return Math.sin(q.r) * q.r;
    case "box":
      return q.w * Math.cos(q.h);
  }
}
const table = { soft: (q: number) => Math.log1p(Math.exp(q)), cube: (q: number) => q ** 3 * 0.2 };
class Cell {
  v: number;
  constructor(v: number) { this.v = v * 0.5; }
  step(k: number): number { this.v = Math.tanh(this.v + k); return this.v; }
  get double(): number { return this.v * 2; }
  set half(k: number) { this.v = Math.sin(k) * 0.5; }
  static mean(p: Cell, q: Cell): number { return (p.v + q.v) / 2; }
}
class Leaky extends Cell {
  m: number;
  constructor(v: number, m: number) { super(v); this.m = m; }
  override step(k: number): number { const before = this.m; this.m = Math.sin(0.5 * this.m + super.step(k)); return this.m * before; }
}
class Wave implements Law {
  readonly f: number;
  constructor(f: number) { this.f = f; }
  at(k: number): number { return Math.sin(this.f * k); }
}
class Decay implements Law {
  #rate: number;
  constructor(rate: number) { this.#rate = Math.cos(rate); }
  at(k: number): number { this.#rate *= 0.5; return Math.exp(-k * k) * this.#rate; }
}
`;

/** The parameters of every program. */
export const parameters = "x: number, y: number, a: number[], s: S, m: Map<string, number>";

/** The keys of every Map and record. */
export const keys = ['"p"', '"q"'];

/** Elements of every array. */
export const length = 3;

/** Fresh arguments of a program, from its own numbers. */
export function argumentsOf(number) {
  const next = random(number * 7919 + 17);
  const value = () => Math.round((next() * 3 - 1.5) * 1000) / 1000;
  const list = () => [value(), value(), value()];
  const [x, y, a, u, v, w, p, q] = [value(), value(), list(), value(), value(), list(), value(), value()];
  return () => [
    x,
    y,
    [...a],
    { u, v, w: [...w] },
    new Map([
      ["p", p],
      ["q", q],
    ]),
  ];
}
