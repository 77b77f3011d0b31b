/** Elementwise operations for every dtype and layout, one number at a time. */
import type { BinaryOp, NDArray, UnaryOp } from "../../../backend/backend.ts";
import type { DType, TypedArray } from "../../../dtype.ts";
import { broadcastShape, broadcastStrides, isInteger, newElements, sameShape, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { binaryFunction, isComparison, isPredicate, unaryFunctions } from "./scalar-functions.ts";

/** bool holds 0 and 1 only; every other type converts as its typed array does. */
const store = (dtype: DType, value: number): number => (dtype === "bool" ? (value !== 0 ? 1 : 0) : value);

export function unary(engine: Engine, op: UnaryOp, x: NDArray): NDArray {
  engine.begin(x);
  const out = engine.create(isPredicate(op) ? "bool" : x.dtype, x.shape);
  const [from, p] = [engine.run(x), engine.runBase(x)];
  const [to, t, size] = [engine.runTarget(out), engine.runBase(out), sizeOf(out.shape)];
  const f = unaryFunctions[op];
  for (let i = 0; i < size; i++) to[t + i] = store(out.dtype, f(from[p + i]));
  return engine.finish(out, to);
}

/** `x` stretched to `shape`: the same elements, seen again where an axis was 1 or absent. */
export function stretched(x: NDArray, shape: readonly number[]): NDArray {
  if (sameShape(x.shape, shape)) return x;
  return { storage: x.storage, dtype: x.dtype, shape, strides: broadcastStrides(x, shape), offset: x.offset };
}

export function binary(engine: Engine, op: BinaryOp, a: NDArray, b: NDArray): NDArray {
  engine.begin(a, b);
  const shape = sameShape(a.shape, b.shape) ? a.shape : broadcastShape(a.shape, b.shape);
  const out = engine.create(isComparison(op) ? "bool" : a.dtype, shape);
  const [x, y] = [stretched(a, shape), stretched(b, shape)];
  const [left, p] = [engine.run(x), engine.runBase(x)];
  const [right, q] = [engine.run(y), engine.runBase(y)];
  const [to, t, size] = [engine.runTarget(out), engine.runBase(out), sizeOf(shape)];
  const f = binaryFunction(op, isInteger(a.dtype));
  for (let i = 0; i < size; i++) to[t + i] = store(out.dtype, f(left[p + i], right[q + i]));
  return engine.finish(out, to);
}

export function binaryScalar(engine: Engine, op: BinaryOp, a: NDArray, scalar: number, reversed: boolean): NDArray {
  engine.begin(a);
  const out = engine.create(isComparison(op) ? "bool" : a.dtype, a.shape);
  const [from, p] = [engine.run(a), engine.runBase(a)];
  const [to, t, size] = [engine.runTarget(out), engine.runBase(out), sizeOf(a.shape)];
  const f = binaryFunction(op, isInteger(a.dtype));
  const s = adopt(scalar, a.dtype);
  if (reversed) for (let i = 0; i < size; i++) to[t + i] = store(out.dtype, f(s, from[p + i]));
  else for (let i = 0; i < size; i++) to[t + i] = store(out.dtype, f(from[p + i], s));
  return engine.finish(out, to);
}

/** The number as an array of `dtype` would hold it (half types compute in float32). */
export function adopt(scalar: number, dtype: DType): number {
  if (dtype === "float64") return scalar;
  if (!isInteger(dtype)) return Math.fround(scalar);
  const one: TypedArray = newElements(dtype, 1);
  one[0] = store(dtype, scalar);
  return one[0];
}

export function clip(engine: Engine, x: NDArray, low: number, high: number): NDArray {
  engine.begin(x);
  const out = engine.create(x.dtype, x.shape);
  const from = engine.dense(x);
  const to = engine.target(out);
  for (let i = 0; i < to.length; i++) {
    to[i] = Math.min(Math.max(from[i], low), high);
  }
  return engine.finish(out, to);
}

export function where(engine: Engine, condition: NDArray, a: NDArray, b: NDArray): NDArray {
  engine.begin(condition, a, b);
  const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
  const out = engine.create(a.dtype, shape);
  const test = engine.dense(stretched(condition, shape));
  const left = engine.dense(stretched(a, shape));
  const right = engine.dense(stretched(b, shape));
  const to = engine.target(out);
  for (let i = 0; i < to.length; i++) to[i] = test[i] !== 0 ? left[i] : right[i];
  return engine.finish(out, to);
}

export function cast(engine: Engine, x: NDArray, dtype: DType): NDArray {
  engine.begin(x);
  const out = engine.create(dtype, x.shape);
  const from = engine.dense(x);
  const to = engine.target(out);
  if (dtype === "bool") for (let i = 0; i < to.length; i++) to[i] = from[i] !== 0 ? 1 : 0;
  else for (let i = 0; i < to.length; i++) to[i] = from[i];
  return engine.finish(out, to);
}

export function full(engine: Engine, shape: readonly number[], value: number, dtype: DType): NDArray {
  engine.begin();
  const out = engine.createSized(dtype, shape, sizeOf(shape));
  const to = engine.target(out);
  to.fill(store(dtype, value));
  return engine.finish(out, to);
}

export function arange(engine: Engine, start: number, step: number, count: number, dtype: DType): NDArray {
  engine.begin();
  const out = engine.createSized(dtype, [count], count);
  const to = engine.target(out);
  for (let i = 0; i < count; i++) to[i] = store(dtype, start + step * i);
  return engine.finish(out, to);
}
