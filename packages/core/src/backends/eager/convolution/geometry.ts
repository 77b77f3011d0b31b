/** Where the elements that a sliding window meets lie: extents, byte offset tables and zero-padded copies. */
import { sizeOf } from "../arrays.ts";

/** The sums of one entry of each list, in row-major order. */
export function sumTable(lists: readonly (readonly number[])[]): Int32Array {
  let table = new Int32Array([0]);
  for (const list of lists) {
    const longer = new Int32Array(table.length * list.length);
    for (let i = 0, at = 0; i < table.length; i++)
      for (let j = 0; j < list.length; j++, at++) longer[at] = table[i] + list[j];
    table = longer;
  }
  return table;
}

/** Offsets of all index tuples of `extents`, in row-major order: the sum of index times stride. */
export function offsetTable(extents: readonly number[], strides: readonly number[]): Int32Array {
  return sumTable(extents.map((extent, axis) => Array.from({ length: extent }, (_, i) => i * strides[axis])));
}

/** A block of channels with `before` zeros in front of each spatial axis (negative: elements cut off) and room after. */
export interface Padded {
  readonly channels: number;
  /** Spatial extents of the source and of the padded block. */
  readonly source: readonly number[];
  readonly extents: readonly number[];
  readonly before: readonly number[];
}

/** Whether the source itself can stand for its padded copy. */
export const isPlain = (p: Padded): boolean =>
  p.source.every((extent, i) => extent === p.extents[i] && p.before[i] === 0);

export const paddedSize = (p: Padded): number => p.channels * sizeOf(p.extents);

/** Copies the channels at byte address `from` into their places in the padded block at `to`, whose rest is zero. */
export function fillPadded(bytes: Uint8Array, p: Padded, elementBytes: number, from: number, to: number): void {
  const skip = p.before.map((before) => Math.max(0, -before));
  const start = p.before.map((before) => Math.max(0, before));
  const count = p.source.map((extent, i) => Math.max(0, Math.min(extent - skip[i], p.extents[i] - start[i])));
  const last = count.length - 1;
  const rowBytes = count[last] * elementBytes;
  if (rowBytes === 0) return;
  const copyAxis = (axis: number, source: number, target: number): void => {
    if (axis === last) {
      const at = (source + skip[last]) * elementBytes + from;
      bytes.copyWithin((target + start[last]) * elementBytes + to, at, at + rowBytes);
      return;
    }
    const sourceStride = sizeOf(p.source.slice(axis + 1));
    const targetStride = sizeOf(p.extents.slice(axis + 1));
    for (let i = 0; i < count[axis]; i++)
      copyAxis(axis + 1, source + (skip[axis] + i) * sourceStride, target + (start[axis] + i) * targetStride);
  };
  for (let c = 0; c < p.channels; c++) copyAxis(0, c * sizeOf(p.source), c * sizeOf(p.extents));
}

/** The input positions r, r + stride, … of one axis, and the taps that reach outputs from there. */
export interface Phase {
  readonly first: number;
  readonly count: number;
  /** Kernel positions t with an output at (position + padding - t · dilation) / stride. */
  readonly taps: readonly number[];
  /** For each tap the output position that the first input position belongs to (it may be negative). */
  readonly outputs: readonly number[];
}

/** The phases of one axis of a convolution's input, by residue modulo the stride. */
export function phasesOf(extent: number, kernel: number, stride: number, dilation: number, before: number): Phase[] {
  const phases: Phase[] = [];
  for (let first = 0; first < Math.min(stride, extent); first++) {
    const taps: number[] = [];
    const outputs: number[] = [];
    for (let t = 0; t < kernel; t++) {
      const reached = first + before - t * dilation;
      if (reached % stride === 0) {
        taps.push(t);
        outputs.push(reached / stride);
      }
    }
    phases.push({ first, count: Math.ceil((extent - first) / stride), taps, outputs });
  }
  return phases;
}

/** All ways to choose one entry of each list. */
export function combinations<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((chosen, list) => chosen.flatMap((head) => list.map((entry) => [...head, entry])), [[]]);
}
