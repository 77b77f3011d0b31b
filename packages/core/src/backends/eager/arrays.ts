/** Shapes, strides and element types as the engine's kernels need them. */
import type { NDArray } from "../../backend/backend.ts";
import type { DType, TypedArray } from "../../dtype.ts";

/** Quantised elements have no size of their own: what computes with it finds out by NaN that it cannot. */
export const elementBytes: Record<DType, number> = {
  q8_0: Number.NaN,
  q4_0: Number.NaN,
  q4_k: Number.NaN,
  q6_k: Number.NaN,
  int8c: Number.NaN,
  int4c: Number.NaN,
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  int8: 1,
  uint8: 1,
  bool: 1,
};

export const isInteger = (dtype: DType): boolean =>
  dtype === "int32" || dtype === "int8" || dtype === "uint8" || dtype === "bool";

// Half precision is decoded to float32 before anything is computed.
export { isHalf } from "../../dtype.ts";

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

/** Shared by all vectors and by all numbers. */
const vectorStrides: readonly number[] = [1];
const scalarStrides: readonly number[] = [];

/** Row-major strides, in elements. */
export function rowMajor(shape: readonly number[]): readonly number[] {
  if (shape.length <= 1) return shape.length === 1 ? vectorStrides : scalarStrides;
  const strides: number[] = new Array(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** Whether the elements lie one after the other in row-major order (the stride of an extent of 1 does not matter). */
export function isContiguous(x: NDArray): boolean {
  let stride = 1;
  for (let i = x.shape.length - 1; i >= 0; i--) {
    const extent = x.shape[i];
    if (extent !== 1 && x.strides[i] !== stride) return extent === 0 || sizeOf(x.shape) === 0;
    stride *= extent;
  }
  return true;
}

/** NumPy broadcasting of two compatible shapes. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = new Array(rank);
  for (let i = 0; i < rank; i++) {
    const da = a[i - rank + a.length] ?? 1;
    const db = b[i - rank + b.length] ?? 1;
    shape[i] = da === 1 ? db : da;
  }
  return shape;
}

/** The strides of `x` seen with the larger shape `shape`. */
export function broadcastStrides(x: NDArray, shape: readonly number[]): number[] {
  const lead = shape.length - x.shape.length;
  const strides: number[] = new Array(shape.length);
  for (let i = 0; i < shape.length; i++) strides[i] = i < lead || x.shape[i - lead] === 1 ? 0 : x.strides[i - lead];
  return strides;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A new array in ordinary memory for elements of `dtype` as they are stored. */
export function newElements(dtype: DType, size: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(size);
    case "float64":
      return new Float64Array(size);
    case "float16":
    case "bfloat16":
      return new Uint16Array(size);
    case "int32":
      return new Int32Array(size);
    case "int8":
      return new Int8Array(size);
    default:
      return new Uint8Array(size);
  }
}

/** The product of the extents before `axis`, on it, and after it. */
export function around(shape: readonly number[], axis: number): { outer: number; extent: number; inner: number } {
  let outer = 1;
  let inner = 1;
  for (let i = 0; i < axis; i++) outer *= shape[i];
  for (let i = axis + 1; i < shape.length; i++) inner *= shape[i];
  return { outer, extent: shape[axis], inner };
}
