/**
 * Functions of single elements for engines on graphics processors. Shading languages promise little of their own ones:
 * sin and cos to 2^-11, inverse functions to 4096 units in the last place, a logarithm with an absolute error around 1,
 * no sign of zero, nothing at infinities (OpenGL ES Shading Language 3.00, section 4.5.1; Vulkan, "Precision and
 * Operation of SPIR-V Instructions"). Here they are made of arithmetic, square roots and exponentials, by the rational
 * approximations and reductions of Cephes (Moshier, single precision) where no other source is named.
 */
import { reshaped } from "./kernels.ts";
import type { Info } from "./types.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The engine's own kernel. */
type Own = (x: Info) => Info;

type Unary = (w: Vocabulary, x: Info, own: Own) => Info;

const infinity = Number.POSITIVE_INFINITY;

/** The sign of x, zeros included, on a result that was computed for |x|. */
function odd(w: Vocabulary, x: Info, magnitude: Info): Info {
  return w.where(w.equal(x, 0), x, w.where(w.less(x, 0), w.neg(magnitude), magnitude));
}

/** π in parts of 7 bits, whose multiples by halves up to 2^16 are exact, and what is left. */
const pi = [3.125, 0.016357421875, 2.346038818359375e-4, 6.258487701416016e-7, 1.984187159361081e-9];

/** x - turns π. */
const reduced = (w: Vocabulary, x: Info, turns: Info): Info =>
  pi.reduce((left, part) => w.sub(left, w.mul(turns, part)), x);

const sineSeries = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800];

/** sin(x) for |x| up to π / 2, by its Taylor series. */
const smallSine = (w: Vocabulary, x: Info): Info => w.mul(x, w.polynomial(w.square(x), sineSeries));

/** -1 at odd integers and 1 at even ones. */
const parity = (w: Vocabulary, n: Info): Info => w.sub(1, w.mul(w.sub(n, w.mul(w.floor(w.mul(n, 0.5)), 2)), 2));

/** Beyond, the multiples of π are not exact, and the engine's function must do. */
const farthest = 2e5;

/** `near`, or far out the engine's function; NaN at infinities. */
const periodic = (w: Vocabulary, x: Info, near: Info, own: Own): Info =>
  w.where(w.less(w.abs(x), farthest), near, w.add(own(x), w.sub(x, x)));

const sin: Unary = (w, x, own) => {
  const turns = w.floor(w.add(w.mul(x, 1 / Math.PI), 0.5));
  return periodic(w, x, w.mul(smallSine(w, reduced(w, x, turns)), parity(w, turns)), own);
};

/** By the distance from the nearest zero, (n + 1/2) π. */
const cos: Unary = (w, x, own) => {
  const whole = w.floor(w.mul(x, 1 / Math.PI));
  const distance = reduced(w, x, w.add(whole, 0.5));
  return periodic(w, x, w.neg(w.mul(smallSine(w, distance), parity(w, whole))), own);
};

const tan: Unary = (w, x) => w.div(w.unary("Sin", x), w.unary("Cos", x));

const arcsine = [1.6666752422e-1, 7.4953002686e-2, 4.5470025998e-2, 2.4181311049e-2, 4.2163199048e-2];

/** asin(x) for |x| up to 1/2. */
function smallArcsine(w: Vocabulary, x: Info): Info {
  const z = w.square(x);
  return w.mul(x, w.add(w.mul(z, w.polynomial(z, arcsine)), 1));
}

/** 2 asin(sqrt((1 - a) / 2)), which is acos(a), for a from 1/2 on; NaN beyond 1. */
function sideArccosine(w: Vocabulary, a: Info): Info {
  const half = w.mul(w.sub(1, a), 0.5);
  const value = w.mul(smallArcsine(w, w.sqrt(w.maximum(half, 0))), 2);
  return w.where(w.lessEqual(a, 1), value, Number.NaN);
}

const asin: Unary = (w, x) => {
  const a = w.abs(x);
  const outer = w.sub(Math.PI / 2, sideArccosine(w, a));
  return w.where(w.less(a, 0.5), smallArcsine(w, x), odd(w, x, outer));
};

