/**
 * erf, erfc and the inverse of erf out of arithmetic, since engines have the first in low precision and the others not
 * at all. erf and erfc: the rational approximations of FreeBSD's s_erff.c (Sun Microsystems, 1993), each computed
 * everywhere and chosen by |x|; far out a polynomial of our own. erfInv: Giles, "Approximating the erfinv function" (2010), single precision.
 */
import type { Info } from "./types.ts";
import type { Vocabulary } from "./vocabulary.ts";

const pp = [1.28379166e-1, -3.36030394e-1, -1.86260219e-3];
const qq = [1, 3.12324286e-1, 2.16070302e-2, -1.9885942e-3];
const erx = 8.42697144e-1;
const pa = [3.64939137e-6, 4.15109694e-1, -1.65179938e-1, 1.10914491e-1];
const qa = [1, 6.02074385e-1, 5.35934687e-1, 1.68576106e-1, 5.62181212e-2];
const ra = [-9.87132732e-3, -5.53605914e-1, -2.17589188, -1.43268085];
const sa = [1, 5.45995426, 6.69798088, 1.43113089, -5.77397496e-2];
/** log(erfc(x) x exp(x²)) + 0.5625 in 1/x² for x >= 1/0.35: interpolated at Chebyshev nodes, error 5e-9. */
const farTail = [-0.00986494811, -0.499995819, 0.62443284, -1.51169236, 4.71347434, -13.1030756, 19.8669191];
const edge = 0.84375;
const tailEdge = 1.25;

/** exp(-x²) R(x) for x >= 1.25, which is erfc there. */
function erfcTail(w: Vocabulary, x: Info): Info {
  const s = w.div(1, w.square(x));
  const near = w.div(w.polynomial(s, ra), w.polynomial(s, sa));
  const far = w.polynomial(s, farTail);
  const ratio = w.where(w.less(x, 1 / 0.35), near, far);
  // x cut to few bits, so that its square is exact and the exponent's rounding error is not amplified.
  const cut = w.mul(w.floor(w.mul(x, 256)), 1 / 256);
  const head = w.exp(w.sub(-0.5625, w.square(cut)));
  const rest = w.exp(w.add(w.mul(w.sub(cut, x), w.add(cut, x)), ratio));
  return w.div(w.mul(head, rest), x);
}

interface Parts {
  readonly a: Info;
  /** (erf(x) - x) / x near 0. */
  readonly central: Info;
  /** erf(|x|) - erx around 1. */
  readonly middle: Info;
  readonly tail: Info;
}

function parts(w: Vocabulary, x: Info): Parts {
  const a = w.abs(x);
  const z = w.square(w.minimum(a, edge));
  const central = w.div(w.polynomial(z, pp), w.polynomial(z, qq));
  const s = w.sub(w.minimum(w.maximum(a, edge), tailEdge), 1);
  const middle = w.div(w.polynomial(s, pa), w.polynomial(s, qa));
  return { a, central, middle, tail: erfcTail(w, w.minimum(w.maximum(a, tailEdge), 11)) };
}

export function erf(w: Vocabulary, x: Info): Info {
  const { a, central, middle, tail } = parts(w, x);
  const outer = w.where(w.less(a, tailEdge), w.add(middle, erx), w.sub(1, tail));
  const signed = w.where(w.less(x, 0), w.neg(outer), outer);
  // Written so that NaN takes the branch that keeps it.
  const far = w.greaterEqual(a, edge);
  return w.where(far, signed, w.add(x, w.mul(x, central)));
}

export function erfc(w: Vocabulary, x: Info): Info {
  const { a, central, middle, tail } = parts(w, x);
  const negative = w.less(x, 0);
  const around = w.where(negative, w.add(middle, 1 + erx), w.sub(1 - erx, middle));
  const outside = w.where(negative, w.sub(2, tail), tail);
  const y = w.mul(x, central);
  const inner = w.where(w.less(x, 0.25), w.sub(1, w.add(x, y)), w.sub(0.5, w.add(w.sub(x, 0.5), y)));
  const limit = w.where(w.less(a, tailEdge), around, outside);
  // Beyond 10.05 the result is below the smallest number of float32.
  const vanished = w.where(w.greater(x, 10.2), 0, limit);
  return w.where(w.greaterEqual(a, edge), vanished, inner);
}

const centralInverse = [
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7,
  2.81022636e-8,
];
const tailInverse = [
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558,
  -0.000200214257,
];

export function erfInv(w: Vocabulary, y: Info): Info {
  const a = w.abs(y);
  const depth = w.neg(w.log(w.mul(w.sub(1, a), w.add(1, a))));
  const central = w.polynomial(w.sub(w.minimum(depth, 5), 2.5), centralInverse);
  const tail = w.polynomial(w.sub(w.sqrt(w.maximum(depth, 5)), 3), tailInverse);
  const inside = w.mul(y, w.where(w.less(depth, 5), central, tail));
  const atOne = w.where(w.equal(a, 1), w.mul(y, Number.POSITIVE_INFINITY), inside);
  // Outside of [-1, 1] the logarithm is NaN, which minima do not keep everywhere.
  return w.where(w.lessEqual(a, 1), atOne, w.fill(y.shape, Number.NaN, "float32"));
}
