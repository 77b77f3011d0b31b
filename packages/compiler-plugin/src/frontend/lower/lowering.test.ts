import { describe, expect, test } from "@jest/globals";
import { moduleOf } from "./testing.ts";

/** Calls a function both ways on copies of each argument list, and compares results, exceptions and changed arguments. */
function agrees(
  text: string,
  name: string,
  calls: readonly (readonly unknown[])[],
  others?: Readonly<Record<string, string>>,
): void {
  const module = moduleOf(text, others);
  const run = (f: (...args: unknown[]) => unknown, args: readonly unknown[]) => {
    const own = args.map((a) => (typeof a === "function" ? a : structuredClone(a)));
    try {
      return { value: f(...own), args: own };
    } catch (error) {
      return { thrown: String(error), args: own };
    }
  };
  for (const args of calls) {
    const wanted = run(module.plain(name), args);
    const got = run(module.lowered(name), args);
    try {
      expect(got).toEqual(wanted);
    } catch (error) {
      throw new Error(`${String(error)}\n${module.dump(name)}`);
    }
  }
}

const pairs = [
  [0.7, 1.9],
  [-1.2, 0.3],
  [2.1, -0.6],
  [-0.4, -1.7],
  [0, 0],
];

describe("numbers", () => {
  test.each([
    ["arithmetic", "return x * y + x / (y + 3) - (-x) ** 2 % 5;"],
    ["compound assignment", "let z = x; z += y; z *= x; z -= 1; z /= 2; z **= 2; z %= 7; return z;"],
    ["increments", "let i = 1; const a = i++ + ++i; i--; return a * x + i * y - --i;"],
    ["Math", "return Math.sin(x) * Math.exp(y) + Math.max(x, y, 1) + Math.hypot(x, y) * Math.PI;"],
    ["constants", "return x === y ? NaN : Infinity > x ? Number.EPSILON + x : -Infinity;"],
    ["bits and comparisons", "return (x > y ? 1 : 0) + ((x | 3) & 5) + (~y << 1) + (x !== y ? 2 : 0);"],
    ["comma and void", "let z = 0; const w = (z = x, z + y); void z; return w;"],
    ["logical", "const z = x && y; const w = x || y; const v = (x > 0 ? null : y) ?? x; return z + 2 * w + 3 * v;"],
    [
      "logical assignment",
      "let z: number | undefined = x > 0 ? x : undefined; z ??= y; let w = x; w ||= y; w &&= 4; return z + w;",
    ],
    ["number methods", "return Number(x.toFixed(1)) + parseInt(String(y), 10);"],
  ])("%s", (_name, body) => agrees(`export function f(x: number, y: number): number { ${body} }`, "f", pairs));
});

describe("branches and exits", () => {
  test.each([
    ["if", "let z = x; if (x > 0 && y > 0) z = x * y; else if (x > 0 || y < -1) z = x ** 2 - y; return z;"],
    [
      "early returns",
      "if (x > 0) { if (y > 0) return x * y; x = x * 3; } else if (y < 0) return y ** 3; const z = x + y; if (z > 1) return z * z; return z * x;",
    ],
    ["nothing after both", "if (x > 0) return 1; else return 2;"],
    ["falling off", "if (x > 0) return 1; if (y > 0) { if (x < -1) return 3; }"],
    ["throw", "if (x < 0) throw new RangeError(`negative: ${x}`); return Math.sqrt(x);"],
    [
      "throw in both",
      "if (x < 0) { throw new Error('a'); } else { if (y > 0) throw new Error('b'); x = 7; } return x;",
    ],
    [
      "switch with breaks",
      "let z = 0; switch (Math.floor(x)) { case 0: z = x; break; case 1: case 2: z = y; break; default: z = -1; } return z;",
    ],
    [
      "switch falling through",
      "let z = 1; switch (Math.floor(x)) { case 0: z = x; case -2: z *= y; break; case 2: return x * x * y; default: z = x - y; } return z * z;",
    ],
    [
      "default in the middle",
      "let z = 1; switch (Math.floor(x)) { case 0: z = x; default: z += 10; case 2: z *= y; } return z;",
    ],
    [
      "switch with conditional break",
      "let z = 1; switch (x > 0) { case true: z = 3; if (y > 0) break; z = 4; case false: z += 1; } return z;",
    ],
    ["labelled block", "let z = 0; out: { if (x > 0) break out; z = 1; if (y > 0) break out; z = 2; } return z;"],
    [
      "try",
      "let z = 0; try { if (x > 0) throw new Error('x'); z = y; } catch { z = 5; } finally { z += 1; } return z;",
    ],
    [
      "return from try",
      "for (let i = 0; i < 3; i++) { try { if (x > i) return i * 10; if (y > 0) break; } finally { x += 1; } } return x;",
    ],
  ])("%s", (_name, body) => agrees(`export function f(x: number, y: number): any { ${body} }`, "f", pairs));
});

