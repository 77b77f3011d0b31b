/** Functions of single elements: kernels where engines have them right, compositions elsewhere. */
import type { BinaryOp, UnaryOp } from "../../backend/backend.ts";
import { erf, erfc, erfInv } from "./special-functions.ts";
import type { Info } from "./types.ts";
import type { Vocabulary } from "./vocabulary.ts";

type Unary = (w: Vocabulary, x: Info) => Info;
type Binary = (w: Vocabulary, a: Info, b: Info) => Info;

const kernel =
  (name: string): Unary =>
  (w, x) =>
    w.unary(name, x);

const rootTwoOverPi = Math.sqrt(2 / Math.PI);

/** log(1 + exp(-|x|)). */
const soft = (w: Vocabulary, x: Info): Info => w.log1p(w.exp(w.neg(w.abs(x))));

/** sigmoid(2 sqrt(2 / π) (x + 0.044715 x³)), by which gelu's tanh form weighs x. */
const geluWeight = (w: Vocabulary, x: Info): Info =>
  w.sigmoid(w.mul(w.mul(x, w.add(w.mul(w.square(x), 0.044715), 1)), 2 * rootTwoOverPi));

/** x times a weight that is 0 at -Infinity. */
const weighed = (w: Vocabulary, x: Info, weight: Info): Info =>
  w.where(w.equal(x, Number.NEGATIVE_INFINITY), 0, w.mul(x, weight));

function geluTanhDerivative(w: Vocabulary, x: Info): Info {
  const s = geluWeight(w, x);
  const slope = w.mul(s, w.sub(1, s));
  const inner = w.add(w.mul(w.square(x), 3 * 0.044715), 1);
  const curved = w.add(s, w.mul(w.mul(w.mul(x, slope), 2 * rootTwoOverPi), inner));
  return w.where(w.equal(slope, 0), s, curved);
}

/** Of float32. Integers have `neg`, `abs`, `square`, `sign` and `relu` only, see `integerUnary`. */
export const floatUnary: Record<UnaryOp, Unary> = {
  abs: kernel("Abs"),
  neg: kernel("Neg"),
  square: (w, x) => w.mul(x, x),
  reciprocal: (w, x) => w.div(1, x),
  sqrt: kernel("Sqrt"),
  rsqrt: (w, x) => w.div(1, w.sqrt(x)),
  exp: kernel("Exp"),
  exp2: (w, x) => w.binary("Pow", 2, x),
  exp10: (w, x) => w.binary("Pow", 10, x),
  expm1: kernel("Expm1"),
  log: kernel("Log"),
  log2: (w, x) => w.mul(w.log(x), Math.LOG2E),
  log10: (w, x) => w.mul(w.log(x), Math.LOG10E),
  log1p: (w, x) => w.log1p(x),
  sin: kernel("Sin"),
  cos: kernel("Cos"),
  tan: kernel("Tan"),
  asin: kernel("Asin"),
  acos: kernel("Acos"),
  atan: kernel("Atan"),
  sinh: kernel("Sinh"),
  cosh: kernel("Cosh"),
  tanh: kernel("Tanh"),
  asinh: kernel("Asinh"),
  acosh: kernel("Acosh"),
  atanh: kernel("Atanh"),
  erf,
  erfc,
  erfInv,
  // Sign gives 0 for small numbers on the WebAssembly engine.
  sign: (w, x) => w.where(w.isNaN(x), x, w.sub(w.cast(w.greater(x, 0), "float32"), w.cast(w.less(x, 0), "float32"))),
  ceil: kernel("Ceil"),
  floor: kernel("Floor"),
  round: (w, x) => {
    const nearest = w.unary("Round", x);
    return w.where(w.equal(nearest, 0), w.mul(x, 0), nearest);
  },
  trunc: (w, x) => w.where(w.less(x, 0), w.unary("Ceil", x), w.floor(x)),
  sigmoid: kernel("Sigmoid"),
  logSigmoid: (w, x) => w.sub(w.minimum(x, 0), soft(w, x)),
  softplus: (w, x) => w.add(w.maximum(x, 0), soft(w, x)),
  relu: kernel("Relu"),
  geluTanh: (w, x) => weighed(w, x, geluWeight(w, x)),
  geluTanhDerivative,
  silu: (w, x) => weighed(w, x, w.sigmoid(x)),
  isNaN: kernel("IsNan"),
  isFinite: kernel("IsFinite"),
  isInfinite: kernel("IsInf"),
  logicalNot: kernel("LogicalNot"),
};

/** Of int32. */
export const integerUnary: Partial<Record<UnaryOp, Unary>> = {
  abs: (w, x) => w.maximum(x, w.sub(0, x)),
  neg: (w, x) => w.sub(0, x),
  square: (w, x) => w.mul(x, x),
  relu: (w, x) => w.maximum(x, 0),
  sign: (w, x) => w.sub(w.cast(w.greater(x, 0), "int32"), w.cast(w.less(x, 0), "int32")),
};

