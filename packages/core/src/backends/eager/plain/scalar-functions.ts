/** What each elementwise operation does to one number: the definition that every faster kernel is tested against. */
import type { BinaryOp, UnaryOp } from "../../../backend/backend.ts";
import { erf, erfc, erfInv } from "./special-functions.ts";

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

const rootTwoOverPi = Math.sqrt(2 / Math.PI);

/** Half to even. */
function roundEven(x: number): number {
  const nearest = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 ? 2 * Math.round(x / 2) : nearest;
}

function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** The tanh form of GELU (Hendrycks and Gimpel, 2016), with its limits at ±Infinity. */
function geluTanh(x: number): number {
  if (x === -Infinity) return 0;
  return x * sigmoid(2 * rootTwoOverPi * (x + 0.044715 * x * x * x));
}

function geluTanhDerivative(x: number): number {
  if (x === Infinity) return 1;
  if (x === -Infinity) return 0;
  const s = sigmoid(2 * rootTwoOverPi * (x + 0.044715 * x * x * x));
  const slope = s * (1 - s);
  return slope === 0 ? s : s + x * slope * 2 * rootTwoOverPi * (1 + 3 * 0.044715 * x * x);
}

const bool = (value: boolean) => (value ? 1 : 0);

export const unaryFunctions: Record<UnaryOp, Unary> = {
  abs: Math.abs,
  neg: (x) => -x,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  exp10: (x) => 10 ** x,
  expm1: Math.expm1,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  erf,
  erfc,
  erfInv,
  sign: Math.sign,
  ceil: Math.ceil,
  floor: Math.floor,
  round: roundEven,
  trunc: Math.trunc,
  sigmoid,
  logSigmoid: (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  relu: (x) => Math.max(x, 0),
  geluTanh,
  geluTanhDerivative,
  silu: (x) => (x === -Infinity ? 0 : x * sigmoid(x)),
  isNaN: (x) => bool(Number.isNaN(x)),
  isFinite: (x) => bool(Number.isFinite(x)),
  isInfinite: (x) => bool(x === Infinity || x === -Infinity),
  logicalNot: (x) => bool(x === 0),
};

/** The sign is that of the divisor, as in Python. */
function remainder(a: number, b: number): number {
  const r = a % b;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r;
}

/** Rounds toward -Infinity, consistent with `remainder`. */
function floorDiv(a: number, b: number): number {
  const quotient = a / b;
  if (!Number.isFinite(quotient)) return Math.floor(quotient);
  if (!Number.isFinite(b)) return a !== 0 && a < 0 !== b < 0 ? -1 : 0;
  // The quotient may round up to an integer that the exact one does not reach (1 / 0.1 is just below 10).
  const r = remainder(a, b);
  return r === 0 ? roundEven(quotient) : Math.floor((a - r) / b + 0.5);
}

function pow(a: number, b: number): number {
  // IEEE and NumPy say 1 where ECMAScript says NaN.
  if (a === 1 || (a === -1 && (b === Infinity || b === -Infinity))) return 1;
  return a ** b;
}

function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  if (high === Infinity || high === -Infinity) return high;
  return high + Math.log1p(Math.exp(-Math.abs(a - b)));
}

export const binaryFunctions: Record<BinaryOp, Binary> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  floorDiv,
  remainder,
  fmod: (a, b) => a % b,
  pow,
  maximum: Math.max,
  minimum: Math.min,
  atan2: Math.atan2,
  hypot: Math.hypot,
  logAddExp,
  equal: (a, b) => bool(a === b),
  notEqual: (a, b) => bool(a !== b),
  less: (a, b) => bool(a < b),
  lessEqual: (a, b) => bool(a <= b),
  greater: (a, b) => bool(a > b),
  greaterEqual: (a, b) => bool(a >= b),
  logicalAnd: (a, b) => bool(a !== 0 && b !== 0),
  logicalOr: (a, b) => bool(a !== 0 || b !== 0),
  logicalXor: (a, b) => bool((a !== 0) !== (b !== 0)),
};

function integerPow(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent & 1 ? -1 : 1) : 0;
  let result = 1;
  let square = base;
  for (let e = exponent; e > 0; e >>>= 1) {
    if (e & 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}

/** Where integers differ: products wrap, and division by zero gives 0 as in NumPy. */
const integerFunctions: Partial<Record<BinaryOp, Binary>> = {
  mul: Math.imul,
  div: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  floorDiv: (a, b) => (b === 0 ? 0 : Math.floor(a / b)),
  remainder: (a, b) => (b === 0 ? 0 : remainder(a, b)),
  fmod: (a, b) => (b === 0 ? 0 : a % b),
  pow: integerPow,
};

const comparisons: ReadonlySet<BinaryOp> = new Set<BinaryOp>([
  "equal",
  "notEqual",
  "less",
  "lessEqual",
  "greater",
  "greaterEqual",
  "logicalAnd",
  "logicalOr",
  "logicalXor",
]);
const predicates: ReadonlySet<UnaryOp> = new Set<UnaryOp>(["isNaN", "isFinite", "isInfinite", "logicalNot"]);

export const isComparison = (op: BinaryOp): boolean => comparisons.has(op);
export const isPredicate = (op: UnaryOp): boolean => predicates.has(op);

export function binaryFunction(op: BinaryOp, integer: boolean): Binary {
  return (integer ? integerFunctions[op] : undefined) ?? binaryFunctions[op];
}
