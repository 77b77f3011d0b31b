/** Where the elements that a sliding window meets lie: layouts and tables of byte offsets. */
import { rowMajor, sizeOf } from "../arrays.ts";

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

/**
 * How a group of channels lies in memory for a window that moves by `step` elements along the last axis: with zeros
 * around it, and each row divided by residue modulo the step, so that positions which follow each other are neighbours.
 */
export interface Layout {
  /** Spatial extents with the zeros (or without what negative padding cuts off), and elements in front of the source. */
  readonly extents: readonly number[];
  readonly before: readonly number[];
  readonly source: readonly number[];
  readonly step: number;
  /** Bytes of an element, from one index to the next of every axis but the last, and of a whole channel. */
  readonly bytes: number;
  readonly strides: readonly number[];
  readonly channel: number;
  /** Elements of one residue of a row. */
  readonly share: number;
}

export function layoutOf(
  source: readonly number[],
  extents: readonly number[],
  before: readonly number[],
  step: number,
  bytes: number,
): Layout {
  const last = extents.length - 1;
  const share = Math.ceil(extents[last] / step);
  const strides = rowMajor([...extents.slice(0, last), share * step]).map((stride) => stride * bytes);
  const channel = sizeOf(extents.slice(0, last)) * share * step * bytes;
  return { extents, before, source, step, bytes, strides, channel, share };
}

/** Whether the source itself has this layout. */
export const isPlain = ({ source, extents, before, step }: Layout): boolean =>
  step === 1 && source.every((extent, i) => extent === extents[i] && before[i] === 0);

/** Byte offsets of index t · dilation along one axis, for t below `count`. */
export function offsetsAlong(layout: Layout, axis: number, count: number, dilation: number): number[] {
  const { step, share, bytes, strides } = layout;
  const isLast = axis === strides.length - 1;
  return Array.from({ length: count }, (_, t) => {
    const at = t * dilation;
    return isLast ? ((at % step) * share + Math.floor(at / step)) * bytes : at * strides[axis];
  });
}

/** What moves the source into its layout: see `plan.rowPairs` and `plan.phases`. */
export function copyTables(layout: Layout): { rowPairs: Int32Array; phases: Int32Array } {
  const { source, extents, before, step, share, bytes, strides } = layout;
  const last = extents.length - 1;
  const skip = before.map((zeros) => Math.max(0, -zeros));
  const start = before.map((zeros) => Math.max(0, zeros));
  const count = source.map((extent, i) => Math.max(0, Math.min(extent - skip[i], extents[i] - start[i])));
  const own = rowMajor(source).map((stride) => stride * bytes);
  const along = (axis: number, first: number, by: number) =>
    Array.from({ length: count[axis] }, (_, i) => (first + i) * by);
  const outer = source.slice(0, last);
  const from = sumTable(outer.map((_, axis) => along(axis, skip[axis], own[axis])));
  const to = sumTable(outer.map((_, axis) => along(axis, start[axis], strides[axis])));
  const rowPairs = new Int32Array(2 * from.length);
  for (let i = 0; i < from.length; i++) rowPairs.set([from[i], to[i]], 2 * i);
  const phases: number[] = [];
  for (let phase = 0; phase < step; phase++) {
    const first = (((phase - start[last]) % step) + step) % step;
    const inside = Math.ceil((count[last] - first) / step);
    if (inside <= 0) continue;
    const place = phase * share + Math.floor((start[last] + first) / step);
    phases.push((skip[last] + first) * bytes, place * bytes, inside);
  }
  return { rowPairs, phases: Int32Array.from(phases) };
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
