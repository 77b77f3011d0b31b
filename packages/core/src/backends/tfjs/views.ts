/**
 * Strided views over engines that know dense data only. A view is read out by slicing, reversing and transposing where
 * its strides say so, by gathering otherwise. Dense data in another order of axes (what comes out of a convolution, say)
 * stays as it is: elementwise work runs in the order in which it lies, and its result lies the same way.
 */
import type { NDArray } from "../../backend/backend.ts";
import { rowMajor, sizeOf } from "../eager/arrays.ts";
import { reshaped } from "./kernels.ts";
import type { Ledger, TfjsStorage } from "./memory.ts";
import type { Info, TfjsDType } from "./types.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A run of view axes that one stride walks through. */
interface Run {
  extent: number;
  stride: number;
}

export class Views {
  private readonly words: Vocabulary;
  private readonly ledger: Ledger;

  constructor(words: Vocabulary, ledger: Ledger) {
    this.words = words;
    this.ledger = ledger;
  }

  /** The whole data of a storage, flat. */
  flat(x: NDArray): Info {
    const storage = x.storage as TfjsStorage;
    return reshaped(this.ledger.resident(storage), [storage.size]);
  }

  /** The elements in row-major order with x's shape. */
  dense(x: NDArray): Info {
    return this.words.stretch(this.unbroadcast(x), x.shape);
  }

  /** As `dense`, with extent 1 on the axes along which x repeats itself. */
  unbroadcast(x: NDArray): Info {
    const shape = x.shape.map((extent, axis) => (x.strides[axis] === 0 && extent > 0 ? 1 : extent));
    const size = sizeOf(shape);
    const dtype = x.dtype as TfjsDType;
    if (size === 0) return this.words.fill(shape, 0, dtype);
    const runs = runsOf(shape, x.strides);
    const flat = this.flat(x);
    const total = flat.shape[0];
    if (runs.length === 0) return reshaped(this.words.slice(flat, [x.offset], [1]), shape);
    if (runs.length === 1 && runs[0].stride === 1) return reshaped(this.words.slice(flat, [x.offset], [size]), shape);
    return reshaped(this.cut(flat, runs, x.offset, total) ?? this.gathered(flat, runs, x.offset), shape);
  }

  /** The view by slice, reverse and transpose, or undefined where its strides do not divide each other. */
  private cut(flat: Info, runs: readonly Run[], offset: number, total: number): Info | undefined {
    const order = runs.map((_, i) => i).sort((i, j) => Math.abs(runs[j].stride) - Math.abs(runs[i].stride));
    const sorted = order.map((i) => runs[i]);
    const dims: number[] = [];
    const begin: number[] = [];
    const size: number[] = [];
    const reversed: number[] = [];
    let rest = offset;
    for (const { extent, stride } of sorted) if (stride < 0) rest += stride * (extent - 1);
    let outer = total;
    for (let i = 0; i < sorted.length; i++) {
      const { extent, stride } = sorted[i];
      const step = Math.abs(stride);
      if (outer % step !== 0) return undefined;
      const start = Math.floor(rest / step);
      rest -= start * step;
      dims.push(outer / step);
      begin.push(start);
      size.push(extent);
      if (start + extent > outer / step) return undefined;
      if (stride < 0) reversed.push(i);
      outer = step;
    }
    if (outer > 1) {
      dims.push(outer);
      begin.push(rest);
      size.push(1);
    }
    let result = this.words.slice(reshaped(flat, dims), begin, size);
    result = reshaped(result, size.slice(0, sorted.length));
    if (reversed.length > 0) result = this.words.reverse(result, reversed);
    return this.words.transpose(result, inverse(order));
  }

  private gathered(flat: Info, runs: readonly Run[], offset: number): Info {
    const positions = positionsOf(
      runs.map(({ extent }) => extent),
      runs.map(({ stride }) => stride),
      offset,
    );
    const indices = this.words.kernels.write(positions, [positions.length], "int32");
    return this.words.kernels.run("GatherV2", { x: flat, indices }, { axis: 0, batchDims: 0 });
  }
}

/** The axes of extent greater than 1, neighbours merged where one stride walks through both. */
function runsOf(shape: readonly number[], strides: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue;
    const last = runs[runs.length - 1];
    if (last !== undefined && last.stride === shape[axis] * strides[axis]) {
      last.extent *= shape[axis];
      last.stride = strides[axis];
    } else runs.push({ extent: shape[axis], stride: strides[axis] });
  }
  return runs;
}

/** The storage positions of a view's elements in row-major order. */
export function positionsOf(shape: readonly number[], strides: readonly number[], offset: number): Int32Array {
  const out = new Int32Array(sizeOf(shape));
  let filled = 1;
  out[0] = offset;
  // Axis by axis from the last, each repeats what is there so far.
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    for (let i = 1; i < shape[axis]; i++)
      for (let j = 0; j < filled; j++) out[i * filled + j] = out[j] + i * strides[axis];
    filled *= shape[axis];
  }
  return out;
}

/** The axes in the order in which dense data of a permuted layout lies; the given order where it lies in no such way. */
export function orderOf(x: NDArray): number[] | undefined {
  const axes = x.shape.map((_, axis) => axis);
  if (x.offset !== 0 || sizeOf(x.shape) !== (x.storage as TfjsStorage).size) return undefined;
  const order = axes.filter((axis) => x.shape[axis] !== 1).sort((a, b) => x.strides[b] - x.strides[a]);
  let stride = 1;
  for (let i = order.length - 1; i >= 0; i--) {
    if (x.strides[order[i]] !== stride) return undefined;
    stride *= x.shape[order[i]];
  }
  if (order.every((axis, i) => i === 0 || axis > order[i - 1])) return undefined;
  return [...axes.filter((axis) => x.shape[axis] === 1), ...order];
}

/** x with its axes in another order. */
export function permuted(x: NDArray, order: readonly number[]): NDArray {
  return { ...x, shape: order.map((axis) => x.shape[axis]), strides: order.map((axis) => x.strides[axis]) };
}

export function inverse(order: readonly number[]): number[] {
  const result: number[] = new Array(order.length);
  order.forEach((axis, i) => {
    result[axis] = i;
  });
  return result;
}

/** Strides of `shape` whose axes lie in memory in the given order. */
export function stridesIn(shape: readonly number[], order: readonly number[]): number[] {
  const own = rowMajor(order.map((axis) => shape[axis]));
  return inverse(order).map((place) => own[place]);
}
