/**
 * Derivatives of JavaScript's operators and of `Math`: what an operation with result `r` and cotangent `d` gives to each
 * argument. At kinks: abs is 0 at 0, ties of max and min share equally, `a % b` has the slopes 1 and -trunc(a / b),
 * x ** p is flat in x where p = 0 and flat in p where x = 0 < p.
 */
import type { Builder, Value } from "../hir/index.ts";

/** Contribution to one argument's adjoint; `constant` tells the value of a literal. */
export type Rule = (b: Builder, args: readonly Value[], r: Value, d: Value, constant: (v: Value) => unknown) => Value;

const add = (b: Builder, x: Value, y: Value) => b.prim("+", [x, y]);
const sub = (b: Builder, x: Value, y: Value) => b.prim("-", [x, y]);
const mul = (b: Builder, x: Value, y: Value) => b.prim("*", [x, y]);
const div = (b: Builder, x: Value, y: Value) => b.prim("/", [x, y]);
/** A quotient whose divisor may be a literal: then it is a product, which is several times faster. */
const divided = (b: Builder, x: Value, y: Value, known: unknown) =>
  typeof known === "number" && known !== 0 && Number.isFinite(1 / known) ? mul(b, x, num(b, 1 / known)) : div(b, x, y);
const neg = (b: Builder, x: Value) => b.prim("neg", [x]);
const num = (b: Builder, x: number) => b.const(x);
const square = (b: Builder, x: Value) => mul(b, x, x);
const choose = (b: Builder, condition: Value, then: (b: Builder) => Value, otherwise: (b: Builder) => Value) =>
  b.if(
    condition,
    (inner) => [then(inner)],
    (inner) => [otherwise(inner)],
  )[0] as Value;

const absent = (b: Builder, x: Value) => b.prim("==", [x, b.const(undefined)]);

const pass: Rule = (_b, _a, _r, d) => d;
const zero: Rule = (b) => num(b, 0);

const power: readonly Rule[] = [
  (b, [x, p], _r, d, constant) => {
    const slope = (c: Builder) => mul(c, p as Value, c.prim("**", [x as Value, sub(c, p as Value, num(c, 1))]));
    const known = constant(p as Value);
    if (known === 0) return num(b, 0);
    if (known === 1) return d;
    if (known === 2) return mul(b, d, mul(b, num(b, 2), x as Value));
    if (known === 3) return mul(b, d, mul(b, num(b, 3), square(b, x as Value)));
    const factor =
      known === undefined ? choose(b, b.prim("===", [p as Value, num(b, 0)]), (c) => num(c, 0), slope) : slope(b);
    return mul(b, d, factor);
  },
  (b, [x, p], r, d) => {
    const flat = b.prim("&&", [b.prim("===", [x as Value, num(b, 0)]), b.prim(">", [p as Value, num(b, 0)])]);
    return mul(
      b,
      d,
      choose(
        b,
        flat,
        (c) => num(c, 0),
        (c) => mul(c, r, c.math("log", [x as Value])),
      ),
    );
  },
];

const prims: Readonly<Record<string, readonly Rule[]>> = {
  "+": [pass, pass],
  "-": [pass, (b, _a, _r, d) => neg(b, d)],
  "*": [(b, [, y], _r, d) => mul(b, d, y as Value), (b, [x], _r, d) => mul(b, d, x as Value)],
  "/": [
    (b, [, y], _r, d, constant) => divided(b, d, y as Value, constant(y as Value)),
    (b, [, y], r, d) => neg(b, mul(b, div(b, d, y as Value), r)),
  ],
  "%": [pass, (b, [x, y], _r, d) => neg(b, mul(b, d, b.math("trunc", [div(b, x as Value, y as Value)])))],
  "**": power,
  "??": [
    (b, [x], _r, d) =>
      choose(
        b,
        absent(b, x as Value),
        (c) => num(c, 0),
        () => d,
      ),
    (b, [x], _r, d) =>
      choose(
        b,
        absent(b, x as Value),
        () => d,
        (c) => num(c, 0),
      ),
  ],
};

const unaryPrims: Readonly<Record<string, Rule>> = {
  neg: (b, _a, _r, d) => neg(b, d),
  "-": (b, _a, _r, d) => neg(b, d),
  "+": pass,
};

