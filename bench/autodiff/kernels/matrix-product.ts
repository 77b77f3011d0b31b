/** The squared norm of a product of two 32 x 32 matrices, by three loops over flat arrays. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, mul, Traced, tapeGradientOf } from "../tape.ts";

const n = 32;

function f(a: Float64Array, b: Float64Array): number {
  const c = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
  }
  let loss = 0;
  for (let i = 0; i < n * n; i++) loss += c[i] * c[i];
  return loss;
}

function handWritten(a: Float64Array, b: Float64Array): [Float64Array, Float64Array] {
  const c = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
  }
  const da = new Float64Array(n * n);
  const db = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const d = 2 * c[i * n + j];
      for (let k = 0; k < n; k++) {
        da[i * n + k] += d * b[k * n + j];
        db[k * n + j] += d * a[i * n + k];
      }
    }
  }
  return [da, db];
}

function traced(a: readonly Traced[], b: readonly Traced[]): Traced {
  let loss = new Traced(0);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = new Traced(0);
      for (let k = 0; k < n; k++) sum = add(sum, mul(a[i * n + k], b[k * n + j]));
      loss = add(loss, mul(sum, sum));
    }
  }
  return loss;
}

const a = Float64Array.from({ length: n * n }, (_, i) => Math.sin(i * 0.7));
const b = Float64Array.from({ length: n * n }, (_, i) => Math.cos(i * 0.3));
const compiled = gradient(f);

export const matrixProduct: Kernel = {
  name: "matrix product by loops (32 x 32)",
  primal: () => f(a, b),
  handWritten: () => handWritten(a, b),
  compiled: () => compiled(a, b),
  tape: () => tapeGradientOf(traced, a, b),
};
