/**
 * erf, erfc and the inverse of erf in double precision.
 * erf, erfc: the rational approximations of FreeBSD's s_erf.c (Sun Microsystems, 1993), error below 1 ulp.
 * erfInv: Giles, "Approximating the erfinv function" (2010), refined by four Newton steps on erf or on log erfc.
 */

function polynomial(x: number, coefficients: readonly number[]): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i];
  return sum;
}

const efx = 0.1283791670955126;
const pp = [
  0.12837916709551256, -0.3250421072470015, -0.02848174957559851, -0.005770270296489442, -2.3763016656650163e-5,
];
const qq = [
  1, 0.39791722395915535, 0.0650222499887673, 0.005081306281875766, 0.00013249473800432164, -3.960228278775368e-6,
];
const erx = 0.8450629115104675;
const pa = [
  -0.0023621185607526594, 0.41485611868374833, -0.3722078760357013, 0.31834661990116175, -0.11089469428239668,
  0.035478304325618236, -0.002166375594868791,
];
const qa = [
  1, 0.10642088040084423, 0.540397917702171, 0.07182865441419627, 0.12617121980876164, 0.01363708391202905,
  0.011984499846799107,
];
const ra = [
  -0.009864944034847148, -0.6938585727071818, -10.558626225323291, -62.375332450326006, -162.39666946257347,
  -184.60509290671104, -81.2874355063066, -9.814329344169145,
];
const sa = [
  1, 19.651271667439257, 137.65775414351904, 434.56587747522923, 645.3872717332679, 429.00814002756783,
  108.63500554177944, 6.570249770319282, -0.0604244152148581,
];
const rb = [
  -0.0098649429247001, -0.799283237680523, -17.757954917754752, -160.63638485582192, -637.5664433683896,
  -1025.0951316110772, -483.5191916086514,
];
const sb = [
  1, 30.33806074348246, 325.7925129965739, 1536.729586084437, 3199.8582195085955, 2553.0504064331644,
  474.52854120695537, -22.44095244658582,
];

/** exp(-x²) · R(x) for x >= 1.25, which is erfc there. */
function erfcTail(x: number): number {
  const s = 1 / (x * x);
  const ratio = x < 1 / 0.35 ? polynomial(s, ra) / polynomial(s, sa) : polynomial(s, rb) / polynomial(s, sb);
  // x cut to few bits, so that its square is exact and the exponent's rounding error is not amplified.
  const cut = Math.floor(x * 65536) / 65536;
  return (Math.exp(-cut * cut - 0.5625) * Math.exp((cut - x) * (cut + x) + ratio)) / x;
}

export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a < 0.84375) {
    if (a < 2 ** -28) return x + efx * x;
    const z = x * x;
    return x + x * (polynomial(z, pp) / polynomial(z, qq));
  }
  const sign = x < 0 ? -1 : 1;
  if (a < 1.25) return sign * (erx + polynomial(a - 1, pa) / polynomial(a - 1, qa));
  if (a >= 6) return sign;
  return sign * (1 - erfcTail(a));
}

export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a < 0.84375) {
    const z = x * x;
    const y = polynomial(z, pp) / polynomial(z, qq);
    return x < 0.25 ? 1 - (x + x * y) : 0.5 - (x - 0.5 + x * y);
  }
  if (a < 1.25) {
    const y = polynomial(a - 1, pa) / polynomial(a - 1, qa);
    return x < 0 ? 1 + (erx + y) : 1 - erx - y;
  }
  if (a >= 28) return x < 0 ? 2 : 0;
  return x < 0 ? 2 - erfcTail(a) : erfcTail(a);
}

const central = [
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7,
  2.81022636e-8,
];
const tail = [
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558,
  -0.000200214257,
];

export function erfInv(y: number): number {
  if (!(Math.abs(y) < 1)) return Math.abs(y) === 1 ? y * Infinity : NaN;
  if (y === 0) return y;
  const a = Math.abs(y);
  const q = 1 - a;
  const w = -Math.log(q * (1 + a));
  let x = a * (w < 5 ? polynomial(w - 2.5, central) : polynomial(Math.sqrt(w) - 3, tail));
  for (let i = 0; i < 4; i++) {
    const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
    if (a < 0.5) x -= (erf(x) - a) / slope;
    else {
      // Newton on log erfc, which is nearly a parabola far out, where erf itself is flat.
      const remaining = erfc(x);
      x += (Math.log(remaining / q) * remaining) / slope;
    }
  }
  return y < 0 ? -x : x;
}