/** a where the sign agrees with the dividend: exact, since Mod of magnitudes is. */
function fmod(w: Vocabulary, a: Info, b: Info): Info {
  const magnitude = w.binary("Mod", w.abs(a), w.abs(b));
  return w.mul(floatUnary.sign(w, a), magnitude);
}

function remainder(w: Vocabulary, a: Info, b: Info): Info {
  const r = fmod(w, a, b);
  const wraps = w.and(w.notEqual(r, 0), w.less(w.mul(floatUnary.sign(w, r), floatUnary.sign(w, b)), 0));
  return w.add(r, w.mul(w.cast(wraps, "float32"), b));
}

function floorDiv(w: Vocabulary, a: Info, b: Info): Info {
  const quotient = w.div(a, b);
  // The quotient may round up to an integer that the exact one does not reach.
  const exact = w.unary("Round", w.div(w.sub(a, remainder(w, a, b)), b));
  return w.where(w.unary("IsFinite", exact), exact, w.floor(quotient));
}

function hypot(w: Vocabulary, a: Info, b: Info): Info {
  const [x, y] = [w.abs(a), w.abs(b)];
  const high = w.maximum(x, y);
  const ratio = w.div(w.minimum(x, y), high);
  const length = w.mul(high, w.sqrt(w.add(w.square(ratio), 1)));
  const plain = w.or(w.equal(high, 0), w.equal(high, Number.POSITIVE_INFINITY));
  return w.where(plain, high, length);
}

function logAddExp(w: Vocabulary, a: Info, b: Info): Info {
  const high = w.maximum(a, b);
  const sum = w.add(high, w.log1p(w.exp(w.neg(w.abs(w.sub(a, b))))));
  return w.where(w.unary("IsInf", high), high, sum);
}

const binaryKernel =
  (name: string): Binary =>
  (w, a, b) =>
    w.binary(name, a, b);

/** IEEE and NumPy say 1 where ECMAScript, and so the cpu engine, says NaN. */
function pow(w: Vocabulary, a: Info, b: Info): Info {
  const turning = w.and(w.equal(a, -1), w.unary("IsInf", b));
  return w.choose(w.or(w.equal(a, 1), turning), 1, w.binary("Pow", a, b));
}

/** x to a finite exponent, which needs none of the care that `pow` takes; small whole ones on graphics by products. */
export function finitePower(w: Vocabulary, x: Info, exponent: number): Info {
  if (!w.kernels.isGraphics || !Number.isInteger(exponent) || exponent < 1 || exponent > 4)
    return w.binary("Pow", x, exponent);
  const square = exponent > 1 ? w.square(x) : x;
  if (exponent === 4) return w.square(square);
  return exponent === 3 ? w.mul(square, x) : square;
}

/** Some engines keep NaN on one side only. */
const extremum =
  (name: string): Binary =>
  (w, a, b) => {
    const result = w.binary(name, a, b);
    return w.choose(w.isNaN(a), Number.NaN, w.choose(w.isNaN(b), Number.NaN, result));
  };

/** Of float32. */
export const floatBinary: Partial<Record<BinaryOp, Binary>> = {
  add: binaryKernel("Add"),
  sub: binaryKernel("Sub"),
  mul: binaryKernel("Multiply"),
  div: binaryKernel("RealDiv"),
  pow,
  maximum: extremum("Maximum"),
  minimum: extremum("Minimum"),
  atan2: binaryKernel("Atan2"),
  floorDiv,
  remainder,
  fmod,
  hypot,
  logAddExp,
};

/** Of int32; what is missing here has no kernel that is right for every operand. */
export const integerBinary: Partial<Record<BinaryOp, Binary>> = {
  add: binaryKernel("Add"),
  sub: binaryKernel("Sub"),
  maximum: binaryKernel("Maximum"),
  minimum: binaryKernel("Minimum"),
};

/** Of equal dtypes, giving bool. */
export const comparisons: Partial<Record<BinaryOp, Binary>> = {
  equal: binaryKernel("Equal"),
  notEqual: binaryKernel("NotEqual"),
  less: binaryKernel("Less"),
  lessEqual: binaryKernel("LessEqual"),
  greater: binaryKernel("Greater"),
  greaterEqual: binaryKernel("GreaterEqual"),
};

/** Of bool. */
export const logical: Partial<Record<BinaryOp, Binary>> = {
  logicalAnd: binaryKernel("LogicalAnd"),
  logicalOr: binaryKernel("LogicalOr"),
  logicalXor: (w, a, b) => w.notEqual(a, b),
};
