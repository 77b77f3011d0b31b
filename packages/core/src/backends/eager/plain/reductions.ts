/** Reductions and scans for every dtype and layout. Sums of float32 run in double precision, of float64 compensated. */
import type { NDArray, ReduceOp, ScanOp } from "../../../backend/backend.ts";
import type { DType, TypedArray } from "../../../dtype.ts";
import { around, isInteger, rowMajor, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { binaryFunctions } from "./scalar-functions.ts";

/** Sums and products of bool and of 8-bit integers are int32; all and any are bool. */
export function reducedDType(op: ReduceOp | ScanOp, dtype: DType): DType {
  if (op === "all" || op === "any") return "bool";
  const accumulates = op === "sum" || op === "prod" || op === "cumsum" || op === "cumprod";
  return accumulates && isInteger(dtype) ? "int32" : dtype;
}

// Taken once: where tests run, in a context of their own, each look at a global is a call.
const { abs, imul } = Math;

/** Reduces `count` elements from `start` on, `stride` apart. */
type Fold = (from: TypedArray, start: number, count: number, stride: number) => number;

/** Neumaier's compensated sum (1974): the error does not grow with the length. */
function compensatedSum(from: TypedArray, start: number, count: number, stride: number): number {
  let sum = 0;
  let lost = 0;
  for (let i = 0, j = start; i < count; i++, j += stride) {
    const x = from[j];
    const next = sum + x;
    lost += abs(sum) >= abs(x) ? sum - next + x : x - next + sum;
    sum = next;
  }
  // Infinite sums lose NaN, not a rounding error.
  return Number.isNaN(lost) ? sum : sum + lost;
}

function plainSum(from: TypedArray, start: number, count: number, stride: number): number {
  let sum = 0;
  for (let i = 0, j = start; i < count; i++, j += stride) sum += from[j];
  return sum;
}

function integerSum(from: TypedArray, start: number, count: number, stride: number): number {
  let sum = 0;
  for (let i = 0, j = start; i < count; i++, j += stride) sum = (sum + from[j]) | 0;
  return sum;
}

function product(from: TypedArray, start: number, count: number, stride: number): number {
  let result = 1;
  for (let i = 0, j = start; i < count; i++, j += stride) result *= from[j];
  return result;
}

function integerProduct(from: TypedArray, start: number, count: number, stride: number): number {
  let result = 1;
  for (let i = 0, j = start; i < count; i++, j += stride) result = imul(result, from[j]);
  return result;
}

function maximum(from: TypedArray, start: number, count: number, stride: number): number {
  let result = from[start];
  for (let i = 1, j = start + stride; i < count; i++, j += stride) {
    const x = from[j];
    if (x > result || Number.isNaN(x)) result = x;
  }
  return result;
}

function minimum(from: TypedArray, start: number, count: number, stride: number): number {
  let result = from[start];
  for (let i = 1, j = start + stride; i < count; i++, j += stride) {
    const x = from[j];
    if (x < result || Number.isNaN(x)) result = x;
  }
  return result;
}

function all(from: TypedArray, start: number, count: number, stride: number): number {
  for (let i = 0, j = start; i < count; i++, j += stride) if (from[j] === 0) return 0;
  return 1;
}

function any(from: TypedArray, start: number, count: number, stride: number): number {
  for (let i = 0, j = start; i < count; i++, j += stride) if (from[j] !== 0) return 1;
  return 0;
}

function foldFor(op: ReduceOp, dtype: DType): Fold {
  switch (op) {
    case "sum":
      return dtype === "float64" ? compensatedSum : isInteger(dtype) ? integerSum : plainSum;
    case "prod":
      return isInteger(dtype) ? integerProduct : product;
    case "max":
      return maximum;
    case "min":
      return minimum;
    case "all":
      return all;
    case "any":
      return any;
  }
}

/** The array with the axes moved last, its kept extents, and the number of elements reduced to each result. */
export function axesLast(x: NDArray, axes: readonly number[]): { moved: NDArray; kept: number[]; count: number } {
  const keptAxes: number[] = [];
  const kept: number[] = [];
  let count = 1;
  for (let axis = 0; axis < x.shape.length; axis++) {
    if (axes.includes(axis)) {
      kept.push(1);
      count *= x.shape[axis];
    } else {
      kept.push(x.shape[axis]);
      keptAxes.push(axis);
    }
  }
  const order = [...keptAxes, ...axes];
  const moved: NDArray = {
    storage: x.storage,
    dtype: x.dtype,
    shape: order.map((axis) => x.shape[axis]),
    strides: order.map((axis) => x.strides[axis]),
    offset: x.offset,
  };
  return { moved, kept, count };
}

export function reduce(engine: Engine, op: ReduceOp, x: NDArray, axes: readonly number[]): NDArray {
  engine.begin(x);
  const { moved, kept, count } = axesLast(x, axes);
  const out = engine.create(reducedDType(op, x.dtype), kept);
  const from = engine.dense(moved);
  const to = engine.target(out);
  const fold = foldFor(op, x.dtype);
  for (let i = 0; i < to.length; i++) to[i] = fold(from, i * count, count, 1);
  return engine.finish(out, to);
}

export function argReduce(engine: Engine, op: "argmax" | "argmin", x: NDArray, axis: number): NDArray {
  engine.begin(x);
  const { outer, extent, inner } = around(x.shape, axis);
  const out = engine.create(
    "int32",
    x.shape.map((d, i) => (i === axis ? 1 : d)),
  );
  const from = engine.dense(x);
  const to = engine.target(out);
  const largest = op === "argmax";
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const start = o * extent * inner + i;
      let best = from[start];
      let at = 0;
      for (let k = 1; k < extent && !Number.isNaN(best); k++) {
        const value = from[start + k * inner];
        if (Number.isNaN(value) || (largest ? value > best : value < best)) {
          best = value;
          at = k;
        }
      }
      to[o * inner + i] = at;
    }
  }
  return engine.finish(out, to);
}