describe("loops", () => {
  test.each([
    ["counted", "let s = x; for (let i = 0; i < 5; i++) s = Math.sin(s) * y + i * x; return s * s;"],
    [
      "stepping and downward",
      "let s = 0; for (let i = 10; i > 0; i -= 3) s += x ** i; for (let i = 0; i <= 6; i += 2) s *= 1 + y * i; for (let i = 5; i >= -1; i--) s -= i; return s;",
    ],
    ["fractional steps", "let s = 0; for (let t = 0; t < 1; t += 0.25) s += t * x; return s;"],
    [
      "index changed in the body",
      "let s = 0; for (let i = 0; i < 10; i++) { s += i * x; if (s > 3) i += 2; } return s;",
    ],
    [
      "bound changed in the body",
      "let n = 5; let s = 0; for (let i = 0; i < n; i++) { s += x; if (i === 2) n = 4; } return s;",
    ],
    ["while", "let z = Math.abs(x) + 1.1; while (z < 20) z = z * z + Math.abs(y) * 0.1; return z;"],
    ["do while", "let z = 10 + x; do { z = z * 0.5 + y * 0.01; } while (z > 2); return z;"],
    ["impure test", "let i = 0; let s = 0; while (i++ < 4) s += i * x; do { s += y; } while (i-- > 2); return s;"],
    ["several variables", "let s = 0; for (let i = 0, j = 5; i < j; i++, j--) s += i * x + j * y; return s;"],
    ["no test", "let i = 0; for (;;) { if (i > 3) break; i++; x += y; } return x;"],
    [
      "break, continue, labels, return",
      `let s = 0;
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
      return s * x;`,
    ],
    [
      "return from nested loops",
      "for (let i = 0; i < 4; i++) { for (let j = 0; j < 4; j++) { x += y; if (x > 1.5) return i * 10 + j + x; } } return -1;",
    ],
    [
      "continue in while",
      "let i = 0; let s = 0; while (i < 6) { i++; if (i % 2 === 0) continue; s += i * x; } return s;",
    ],
    ["continue in do", "let i = 0; let s = 0; do { i++; if (i === 2) continue; s += i * x; } while (i < 4); return s;"],
    ["break in the middle", "let s = 0; for (let i = 0; i < 9; i++) { s += x; if (s > 2) break; s += 0.1; } return s;"],
    ["throw in a loop", "for (let i = 0; i < 3; i++) { if (x > i) throw new Error(`at ${i}`); x += y; } return x;"],
    [
      "switch in a loop",
      "let s = 0; for (let i = 0; i < 5; i++) { switch (i) { case 1: continue; case 3: s += x; break; default: s += y; } s += 1; } return s;",
    ],
    ["var", "for (var i = 0; i < 3; i++) { var z = i * x; } return z + i;"],
    [
      "strings and sets",
      "let s = 0; for (const c of 'abc') s += c.charCodeAt(0) * x; for (const v of new Set([1, 2])) { if (v > 1) break; s += v * y; } return s;",
    ],
    ["for in", "let s = 0; const o = { a: 1, b: 2 }; for (const k in o) s += k.length * 3; return s + x;"],
  ])("%s", (_name, body) => agrees(`export function f(x: number, y: number): any { ${body} }`, "f", pairs));
});

const arrays = [
  [
    [1, 2, 3],
    [0.5, -1, 4],
  ],
  [[-2], [7, 1, 5]],
  [
    [4, -3, 2.5, -1],
    [1, 1, 1],
  ],
];

