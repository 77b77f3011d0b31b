/**
 * Elementary functions on four float32 lanes. Errors are the largest found against float64 over all binades
 * (`vector-math.test.ts` holds them): exp 1 ulp, log 1 ulp, tanh 2 ulp, sigmoid 2.5 ulp, silu 3.5 ulp, erf 8 ulp;
 * geluTanh and its derivative 5e-7 of the value plus 6e-8. Infinities, NaN and
 * subnormal numbers come out as IEEE asks.
 *
 * exp, log, tanh: the polynomials of Cephes (Moshier, 1989), single precision. erf: the rational approximation of
 * Eigen (TensorFlow's `fast_erf`).
 */
import { type Expression, f32x4, i32x4, type Steps, v128 } from "../wasm/index.ts";

type Function1 = (s: Steps, x: Expression) => Expression;

const { add, sub, mul, div, pmin, pmax } = f32x4;
const number = f32x4.const;
const bits = (pattern: number) => i32x4.const(pattern, pattern, pattern, pattern);
const signBit = bits(-0x80000000);

/** Horner's rule, highest power first. */
function polynomial(s: Steps, x: Expression, coefficients: readonly number[]): Expression {
  const [highest, ...rest] = coefficients;
  return rest.reduce<Expression>((sum, c) => s.let(add(mul(sum, x), number(c))), number(highest));
}