/** Running totals along an axis; `exclusive` begins with the identity, `reverse` runs from the end. */
export function scan(
  engine: Engine,
  op: ScanOp,
  x: NDArray,
  axis: number,
  exclusive: boolean,
  reverse: boolean,
): NDArray {
  engine.begin(x);
  const { outer, extent, inner } = around(x.shape, axis);
  const dtype = reducedDType(op, x.dtype);
  const out = engine.create(dtype, x.shape);
  const from = engine.dense(x);
  const to = engine.target(out);
  const step = scanStep(op, isInteger(dtype));
  const identity = scanIdentity(op, dtype);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const start = o * extent * inner + i + (reverse ? (extent - 1) * inner : 0);
      const stride = reverse ? -inner : inner;
      let total = identity;
      for (let k = 0, j = start; k < extent; k++, j += stride) {
        if (exclusive) to[j] = total;
        // The first element stands for itself: an identity could not keep its NaN or its sign of zero.
        total = k === 0 ? from[j] : step(total, from[j]);
        if (!exclusive) to[j] = total;
      }
    }
  }
  return engine.finish(out, to);
}

function scanStep(op: ScanOp, integer: boolean): (total: number, x: number) => number {
  switch (op) {
    case "cumsum":
      return integer ? (total, x) => (total + x) | 0 : (total, x) => total + x;
    case "cumprod":
      return integer ? imul : (total, x) => total * x;
    case "cummax":
      return Math.max;
    case "cummin":
      return Math.min;
    case "logCumSumExp":
      return binaryFunctions.logAddExp;
  }
}

function scanIdentity(op: ScanOp, dtype: DType): number {
  if (op === "cumsum") return 0;
  if (op === "cumprod") return 1;
  if (!isInteger(dtype)) return op === "cummin" ? Infinity : -Infinity;
  const limits: Partial<Record<DType, [number, number]>> = {
    int32: [-(2 ** 31), 2 ** 31 - 1],
    int8: [-128, 127],
    uint8: [0, 255],
    bool: [0, 1],
  };
  return limits[dtype]?.[op === "cummin" ? 1 : 0] ?? 0;
}

/** Stable order along an axis. NaN counts as the largest value, first when descending. */
export function argsort(engine: Engine, x: NDArray, axis: number, descending: boolean): NDArray {
  engine.begin(x);
  const { outer, extent, inner } = around(x.shape, axis);
  const out = engine.create("int32", x.shape);
  const from = engine.dense(x);
  const to = engine.target(out);
  const order = new Uint32Array(extent);
  const row = new Float64Array(extent);
  const ascending = (i: number, j: number) => compare(row[i], row[j]) || i - j;
  const descend = (i: number, j: number) => compare(row[j], row[i]) || i - j;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const start = o * extent * inner + i;
      for (let k = 0; k < extent; k++) {
        order[k] = k;
        row[k] = from[start + k * inner];
      }
      order.sort(descending ? descend : ascending);
      for (let k = 0; k < extent; k++) to[start + k * inner] = order[k];
    }
  }
  return engine.finish(out, to);
}

function compare(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return (Number.isNaN(a) ? 1 : 0) - (Number.isNaN(b) ? 1 : 0);
}

/** [count, rank] indices of the elements that are not zero, in row-major order. */
export function nonzero(engine: Engine, x: NDArray): NDArray {
  engine.begin(x);
  let found = 0;
  const counted = engine.dense(x);
  for (let i = 0; i < counted.length; i++) if (counted[i] !== 0) found++;
  const rank = x.shape.length;
  const out = engine.createSized("int32", [found, rank], found * rank);
  const from = engine.dense(x);
  const to = engine.target(out);
  const strides = rowMajor(x.shape);
  let at = 0;
  for (let i = 0, size = sizeOf(x.shape); i < size; i++) {
    if (from[i] === 0) continue;
    for (let axis = 0; axis < rank; axis++) to[at++] = Math.floor(i / strides[axis]) % x.shape[axis];
  }
  return engine.finish(out, to);
}