const acos: Unary = (w, x) => {
  const side = sideArccosine(w, w.abs(x));
  const outer = w.where(w.less(x, 0), w.sub(Math.PI, side), side);
  return w.where(w.less(w.abs(x), 0.5), w.sub(Math.PI / 2, smallArcsine(w, x)), outer);
};

const arctangent = [1, -3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2];

/** atan(q) for q from 0 to 1. */
function smallArctangent(w: Vocabulary, q: Info): Info {
  const outer = w.greater(q, Math.SQRT2 - 1);
  const t = w.where(outer, w.div(w.sub(q, 1), w.add(q, 1)), q);
  const value = w.mul(t, w.polynomial(w.square(t), arctangent));
  return w.where(outer, w.add(value, Math.PI / 4), value);
}

const atan: Unary = (w, x) => {
  const a = w.abs(x);
  const far = w.greater(a, 1);
  const angle = smallArctangent(w, w.where(far, w.div(1, a), a));
  return odd(w, x, w.where(far, w.sub(Math.PI / 2, angle), angle));
};

/** Σ x^k / (k + 1)!. */
const exponential = [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320];

const expm1: Unary = (w, x) => {
  const small = w.mul(x, w.polynomial(x, exponential));
  return w.where(w.less(w.abs(x), 0.4), small, w.sub(w.exp(x), 1));
};

/** exp by its halves, since exp(|x|) overflows first. */
const halved = (w: Vocabulary, a: Info): Info => w.exp(w.mul(a, 0.5));

const sinh: Unary = (w, x) => {
  const a = w.abs(x);
  const m = w.unary("Expm1", w.minimum(a, 20));
  const near = w.mul(w.add(m, w.div(m, w.add(m, 1))), 0.5);
  const half = halved(w, a);
  return odd(w, x, w.where(w.less(a, 20), near, w.mul(w.mul(half, 0.5), half)));
};

const cosh: Unary = (w, x) => {
  const half = halved(w, w.abs(x));
  return w.add(w.mul(w.mul(half, 0.5), half), w.div(0.5, w.mul(half, half)));
};

const tangent = [1, -3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3];

const tanh: Unary = (w, x) => {
  const a = w.abs(x);
  const outer = w.sub(1, w.div(2, w.add(w.exp(w.mul(a, 2)), 1)));
  const signed = w.where(w.less(x, 0), w.neg(outer), outer);
  return w.where(w.less(a, 0.625), w.mul(x, w.polynomial(w.square(x), tangent)), signed);
};

/** From here on log(x) and log(2 x) serve for the inverse hyperbolic functions, to the last place. */
const large = 1e6;

const asinh: Unary = (w, x) => {
  const a = w.abs(x);
  const b = w.minimum(a, large);
  const square = w.square(b);
  const near = w.log1p(w.add(b, w.div(square, w.add(w.sqrt(w.add(square, 1)), 1))));
  return odd(w, x, w.where(w.less(a, large), near, w.add(w.log(a), Math.LN2)));
};

const acosh: Unary = (w, x) => {
  const t = w.sub(w.minimum(w.maximum(x, 1), large), 1);
  const near = w.log1p(w.add(t, w.sqrt(w.mul(t, w.add(t, 2)))));
  const value = w.where(w.less(x, large), near, w.add(w.log(w.maximum(x, 1)), Math.LN2));
  return w.where(w.greaterEqual(x, 1), value, Number.NaN);
};

const atanh: Unary = (w, x) => {
  const a = w.abs(x);
  const inside = w.mul(w.log1p(w.div(w.mul(a, 2), w.sub(1, a))), 0.5);
  const value = w.where(w.less(a, 1), inside, w.where(w.equal(a, 1), infinity, w.fill(a.shape, Number.NaN, "float32")));
  return odd(w, x, value);
};

/** (log((1 + t) / (1 - t)) / 2 - t) / t is a series in t². */
const logarithm = [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11];