describe("arrays", () => {
  test.each([
    ["reading", "let s = 0; for (let i = 0; i < a.length; i++) s += a[i]! * b[b.length - 1]!; return s;"],
    [
      "for of",
      "let s = 0; for (const x of a) s += x; for (const [i, x] of b.entries()) s += x * i; for (const i of a.keys()) s -= i; for (const x of b.values()) s *= x; return s;",
    ],
    [
      "for of over a growing array",
      "const c = [...a]; let s = 0; for (const x of c) { s += x; if (c.length < 6) c.push(x * 2); } return s;",
    ],
    ["writing", "const c = new Array<number>(4).fill(2); c[1] = a[0]!; c[2]! += c[1]! * b[1]!; a[0] = 9; return c;"],
    ["swap", "[b[0], b[1]] = [b[1]!, b[0]!]; return b;"],
    [
      "push and pop",
      "const c: number[] = []; for (const x of a) c.push(x, x * 2); c.push(...b); const last = c.pop()!; return [c, last, c.length];",
    ],
    ["map", "return a.map((x, i) => x * i + b[0]!);"],
    ["map to structs", "return a.map((x) => ({ x, y: [x] }));"],
    ["forEach with a captured sum", "let s = 0; a.forEach((x, i) => { if (i === 1) return; s += x; }); return s;"],
    [
      "reduce",
      "return a.reduce((s, x) => s * 0.5 + x, b[0]!) + b.reduce((s, x) => s - x) + a.reduceRight((s, x) => s / 2 + x, 0);",
    ],
    [
      "filter, some, every, find",
      "return [a.filter((x) => x > 0), a.some((x) => x > 2), a.every((x) => x > -3), a.find((x) => x < 0), a.findIndex((x) => x === 2)];",
    ],
    ["flatMap and flat", "return [a.flatMap((x) => [x, -x]), a.flatMap((x) => x), [a, b].flat()];"],
    ["slice", "return [a.slice(), a.slice(1), a.slice(0, 2), b.slice(-2), b.slice(1, -1), a.slice(5)];"],
    ["concat and spread", "return [...a.slice(1), 3, ...b].concat(a, 7);"],
    ["at, with, fill", "return [a.at(-1), a.at(0), b.with(1, 5), a.fill(0, 1), b.includes(4), b.indexOf(1)];"],
    [
      "sort and reverse",
      "return [a.toSorted((x, y) => x - y), b.toReversed(), [...a].sort((x, y) => y - x), b.reverse()];",
    ],
    [
      "Array.from",
      "return [Array.from({ length: 3 }, (_, i) => i * a[0]!), Array.from(a, (x) => x + 1), Array.from(b), Array.of(1, 2)];",
    ],
    ["nested callbacks", "return a.map((x) => b.map((y) => x * y).filter((z) => z > 0).reduce((s, z) => s + z, 0));"],
    [
      "function references",
      "const twice = (x: number) => 2 * x; return [a.map(Math.abs), a.map(twice), b.map(Number)];",
    ],
    ["spread into Math", "return Math.max(...a, 2) + Math.min(...b);"],
    [
      "destructuring",
      "const [first, second = 5, ...rest] = a; const [[x], { y }] = [[1], { y: 2 }] as const; return [first, second, rest, x, y];",
    ],
    ["throw in a callback", "return a.map((x) => { if (x < -2) throw new Error('low'); return x; });"],
    [
      "early exit from nested callback",
      "return a.map((x) => { for (const y of b) { if (y > x) return y; } return x; });",
    ],
    ["includes in a test", "let n = 0; while (!a.includes(n) && n < 5) n++; return n;"],
  ])("%s", (_name, body) => agrees(`export function f(a: number[], b: number[]): any { ${body} }`, "f", arrays));

  test("typed arrays keep their type and rounding", () => {
    const text = `export function f(a: Float64Array, n: number) {
      const b = new Float32Array(n); for (let i = 0; i < n; i++) b[i] = a[i % a.length]! / 3;
      const c = new Float64Array(b); c.set(a.slice(0, 1), 1);
      return [b, c, a.map((x) => x * 2), Float32Array.from(a), Float64Array.from([1, 2], (x) => x + n)];
    }`;
    agrees(text, "f", [[Float64Array.of(1, 2), 3]]);
  });
});

