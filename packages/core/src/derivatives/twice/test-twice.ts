/**
 * How operations are differentiated twice: f mixes what an operation gives by a function that is not linear, so that its
 * cotangents vary too. The forward derivative of its gradient (JVP of VJP) and the gradient of its gradient along a
 * direction (VJP of VJP) are compared with central differences of the gradient, all in float64.
 */
import { expect, test } from "@jest/globals";
import { type Tensor, tensor } from "../../index.ts";

const step = 1e-5;

/** Numbers between two bounds. */
function drawn(shape: readonly number[], low: number, high: number): Tensor {
  const size = shape.reduce((n, extent) => n * extent, 1);
  // The golden ratio's multiples modulo 1: far from each other, and from where functions have kinks.
  const values = Float64Array.from(
    { length: size },
    (_, i) => low + (high - low) * (((i + 1) * 0.6180339887498949) % 1),
  );
  return tensor(values, { shape, dtype: "float64" });
}

/** Distinct numbers between -0.8 and 0.8. */
export const small = (...shape: number[]): Tensor => drawn(shape, -0.8, 0.8);

/** Distinct numbers between 0.3 and 1.7. */
export const positive = (...shape: number[]): Tensor => drawn(shape, 0.3, 1.7);

/** 2, 4, 6, … on the diagonal: matrices far from singular ones, with values far from each other. */
export function spread(rows: number, columns: number): Tensor {
  const values = Float64Array.from({ length: rows * columns }, (_, i) => {
    const row = Math.floor(i / columns);
    return row === i % columns ? 2 * (row + 1) : 0;
  });
  return tensor(values, { shape: [rows, columns], dtype: "float64" });
}

/** A number in which every element counts differently, and not linearly. */
export function mix(x: Tensor): Tensor {
  return x
    .sin()
    .add(x)
    .mul(drawn(x.shape, 0.5, 1.5))
    .sum();
}

/** Σ ⟨a, b⟩. */
export function inner(a: readonly Tensor[], b: readonly Tensor[]): Tensor {
  let sum = a[0]!.mul(b[0]!).sum();
  for (let i = 1; i < a.length; i++) sum = sum.add(a[i]!.mul(b[i]!).sum());
  return sum;
}

type Gradient<X> = (x: X) => X;

/** Compares both second derivatives at x along two directions with the slope of the gradient. */
export function agrees<X extends readonly Tensor[]>(
  label: string,
  x: X,
  slope: Gradient<X>,
  product: (x: X, v: X) => X,
  twice: (v: X) => Gradient<X>,
): void {
  test(label, () => {
    for (const turn of [1, 2]) {
      const v = x.map((own) => drawn(own.shape, -1, 1).mul(turn).sin()) as readonly Tensor[] as X;
      const moved = (by: number): X => slope(x.map((own, i) => own.add(v[i]!.mul(by))) as readonly Tensor[] as X);
      const [up, down] = [moved(step), moved(-step)];
      const found = { "JVP of VJP": product(x, v), "VJP of VJP": twice(v)(x) };
      for (const [way, got] of Object.entries(found))
        got.forEach((own, i) => {
          const want = up[i]!.sub(down[i]!).div(2 * step);
          expect(own.shape).toEqual(want.shape);
          const scale = 1 + want.abs().max().item();
          const error = own.sub(want).abs().max().item() / scale;
          if (!(error < 2e-7)) throw new Error(`${way}, input ${i}: off by ${error}`);
        });
    }
  });
}