const unary = (slope: (b: Builder, x: Value, r: Value) => Value): readonly Rule[] => [
  (b, [x], r, d) => mul(b, d, slope(b, x as Value, r)),
];
const over = (denominator: (b: Builder, x: Value, r: Value) => Value): readonly Rule[] => [
  (b, [x], r, d) => div(b, d, denominator(b, x as Value, r)),
];
const one = (b: Builder) => num(b, 1);

const maths: Readonly<Record<string, readonly Rule[]>> = {
  abs: unary((b, x) => b.math("sign", [x])),
  sqrt: over((b, _x, r) => mul(b, num(b, 2), r)),
  cbrt: over((b, _x, r) => mul(b, num(b, 3), square(b, r))),
  exp: unary((_b, _x, r) => r),
  expm1: unary((b, _x, r) => add(b, r, one(b))),
  log: over((_b, x) => x),
  log1p: over((b, x) => add(b, one(b), x)),
  log2: over((b, x) => mul(b, x, num(b, Math.LN2))),
  log10: over((b, x) => mul(b, x, num(b, Math.LN10))),
  sin: unary((b, x) => b.math("cos", [x])),
  cos: unary((b, x) => neg(b, b.math("sin", [x]))),
  tan: unary((b, _x, r) => add(b, one(b), square(b, r))),
  asin: over((b, x) => b.math("sqrt", [sub(b, one(b), square(b, x))])),
  acos: over((b, x) => neg(b, b.math("sqrt", [sub(b, one(b), square(b, x))]))),
  atan: over((b, x) => add(b, one(b), square(b, x))),
  sinh: unary((b, x) => b.math("cosh", [x])),
  cosh: unary((b, x) => b.math("sinh", [x])),
  tanh: unary((b, _x, r) => sub(b, one(b), square(b, r))),
  asinh: over((b, x) => b.math("sqrt", [add(b, square(b, x), one(b))])),
  acosh: over((b, x) => b.math("sqrt", [sub(b, square(b, x), one(b))])),
  atanh: over((b, x) => sub(b, one(b), square(b, x))),
  atan2: [
    (b, [y, x], _r, d) => div(b, mul(b, d, x as Value), add(b, square(b, x as Value), square(b, y as Value))),
    (b, [y, x], _r, d) => neg(b, div(b, mul(b, d, y as Value), add(b, square(b, x as Value), square(b, y as Value)))),
  ],
  pow: power,
  fround: [pass],
  f16round: [pass],
};

/** One argument's share of the cotangent of max or min: all of it, or an equal part among those that tie. */
function extremum(position: number): Rule {
  return (b, args, r, d) => {
    const mine = args[position] as Value;
    if (args.length === 1) return d;
    const isMine = b.prim("===", [mine, r]);
    let ties = num(b, 1);
    args.forEach((other, i) => {
      if (i === position) return;
      const tied = choose(
        b,
        b.prim("===", [other, r]),
        (c) => num(c, 1),
        (c) => num(c, 0),
      );
      ties = add(b, ties, tied);
    });
    const count = ties;
    return choose(
      b,
      isMine,
      (c) => div(c, d, count),
      (c) => num(c, 0),
    );
  };
}

const hypot = (position: number): Rule => {
  return (b, args, r, d) =>
    choose(
      b,
      b.prim("===", [r, num(b, 0)]),
      (c) => num(c, 0),
      (c) => div(c, mul(c, d, args[position] as Value), r),
    );
};

/** The rule for one argument of an operator, undefined where there is none. */
export function primRule(op: string, arity: number, position: number): Rule | undefined {
  return arity === 1 ? unaryPrims[op] : prims[op]?.[position];
}

/** The rule for one argument of a `Math` function, undefined where there is none. */
export function mathRule(fn: string, position: number): Rule | undefined {
  if (fn === "max" || fn === "min") return extremum(position);
  if (fn === "hypot") return hypot(position);
  if (zeroMath.has(fn)) return zero;
  return maths[fn]?.[position];
}

const zeroMath = new Set(["floor", "ceil", "round", "trunc", "sign"]);
