/**
 * Derivatives of `Math.*` as values (`gradient(Math.sin)`, `xs.map(Math.exp)`); the compiler has its own rules for
 * direct calls. At kinks: abs and sign have derivative 0 at 0; max and min give the whole cotangent to the first
 * operand among equals; hypot has derivative 0 at the origin; floor, ceil, round, trunc and sign have derivative 0
 * everywhere.
 */
import type { AnyFunction, Derivative, RegisteredDerivative } from "../protocol/index.ts";

type MathName = Exclude<keyof Math, symbol>;

type Slope = (x: number, value: number) => number;

/** Derivative of each function of one variable, given the argument and the value. */
const unary: Partial<Record<MathName, Slope>> = {
  abs: (x) => Math.sign(x),
  acos: (x) => -1 / Math.sqrt(1 - x * x),
  acosh: (x) => 1 / Math.sqrt(x * x - 1),
  asin: (x) => 1 / Math.sqrt(1 - x * x),
  asinh: (x) => 1 / Math.sqrt(x * x + 1),
  atan: (x) => 1 / (1 + x * x),
  atanh: (x) => 1 / (1 - x * x),
  cbrt: (_x, value) => 1 / (3 * value * value),
  ceil: () => 0,
  cos: (x) => -Math.sin(x),
  cosh: (x) => Math.sinh(x),
  exp: (_x, value) => value,
  expm1: (_x, value) => value + 1,
  floor: () => 0,
  fround: () => 1,
  log: (x) => 1 / x,
  log10: (x) => 1 / (x * Math.LN10),
  log1p: (x) => 1 / (1 + x),
  log2: (x) => 1 / (x * Math.LN2),
  round: () => 0,
  sign: () => 0,
  sin: (x) => Math.cos(x),
  sinh: (x) => Math.cosh(x),
  sqrt: (_x, value) => 0.5 / value,
  tan: (_x, value) => 1 + value * value,
  tanh: (_x, value) => 1 - value * value,
  trunc: () => 0,
};

interface Several {
  /** "any" for rest parameters. */
  readonly arity: number | "any";
  partials(args: readonly number[], value: number): number[];
}

/** Functions of several variables: the partial derivatives at the arguments. */
const several: Partial<Record<MathName, Several>> = {
  atan2: {
    arity: 2,
    partials: ([y, x]) => [x / (x * x + y * y), -y / (x * x + y * y)],
  },
  pow: {
    arity: 2,
    // The base's slope at exponent 0 is 0, and so is the exponent's at base 0 where the power is finite.
    partials: ([x, y], value) => [y === 0 ? 0 : y * x ** (y - 1), x === 0 && y >= 0 ? 0 : value * Math.log(x)],
  },
  hypot: { arity: "any", partials: (args, value) => args.map((x) => (value === 0 ? 0 : x / value)) },
  max: { arity: "any", partials: shared },
  min: { arity: "any", partials: shared },
};

/** Those that tie share the cotangent equally, as in compiled code. */
function shared(args: readonly number[], value: number): number[] {
  const ties = args.filter((x) => x === value).length;
  return args.map((x) => (x === value ? 1 / ties : 0));
}

let table: Map<unknown, Derivative> | undefined;

/** The derivative of a function of `Math`, or undefined. */
export function mathDerivative(fn: unknown): Derivative | undefined {
  table ??= build();
  return table.get(fn);
}

function build(): Map<unknown, Derivative> {
  const rules = new Map<unknown, Derivative>();
  for (const [name, slope] of Object.entries(unary) as [MathName, Slope][]) {
    const fn = Math[name] as AnyFunction;
    rules.set(
      fn,
      entry(
        name,
        1,
        (x: number) => {
          const value = fn(x);
          return { value, pullback: (ct: number) => ct * slope(x, value) };
        },
        (x: number) => {
          const value = fn(x);
          return { value, differential: (dx: number) => dx * slope(x, value) };
        },
      ),
    );
  }
  for (const [name, { arity, partials }] of Object.entries(several)) {
    const fn = Math[name as MathName] as AnyFunction;
    rules.set(
      fn,
      entry(
        name,
        arity,
        (...args: number[]) => {
          const value = fn(...args);
          return { value, pullback: (ct: number) => partials(args, value).map((slope) => ct * slope) };
        },
        (...args: number[]) => {
          const value = fn(...args);
          const differential = (...tangents: number[]) =>
            partials(args, value).reduce((sum, slope, i) => sum + slope * (tangents[i] as number), 0);
          return { value, differential };
        },
      ),
    );
  }
  return rules;
}

function entry(
  name: string,
  arity: number | "any",
  vjp: RegisteredDerivative["vjp"],
  jvp: RegisteredDerivative["jvp"],
): Derivative {
  const variadic = arity === "any";
  const positions = variadic ? [] : Array.from({ length: arity }, (_, i) => i);
  const registered: RegisteredDerivative = {
    vjp,
    jvp,
    positions,
    wrt: positions,
    receiver: false,
    variadic,
    effects: "none",
    retains: false,
  };
  return {
    abi: 1,
    name: `Math.${name}`,
    kinds: variadic ? "r" : "v".repeat(arity),
    rest: variadic,
    variants: {},
    registered,
  };
}
