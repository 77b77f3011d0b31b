/** How arrays of one shape are walked together: axes that run on merge, so that loops are few and rows are long. */
import type { NDArray } from "../../backend/backend.ts";
import { broadcastStrides, sameShape } from "./arrays.ts";

/** A loop nest over a shape without extents of 1; `strides[i]` belongs to operand i, in elements. */
export interface Nest {
  readonly shape: number[];
  readonly strides: number[][];
}

/** The nest of operands that broadcast to `shape`, with neighbouring axes merged where all operands allow. */
export function nestOf(shape: readonly number[], operands: readonly NDArray[]): Nest {
  const seen = operands.map((x) => (sameShape(x.shape, shape) ? x.strides : broadcastStrides(x, shape)));
  const merged: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const extent = shape[axis];
    if (extent === 1) continue;
    const last = merged.length - 1;
    if (last >= 0 && seen.every((own, i) => strides[i][last] === own[axis] * extent)) {
      merged[last] *= extent;
      for (let i = 0; i < seen.length; i++) strides[i][last] = seen[i][axis];
    } else {
      merged.push(extent);
      for (let i = 0; i < seen.length; i++) strides[i].push(seen[i][axis]);
    }
  }
  return { shape: merged, strides };
}

/**
 * Calls `block(offsets)` for each group of three innermost axes, with each operand's element offset, in row-major
 * order. The offsets array is reused.
 */
export function walkBlocks(nest: Nest, block: (offsets: readonly number[]) => void): void {
  const outer = Math.max(nest.shape.length - 3, 0);
  const index: number[] = new Array(outer).fill(0);
  const offsets: number[] = new Array(nest.strides.length).fill(0);
  for (;;) {
    block(offsets);
    let axis = outer - 1;
    for (; axis >= 0; axis--) {
      for (let i = 0; i < offsets.length; i++) offsets[i] += nest.strides[i][axis];
      if (++index[axis] < nest.shape[axis]) break;
      for (let i = 0; i < offsets.length; i++) offsets[i] -= nest.strides[i][axis] * nest.shape[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** The three innermost axes of a nest, with extents of 1 and strides of 0 where it has fewer. */
export function innermost(nest: Nest): {
  blocks: number;
  rows: number;
  columns: number;
  block: number[];
  row: number[];
  column: number[];
} {
  const rank = nest.shape.length;
  const along = (back: number, otherwise: number) =>
    nest.strides.map((own) => (rank >= back ? own[rank - back] : otherwise));
  const extent = (back: number) => (rank >= back ? nest.shape[rank - back] : 1);
  return {
    blocks: extent(3),
    rows: extent(2),
    columns: extent(1),
    block: along(3, 0),
    row: along(2, 0),
    column: along(1, 1),
  };
}
