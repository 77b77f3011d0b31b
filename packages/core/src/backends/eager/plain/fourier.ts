/**
 * Discrete Fourier transforms of any length, in float64: Cooley and Tukey 1965 for powers of two, Bluestein 1970 (a
 * convolution by transforms of a power of two) for the rest.
 */
import type { NDArray } from "../../../backend/backend.ts";
import type { Engine } from "../engine.ts";

/** One transform in place. */
type Transform = (real: Float64Array, imag: Float64Array) => void;

/** cos and sin of sign · 2π k / n; exact at the quarters. */
function roots(n: number, sign: number): { cos: Float64Array; sin: Float64Array } {
  const cos = new Float64Array(n);
  const sin = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const quarter = (4 * k) / n;
    const exact = Number.isInteger(quarter);
    cos[k] = exact ? [1, 0, -1, 0][quarter] : Math.cos((2 * Math.PI * k) / n);
    sin[k] = sign * (exact ? [0, 1, 0, -1][quarter] : Math.sin((2 * Math.PI * k) / n));
  }
  return { cos, sin };
}

function powerOfTwo(n: number, sign: number): Transform {
  const { cos, sin } = roots(n, sign);
  const bits = Math.log2(n);
  const reversed = new Int32Array(n);
  for (let i = 1; i < n; i++) reversed[i] = (reversed[i >> 1] >> 1) | ((i & 1) << (bits - 1));
  return (real, imag) => {
    for (let i = 0; i < n; i++) {
      const j = reversed[i];
      if (i < j) {
        [real[i], real[j]] = [real[j], real[i]];
        [imag[i], imag[j]] = [imag[j], imag[i]];
      }
    }
    for (let half = 1; half < n; half *= 2) {
      const stride = n / (2 * half);
      for (let start = 0; start < n; start += 2 * half)
        for (let k = 0; k < half; k++) {
          const [a, b] = [start + k, start + k + half];
          const [c, s] = [cos[k * stride], sin[k * stride]];
          const re = real[b] * c - imag[b] * s;
          const im = real[b] * s + imag[b] * c;
          real[b] = real[a] - re;
          imag[b] = imag[a] - im;
          real[a] += re;
          imag[a] += im;
        }
    }
  };
}

function bluestein(n: number, sign: number): Transform {
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const forward = powerOfTwo(size, -1);
  const backward = powerOfTwo(size, 1);
  // exp(sign π i k² / n), with k² taken modulo 2 n.
  const turns = roots(2 * n, sign);
  const cos = new Float64Array(n);
  const sin = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const place = (k * k) % (2 * n);
    cos[k] = turns.cos[place];
    sin[k] = turns.sin[place];
  }
  const kernelRe = new Float64Array(size);
  const kernelIm = new Float64Array(size);
  for (let k = 0; k < n; k++)
    for (const at of k === 0 ? [0] : [k, size - k]) {
      kernelRe[at] = cos[k];
      kernelIm[at] = -sin[k];
    }
  forward(kernelRe, kernelIm);
  return (real, imag) => {
    const re = new Float64Array(size);
    const im = new Float64Array(size);
    for (let k = 0; k < n; k++) {
      re[k] = real[k] * cos[k] - imag[k] * sin[k];
      im[k] = real[k] * sin[k] + imag[k] * cos[k];
    }
    forward(re, im);
    for (let k = 0; k < size; k++) {
      const product = re[k] * kernelRe[k] - im[k] * kernelIm[k];
      im[k] = re[k] * kernelIm[k] + im[k] * kernelRe[k];
      re[k] = product;
    }
    backward(re, im);
    for (let k = 0; k < n; k++) {
      real[k] = (re[k] * cos[k] - im[k] * sin[k]) / size;
      imag[k] = (re[k] * sin[k] + im[k] * cos[k]) / size;
    }
  };
}

/** Σ_t (real + i imag)[t] exp(sign 2π i k t / n) along the last axis, unscaled. */
export function fourier(engine: Engine, real: NDArray, imag: NDArray, sign: 1 | -1): { real: NDArray; imag: NDArray } {
  engine.begin(real, imag);
  const n = real.shape[real.shape.length - 1];
  const outs = [engine.create(real.dtype, real.shape), engine.create(real.dtype, real.shape)];
  const [fromRe, fromIm] = [engine.dense(real), engine.dense(imag)];
  const [toRe, toIm] = outs.map((out) => engine.target(out));
  const transform = n === 0 ? undefined : Number.isInteger(Math.log2(n)) ? powerOfTwo(n, sign) : bluestein(n, sign);
  for (let row = 0; transform !== undefined && row < fromRe.length; row += n) {
    const re = Float64Array.from(fromRe.subarray(row, row + n));
    const im = Float64Array.from(fromIm.subarray(row, row + n));
    transform(re, im);
    toRe.set(re, row);
    toIm.set(im, row);
  }
  return { real: engine.finish(outs[0], toRe), imag: engine.finish(outs[1], toIm) };
}
