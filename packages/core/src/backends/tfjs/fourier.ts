/** Discrete Fourier transforms as matrix products: engines have complex transforms in some places only. */
import { sizeOf } from "../eager/arrays.ts";
import { reshaped } from "./kernels.ts";
import type { Info } from "./types.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Up to here the matrices of cosines and sines are worth their memory (n² elements each). */
export const longestFourier = 1024;

/** Σ_t (real + i imag)[t] exp(sign 2π i k t / n) along the last axis, unscaled: [real, imag]. */
export function fourier(w: Vocabulary, real: Info, imag: Info, sign: 1 | -1): Info[] {
  const n = real.shape[real.shape.length - 1];
  const cosines = new Float32Array(n * n);
  const sines = new Float32Array(n * n);
  for (let t = 0; t < n; t++)
    for (let k = 0; k < n; k++) {
      const angle = (2 * Math.PI * ((t * k) % n)) / n;
      cosines[t * n + k] = Math.cos(angle);
      sines[t * n + k] = sign * Math.sin(angle);
    }
  const rows = sizeOf(real.shape) / n;
  const c = w.kernels.write(cosines, [1, n, n], "float32");
  const s = w.kernels.write(sines, [1, n, n], "float32");
  const by = (x: Info, matrix: Info): Info =>
    w.kernels.run("BatchMatMul", { a: reshaped(x, [1, rows, n]), b: matrix }, { transposeA: false, transposeB: false });
  const re = w.sub(by(real, c), by(imag, s));
  const im = w.add(by(real, s), by(imag, c));
  return [reshaped(re, real.shape), reshaped(im, real.shape)];
}