/** exp(x) = 2^n · exp(r) with |r| <= ln 2 / 2; the two halves of n keep every scale factor a normal number. */
export const exp: Function1 = (s, x) => {
  const bounded = s.let(pmin(pmax(x, number(-104)), number(89)));
  // Adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits.
  const magic = 12582912;
  const shifted = s.let(add(mul(bounded, number(Math.LOG2E)), number(magic)));
  const n = s.let(sub(shifted, number(magic)));
  const r = s.let(sub(sub(bounded, mul(n, number(0.693359375))), mul(n, number(-2.1219444005469057e-4))));
  const p = polynomial(
    s,
    r,
    [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
  );
  const y = s.let(add(add(mul(mul(p, r), r), r), number(1)));
  const integer = s.let(i32x4.sub(shifted, bits(0x4b400000)));
  const half = s.let(i32x4.shr(integer, 1));
  const power = (e: Expression) => i32x4.shl(i32x4.add(e, bits(127)), 23);
  return s.let(mul(mul(y, power(half)), power(i32x4.sub(integer, half))));
};

/** log(2^e · m) = e · ln 2 + log(m) with m in [√½, √2). */
export const log: Function1 = (s, value) => {
  const x = s.let(value);
  const tiny = s.let(f32x4.lt(x, number(2 ** -126)));
  const normal = s.let(v128.select(tiny, mul(x, number(2 ** 23)), x));
  const rootHalf = 0x3f3504f3;
  const shifted = s.let(i32x4.sub(normal, bits(rootHalf)));
  const exponent = s.let(sub(f32x4.fromI32x4(i32x4.shr(shifted, 23)), v128.and(tiny, number(23))));
  const m = s.let(sub(i32x4.add(v128.and(shifted, bits(0x7fffff)), bits(rootHalf)), number(1)));
  const square = s.let(mul(m, m));
  const p = polynomial(
    s,
    m,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
      2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  const low = add(sub(mul(mul(p, m), square), mul(exponent, number(2.1219444005469057e-4))), mul(square, number(-0.5)));
  const y = s.let(add(add(m, low), mul(exponent, number(0.693359375))));
  // Infinity and NaN stand for themselves; 0 gives -Infinity, below is NaN.
  const ordinary = s.let(v128.select(f32x4.lt(x, number(Infinity)), y, x));
  const atZero = s.let(v128.select(f32x4.eq(x, number(0)), number(-Infinity), ordinary));
  return s.let(v128.select(f32x4.lt(x, number(0)), number(NaN), atZero));
};

export const sigmoid: Function1 = (s, value) => {
  const x = s.let(value);
  const e = s.let(exp(s, v128.or(x, signBit)));
  return s.let(div(v128.select(f32x4.lt(x, number(0)), e, number(1)), add(number(1), e)));
};

export const tanh: Function1 = (s, value) => {
  const x = s.let(value);
  const magnitude = s.let(f32x4.abs(x));
  const square = s.let(mul(x, x));
  const p = polynomial(
    s,
    square,
    [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
  );
  const near = s.let(add(mul(mul(p, square), x), x));
  const e = exp(s, add(magnitude, magnitude));
  const far = s.let(sub(number(1), div(number(2), add(e, number(1)))));
  const result = v128.select(f32x4.lt(magnitude, number(0.625)), near, far);
  // The sign for `far`, and for -0.
  return s.let(v128.or(result, v128.and(x, signBit)));
};

export const erf: Function1 = (s, value) => {
  const x = s.let(pmin(pmax(value, number(-4)), number(4)));
  const square = s.let(mul(x, x));
  const p = polynomial(
    s,
    square,
    [
      -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5, -7.34990630326855e-4,
      -2.95459980854025e-3, -1.60960333262415e-2,
    ],
  );
  const q = polynomial(
    s,
    square,
    [-1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3, -1.42647390514189e-2],
  );
  // The quotient first: where x is subnormal, x · p would lose its digits.
  return s.let(mul(x, div(p, q)));
};

/** log(1 + e) for e >= 0, with no loss where e is small (Goldberg, 1991, theorem 4). */
function log1pPositive(s: Steps, e: Expression): Expression {
  const u = s.let(add(number(1), e));
  const rounded = s.let(sub(u, number(1)));
  const quotient = s.let(div(mul(log(s, u), e), rounded));
  return s.let(v128.select(f32x4.eq(rounded, number(0)), e, quotient));
}

export const softplus: Function1 = (s, value) => {
  const x = s.let(value);
  const e = s.let(exp(s, v128.or(x, signBit)));
  return s.let(add(pmax(x, number(0)), log1pPositive(s, e)));
};

export const logSigmoid: Function1 = (s, value) => f32x4.neg(softplus(s, f32x4.neg(value)));

export const silu: Function1 = (s, value) => {
  // Below -200 the sigmoid is 0; the bound keeps -Infinity from giving NaN.
  const x = s.let(pmax(value, number(-200)));
  return s.let(mul(x, sigmoid(s, x)));
};

const geluSlope = 2 * Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;

/** x · sigmoid(2√(2/π)(x + 0.044715x³)), which is the tanh form without its cancellation. */
export const geluTanh: Function1 = (s, value) => {
  const x = s.let(pmax(value, number(-100)));
  const square = s.let(mul(x, x));
  const inner = s.let(mul(x, add(number(geluSlope), mul(square, number(geluSlope * geluCubic)))));
  return s.let(mul(x, sigmoid(s, inner)));
};

export const geluTanhDerivative: Function1 = (s, value) => {
  // Beyond ±100 the derivative is constant.
  const x = s.let(pmin(pmax(value, number(-100)), number(100)));
  const square = s.let(mul(x, x));
  const inner = s.let(mul(x, add(number(geluSlope), mul(square, number(geluSlope * geluCubic)))));
  const slope = s.let(add(number(geluSlope), mul(square, number(3 * geluSlope * geluCubic))));
  const e = s.let(exp(s, v128.or(inner, signBit)));
  const inverse = s.let(div(number(1), add(number(1), e)));
  const gate = mul(v128.select(f32x4.lt(inner, number(0)), e, number(1)), inverse);
  // gate · (1 - gate), without the difference that would cancel.
  const gateSlope = mul(mul(e, inverse), inverse);
  return s.let(add(gate, mul(mul(x, slope), gateSlope)));
};

/** -1, 0, 1; zeros and NaN stand for themselves. */
export const sign: Function1 = (s, value) => {
  const x = s.let(value);
  const one = v128.or(v128.and(x, signBit), number(1));
  return s.let(v128.select(v128.or(f32x4.gt(x, number(0)), f32x4.lt(x, number(0))), one, x));
};
