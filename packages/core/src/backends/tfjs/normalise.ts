/** Softmax, RMS normalisation and rotary embedding along the last axis, out of kernels. */
import { reshaped } from "./kernels.ts";
import type { Info } from "./types.ts";
import type { Vocabulary } from "./vocabulary.ts";

const last = (x: Info): number[] => [x.shape.length - 1];

/** Differences from each row's maximum; a row of -Infinity stays -Infinity. */
function lowered(w: Vocabulary, x: Info): { shifted: Info; highest: Info } {
  const highest = w.reduce("Max", x, last(x));
  const finite = w.where(w.equal(highest, Number.NEGATIVE_INFINITY), 0, highest);
  return { shifted: w.sub(x, finite), highest: finite };
}

export function softmax(w: Vocabulary, x: Info): Info {
  const exponentials = w.exp(lowered(w, x).shifted);
  return w.div(exponentials, w.reduce("Sum", exponentials, last(x)));
}

export function logSoftmax(w: Vocabulary, x: Info): Info {
  const { shifted } = lowered(w, x);
  return w.sub(shifted, w.log(w.reduce("Sum", w.exp(shifted), last(x))));
}

export function softmaxAdjoint(w: Vocabulary, y: Info, ct: Info): Info {
  const weighted = w.mul(ct, y);
  return w.sub(weighted, w.mul(y, w.reduce("Sum", weighted, last(y))));
}

/** rsqrt(mean(x²) + epsilon), one per row. */
function inverseScale(w: Vocabulary, x: Info, epsilon: number): Info {
  const mean = w.mul(w.reduce("Sum", w.mul(x, x), last(x)), 1 / x.shape[x.shape.length - 1]);
  return w.div(1, w.sqrt(w.add(mean, epsilon)));
}

export function rmsNorm(w: Vocabulary, x: Info, weight: Info | undefined, epsilon: number, offset: number): Info {
  const normalised = w.mul(x, inverseScale(w, x, epsilon));
  return weight === undefined ? normalised : w.mul(normalised, offset === 0 ? weight : w.add(weight, offset));
}

/** The adjoint of `rmsNorm`: with n = x r and g = ct (weight + offset), r (g - n mean(g n)) and Σ ct n. */
export function rmsNormAdjoint(
  w: Vocabulary,
  x: Info,
  weight: Info | undefined,
  epsilon: number,
  offset: number,
  ct: Info,
): Info[] {
  const scale = inverseScale(w, x, epsilon);
  const normalised = w.mul(x, scale);
  const g = weight === undefined ? ct : w.mul(ct, offset === 0 ? weight : w.add(weight, offset));
  const mean = w.mul(w.reduce("Sum", w.mul(g, normalised), last(x)), 1 / x.shape[x.shape.length - 1]);
  const ofX = w.mul(scale, w.sub(g, w.mul(normalised, mean)));
  if (weight === undefined) return [ofX];
  const rows = x.shape.slice(0, -1).map((_, axis) => axis);
  const products = w.mul(ct, normalised);
  const ofWeight = rows.length === 0 ? products : reshaped(w.reduce("Sum", products, rows), weight.shape);
  return [ofX, ofWeight];
}

/** x [..., sequence, 2 half] with cos and sin [sequence, half]: (a c - b s, b c + a s) with s of the given sign. */
export function rotary(w: Vocabulary, x: Info, cos: Info, sin: Info, sign: 1 | -1): Info {
  const rank = x.shape.length;
  const half = x.shape[rank - 1] / 2;
  const begin = x.shape.map(() => 0);
  const size = [...x.shape.slice(0, -1), half];
  const a = w.slice(x, begin, size);
  const b = w.slice(x, [...begin.slice(0, -1), half], size);
  const [left, right] = [w.mul(b, sin), w.mul(a, sin)];
  const first = sign === 1 ? w.sub(w.mul(a, cos), left) : w.add(w.mul(a, cos), left);
  const second = sign === 1 ? w.add(w.mul(b, cos), right) : w.sub(w.mul(b, cos), right);
  return w.concat([first, second], rank - 1);
}