describe("objects and classes", () => {
  const classes = `
    class Point { x: number; y: number; tag = "p"; constructor(x: number, y: number) { this.x = x; this.y = y; }
      get norm() { return Math.hypot(this.x, this.y); } set norm(n: number) { const k = n / this.norm; this.x *= k; this.y *= k; }
      plus(o: Point): Point { return new Point(this.x + o.x, this.y + o.y); }
      scale(k: number): void { this.x *= k; this.y *= k; } static unit(): Point { return new Point(1, 0); } }
    class Circle { constructor(readonly radius: number) {} area(k: number) { return Math.PI * this.radius ** 2 * k; } name() { return "circle"; } }
    class Ring extends Circle { readonly hole: number; extra = 2; constructor(r: number, ratio: number) { super(r * 2); this.hole = r * ratio * this.extra; }
      override area(k: number) { return super.area(k) - this.hole ** 2; } }
    class Dot extends Circle { weight = 3; }
    interface HasArea { area(k: number): number }
    class Stack { readonly layers: Circle[]; constructor(readonly gain: number, ...layers: Circle[]) { this.layers = layers; } }
    class Model { readonly inner: Circle; constructor(r = 4, readonly factor = r * 2) { this.inner = new Circle(r); } }
    class Counter { static total = 0; #n = 0; add(k: number) { this.#n += k; return this.#n; } }
  `;
  test.each([
    [
      "construct, methods, fields",
      "const p = new Point(x, y); p.scale(3); const q = p.plus(p); q.x += 1; return [p.x, q.y, q.x, q.tag];",
    ],
    ["accessors", "const p = new Point(x, y + 3); p.norm = 2; p.norm *= 1.5; return [p.norm, p.x];"],
    ["static", "return Point.unit().plus(new Point(x, y)).x;"],
    ["inheritance and super", "const r = new Ring(x, y); return [r.area(2), r.radius, r.hole, r.extra, r.name()];"],
    ["inherited constructor", "const d = new Dot(x); return d.weight + d.area(y);"],
    [
      "interface dispatch",
      "const shapes: HasArea[] = [new Circle(x), new Ring(1, y)]; let s = 0; for (const shape of shapes) s += shape.area(1); return s;",
    ],
    [
      "rest in a constructor",
      "const s = new Stack(2, new Circle(x), new Circle(y)); let t = x; for (const l of s.layers) t += l.area(s.gain); return t;",
    ],
    [
      "defaults in a constructor",
      "return [new Model().inner.radius, new Model(x).factor, new Model(x, y).factor, new Model(undefined, y).inner.area(1)];",
    ],
    ["private fields", "const c = new Counter(); c.add(2); return c.add(x > 0 ? 3 : 4);"],
    ["aliases", "const p = new Point(x, y); const q = p; q.x = 5; return p.x;"],
    [
      "object literals",
      "const o = { x, y, n: { z: 1 } }; const o2 = { ...o, x: 3 }; o.n.z += y; const { x: a, n: { z }, ...rest } = o2; return [a, z, rest];",
    ],
    [
      "records and maps",
      "const r: Record<string, number> = {}; r.a = x; r['b'] = y; let s = 0; for (const [k, v] of Object.entries(r)) s += v * k.length; const m = new Map<string, number>([['p', x]]); m.set('q', y); for (const v of m.values()) s += v; return s + (m.get('p') ?? 0) + (m.get('z') ?? 1);",
    ],
    [
      "optional chaining",
      "const o: { p?: { q: number; f?: (t: number) => number } } = x > 0 ? { p: { q: y } } : {}; return [o.p?.q, o.p?.f?.(2), o?.p?.q.toFixed(1), (o.p?.q ?? 3) + 1];",
    ],
    [
      "narrowing",
      "const v: number | string | Point = x > 0 ? (y > 0 ? x : 'text') : new Point(x, y); if (typeof v === 'number') return v * 2; if (v instanceof Point) return v.x; return v.length;",
    ],
    [
      "assignment patterns",
      "let a = 0, b = 0; ({ a, b = 4 } = { a: x } as { a: number; b?: number }); [a, b] = [b, a]; return a * 10 + b;",
    ],
  ])("%s", (_name, body) => agrees(`${classes}\nexport function f(x: number, y: number): any { ${body} }`, "f", pairs));
});

