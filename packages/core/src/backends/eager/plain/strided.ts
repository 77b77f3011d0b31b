/** Copies between strided and row-major order, for every element type. */
import type { TypedArray } from "../../../dtype.ts";

/** Writes the elements of a strided view to `out` in row-major order, from `outBase` on. */
export function copyStrided(
  source: TypedArray,
  base: number,
  shape: readonly number[],
  strides: readonly number[],
  out: TypedArray,
  outBase: number,
): void {
  let to = outBase;
  walkRows(shape, strides, base, (from, extent, stride) => {
    if (stride === 1) {
      for (let i = 0; i < extent; i++) out[to + i] = source[from + i];
    } else {
      for (let i = 0, j = from; i < extent; i++, j += stride) out[to + i] = source[j];
    }
    to += extent;
  });
}

/** Writes row-major elements into the strided positions of `out`. */
export function scatterStrided(
  source: TypedArray,
  out: TypedArray,
  base: number,
  shape: readonly number[],
  strides: readonly number[],
): void {
  let from = 0;
  walkRows(shape, strides, base, (to, extent, stride) => {
    for (let i = 0, j = to; i < extent; i++, j += stride) out[j] = source[from + i];
    from += extent;
  });
}

/** Calls `row(start, extent, stride)` for each run along the last axis, in row-major order. */
export function walkRows(
  shape: readonly number[],
  strides: readonly number[],
  base: number,
  row: (start: number, extent: number, stride: number) => void,
): void {
  const rank = shape.length;
  for (let i = 0; i < rank; i++) if (shape[i] === 0) return;
  if (rank === 0) {
    row(base, 1, 1);
    return;
  }
  const extent = shape[rank - 1];
  const stride = strides[rank - 1];
  const index: number[] = new Array(rank - 1).fill(0);
  let start = base;
  for (;;) {
    row(start, extent, stride);
    let axis = rank - 2;
    for (; axis >= 0; axis--) {
      start += strides[axis];
      if (++index[axis] < shape[axis]) break;
      start -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
