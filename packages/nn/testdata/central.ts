/** Central differences in float64, the check that needs no other implementation. */
import { Tensor, tensor } from "@pullback/core";

/** The derivative of a scalar function at `x`, element by element, with error about 1e-9 for smooth functions. */
export function centralGradient(f: (x: Tensor) => Tensor, x: Tensor, step = 1e-5): number[] {
  const flat = x.flatten().toArray() as number[];
  const at = (i: number, by: number) => {
    const moved = flat.map((value, j) => (j === i ? value + by : value));
    return f(tensor(moved, { shape: x.shape, dtype: "float64" })).item();
  };
  return flat.map((_, i) => (at(i, step) - at(i, -step)) / (2 * step));
}

/** Values that are neither round nor near a kink: float64, of the given shape. */
export function smoothValues(shape: readonly number[], phase = 0): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tensor(
    Float64Array.from({ length: size }, (_, i) => 1.3 * Math.sin(1.7 * i + phase + 0.4)),
    { shape },
  );
}

/** The largest difference between a tensor's elements and numbers. */
export function distance(found: Tensor, expected: readonly number[]): number {
  const flat = found.flatten().toArray() as number[];
  if (flat.length !== expected.length) return Number.NaN;
  return Math.max(0, ...flat.map((value, i) => Math.abs(value - expected[i]!)));
}

/** A tensor in float64, anything else unchanged. */
export const wide = (value: Tensor | number) => (value instanceof Tensor ? value.cast("float64") : value);