/** By the series in t = (x - 1) / (x + 1) where the logarithm is small, and relatively as exact as elsewhere. */
const log: Unary = (w, x, own) => {
  const t = w.div(w.sub(x, 1), w.add(x, 1));
  const series = w.mul(w.mul(t, 2), w.polynomial(w.square(t), logarithm));
  const near = w.and(w.greater(x, Math.SQRT1_2), w.less(x, Math.SQRT2));
  return w.where(near, series, w.where(w.equal(x, 0), -infinity, own(x)));
};

/** 0 for negative numbers, -Infinity included, and NaN for NaN. */
const relu: Unary = (w, x) => w.where(w.lessEqual(x, 0), 0, x);

/** Of one operand, by the names of the kernels that they stand in for. */
export const graphicsUnary: Readonly<Record<string, Unary>> = {
  Sin: sin,
  Cos: cos,
  Tan: tan,
  Asin: asin,
  Acos: acos,
  Atan: atan,
  Expm1: expm1,
  Sinh: sinh,
  Cosh: cosh,
  Tanh: tanh,
  Asinh: asinh,
  Acosh: acosh,
  Atanh: atanh,
  Log: log,
  Relu: relu,
};

/** x with the shape of a result that it is an operand of. */
function spread(w: Vocabulary, x: Info, shape: readonly number[]): Info {
  const own = [...new Array<number>(shape.length - x.shape.length).fill(1), ...x.shape];
  const reps = shape.map((extent, axis) => (own[axis] === extent ? 1 : extent));
  const seen = reshaped(x, own);
  return reps.every((count) => count === 1) ? seen : w.kernels.run("Tile", { x: seen }, { reps });
}

/** Whether the sign is set: 1 / x is -Infinity at -0. */
const isNegative = (w: Vocabulary, x: Info): Info => w.or(w.less(x, 0), w.less(w.div(1, x), 0));

type Binary = (w: Vocabulary, a: Info, b: Info, own: (a: Info, b: Info) => Info) => Info;

/** The angle of (x, y), with the signs of zeros and at infinities as IEEE 754 has them. */
const atan2: Binary = (w, y, x) => {
  const [height, width] = [w.abs(y), w.abs(x)];
  const high = w.maximum(height, width);
  const ratio = w.div(w.minimum(height, width), high);
  const diagonal = w.and(w.equal(height, width), w.equal(high, infinity));
  const angle = smallArctangent(w, w.where(w.equal(high, 0), 0, w.where(diagonal, 1, ratio)));
  const first = w.where(w.greater(height, width), w.sub(Math.PI / 2, angle), angle);
  const left = spread(w, isNegative(w, x), first.shape);
  const beside = w.where(left, w.sub(Math.PI, first), first);
  return w.where(spread(w, isNegative(w, y), first.shape), w.neg(beside), beside);
};

/** The engine's power where |a| is neither 0 nor infinite and b is finite; IEEE 754 says what is right elsewhere. */
const pow: Binary = (w, a, b, own) => {
  const usual = own(a, b);
  const { shape } = usual;
  const [m, n] = [spread(w, w.abs(a), shape), spread(w, b, shape)];
  // Towards 0 where the exponent draws the base down, towards infinity where it draws it up.
  const down = w.or(w.and(w.less(m, 1), w.greater(n, 0)), w.and(w.greater(m, 1), w.less(n, 0)));
  const limit = w.where(down, 0, w.fill(shape, infinity, "float32"));
  const isOdd = w.and(w.less(w.abs(n), infinity), w.equal(w.sub(n, w.mul(w.floor(w.mul(n, 0.5)), 2)), 1));
  const signed = w.where(w.and(isOdd, spread(w, isNegative(w, a), shape)), w.neg(limit), limit);
  const extreme = w.or(w.or(w.equal(m, 0), w.equal(m, infinity)), w.equal(w.abs(n), infinity));
  const missing = w.or(w.isNaN(m), w.isNaN(n));
  const value = w.where(missing, Number.NaN, w.where(extreme, signed, usual));
  return w.where(w.equal(n, 0), 1, value);
};

/** Of two operands that broadcast. */
export const graphicsBinary: Readonly<Record<string, Binary>> = { Atan2: atan2, Pow: pow };