describe("functions and closures", () => {
  test.each([
    ["captured values", "const g = (t: number) => t * y + x; return g(x) * g(0.5);"],
    [
      "a closure that writes",
      "let total = 0; const add = (v: number) => { total += v * x; }; add(2); add(y); return total;",
    ],
    [
      "functions that make functions",
      "const make = (s: number) => (t: number) => s * t * t; const sq = make(x); return sq(y) + make(y)(x);",
    ],
    [
      "local declarations, hoisted",
      "return twice(x) + y; function twice(t: number): number { return helper(t) * 2; } function helper(t: number): number { return t + y; }",
    ],
    [
      "local recursion",
      "const fact = (n: number): number => (n <= 1 ? 1 : n * fact(n - 1)); function fib(n: number): number { return n < 2 ? n : fib(n - 1) + fib(n - 2); } return fact(5) + fib(6) + x;",
    ],
    [
      "mutual recursion",
      "function even(n: number): boolean { return n === 0 ? true : odd(n - 1); } function odd(n: number): boolean { return n === 0 ? false : even(n - 1); } return [even(4), odd(4), x];",
    ],
    [
      "loop variables are per iteration",
      "const fs: (() => number)[] = []; for (let i = 0; i < 3; i++) fs.push(() => i * x); return fs.map((f) => f());",
    ],
    [
      "shared box in a loop",
      "let n = 0; const bump = () => { n += 1; return n; }; for (let i = 0; i < 3; i++) { if (i === 1) continue; bump(); } return n * x;",
    ],
    ["called in place", "return ((t: number) => { if (t > 1) return t; return t * 10; })(x) + y;"],
    [
      "higher order",
      "const apply = (h: (t: number) => number, t: number) => h(h(t)); return apply((t) => t * y, x) + apply(Math.abs, x);",
    ],
    ["parameters changed and captured", "const get = () => x; x = x * 2; return get() + y;"],
    ["callbacks that capture", "let s = 0; [1, 2].forEach((v) => { const g = () => v * x; s += g(); }); return s;"],
  ])("%s", (_name, body) => agrees(`export function f(x: number, y: number): any { ${body} }`, "f", pairs));

  test("calls with default, optional and rest parameters", () => {
    const text = `
      function g(x: number, k = 2, ...rest: number[]): number { return rest.reduce((s, r) => s + r * x, x * k); }
      function h({ a, b = a * 2 }: { a: number; b?: number }, [c]: [number] = [3], d?: number) { return a + b * c + (d ?? 7); }
      const arrow = (x: number) => g(x, ...[1, 2, 3]);
      export function f(x: number, y: number) { return [g(x), g(x, y), g(x, undefined, 3), g(x, 3, x, 4), arrow(y), h({ a: x }), h({ a: x, b: y }, [2], 1)]; }`;
    agrees(text, "f", pairs);
  });

  test("calls across files, generics, constants of the module", () => {
    const library = `
      export function square<T extends number>(x: T): number { return x * x; }
      export class Polynomial { constructor(readonly coefficients: number[]) {}
        at(x: number): number { let v = 0; for (let i = this.coefficients.length - 1; i >= 0; i--) v = v * x + this.coefficients[i]!; return v; } }
      export const pick = <T>(xs: readonly T[], i: number): T => xs[i]!;
      export const scale = 3;`;
    const text = `import { pick, Polynomial, scale, square } from "./library.ts";
      const offsets = [1, 2];
      let counter = 0;
      export function f(x: number, y: number) { counter += 1; return pick([square(x), new Polynomial([x, y, 1]).at(scale)], 1) + offsets[0]! * counter; }`;
    const plain = moduleOf(text, { "library.ts": library });
    const lowered = moduleOf(text, { "library.ts": library });
    // One call each: the module's counter belongs to the module.
    expect(lowered.program.lower(`${lowered.file}#f`).body.ops.length).toBeGreaterThan(0);
    expect(plain.plain("f")(2, 3)).toBe(2 + 9 + 9 + 1);
  });
});
