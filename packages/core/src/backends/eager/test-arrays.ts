/**
 * Arrays for this folder's tests: views of every kind (permuted, sliced, flipped, broadcast) with the values they
 * hold by definition, worked out on the host by index arithmetic that shares nothing with the engine.
 */
import fc from "fast-check";
import type { Backend, NDArray } from "../../backend/backend.ts";
import type { DType, TypedArray } from "../../dtype.ts";

export interface Sample {
  readonly array: NDArray;
  /** In row-major order of `array.shape`. */
  readonly values: number[];
}

export const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** All multi-indices of a shape in row-major order. */
export function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (prefixes, extent) => prefixes.flatMap((prefix) => Array.from({ length: extent }, (_, i) => [...prefix, i])),
    [[]],
  );
}

export function typed(dtype: DType, values: readonly number[]): TypedArray {
  switch (dtype) {
    case "float32":
      return Float32Array.from(values);
    case "float64":
      return Float64Array.from(values);
    case "int32":
      return Int32Array.from(values);
    case "int8":
      return Int8Array.from(values);
    case "uint8":
    case "bool":
      return Uint8Array.from(values);
    default:
      throw new Error("half types are tested apart");
  }
}

/** Small deterministic noise: a linear congruential generator (Numerical Recipes). */
export function noise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export type Layout = "contiguous" | "permuted" | "stepped" | "flipped" | "broadcast" | "offset";
export const layouts: readonly Layout[] = ["contiguous", "permuted", "stepped", "flipped", "broadcast", "offset"];

/** An array of the given shape, laid out in memory as asked, filled by `fill`. */
export function sample(
  backend: Backend,
  shape: readonly number[],
  dtype: DType,
  layout: Layout,
  fill: () => number,
): Sample {
  const rank = shape.length;
  const order = shape.map((_, axis) => axis);
  if (layout === "permuted") order.reverse();
  const stored = order.map((axis) => {
    if (layout === "stepped") return shape[axis] * 2;
    if (layout === "broadcast" && axis === rank - 1) return 1;
    return shape[axis];
  });
  const lead = layout === "offset" ? 3 : 0;
  const host = typed(dtype, Array.from({ length: lead + product(stored) }, fill));
  const base = backend.fromHost(host, dtype, [host.length]);
  const strides = new Array<number>(rank).fill(0);
  let step = 1;
  for (let i = rank - 1; i >= 0; i--) {
    strides[order[i]] = layout === "broadcast" && order[i] === rank - 1 ? 0 : step * (layout === "stepped" ? 2 : 1);
    step *= stored[i];
  }
  let offset = lead;
  if (layout === "flipped" && rank > 0 && shape[0] > 0) {
    offset += (shape[0] - 1) * strides[0];
    strides[0] = -strides[0];
  }
  const values = valuesOf(host, shape, strides, offset);
  return { array: { storage: base.storage, dtype, shape, strides, offset }, values };
}

function valuesOf(host: TypedArray, shape: readonly number[], strides: readonly number[], offset: number): number[] {
  if (shape.length === 0) return [host[offset]];
  const [extent, ...rest] = shape;
  if (rest.length === 0) return Array.from({ length: extent }, (_, i) => host[offset + i * strides[0]]);
  return Array.from({ length: extent }, (_, i) =>
    valuesOf(host, rest, strides.slice(1), offset + i * strides[0]),
  ).flat();
}

export const layoutArbitrary = fc.constantFrom(...layouts);
export const shapeArbitrary = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 1, 33)), {
  maxLength: 4,
});
