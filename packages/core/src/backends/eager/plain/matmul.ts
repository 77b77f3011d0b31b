/** Batched matrix products by plain loops, for the element types that have no generated kernel. */
import type { NDArray } from "../../../backend/backend.ts";
import type { TypedArray } from "../../../dtype.ts";
import { isInteger, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";

const { imul } = Math;

/** The last two axes swapped: a view. */
export function swapLast(x: NDArray): NDArray {
  const rank = x.shape.length;
  const shape = [...x.shape];
  const strides = [...x.strides];
  [shape[rank - 2], shape[rank - 1]] = [shape[rank - 1], shape[rank - 2]];
  [strides[rank - 2], strides[rank - 1]] = [strides[rank - 1], strides[rank - 2]];
  return { storage: x.storage, dtype: x.dtype, shape, strides, offset: x.offset };
}

export function matmul(engine: Engine, a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray {
  engine.begin(a, b);
  const left = transposeA ? swapLast(a) : a;
  // Rows of the right operand's transpose, so that the inner loop runs along memory on both sides.
  const right = transposeB ? b : swapLast(b);
  const rank = left.shape.length;
  const rows = left.shape[rank - 2];
  const inner = left.shape[rank - 1];
  const columns = right.shape[rank - 2];
  const lead = left.shape.slice(0, -2);
  const out = engine.create(a.dtype, [...lead, rows, columns]);
  const x = engine.dense(left);
  const y = engine.dense(right);
  const to = engine.target(out);
  const dot = isInteger(a.dtype) ? integerDot : floatDot;
  const batches = sizeOf(lead);
  for (let batch = 0, at = 0; batch < batches; batch++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, at++) {
        to[at] = dot(x, (batch * rows + i) * inner, y, (batch * columns + j) * inner, inner);
      }
    }
  }
  return engine.finish(out, to);
}

function floatDot(x: TypedArray, i: number, y: TypedArray, j: number, count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += x[i + k] * y[j + k];
  return sum;
}

function integerDot(x: TypedArray, i: number, y: TypedArray, j: number, count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum = (sum + imul(x[i + k], y[j + k])) | 0;
  return sum;
}
