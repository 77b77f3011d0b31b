/** Shapes, strides and axes: the arithmetic that views and broadcasting rest on. */
import { AxisError, ShapeError } from "./errors.ts";

export type Shape = readonly number[];
/** One axis or several; negative ones count from the end. `[]` means no axis; where optional, `undefined` means all. */
export type Axes = number | readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides, in elements. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** Whether the elements lie in row-major order without gaps (the stride of an axis of extent 1 is free). */
export function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const extent = shape[i]!;
    if (extent === 0) return true;
    if (extent !== 1) {
      if (strides[i] !== stride) return false;
      stride *= extent;
    }
  }
  return true;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Throws ShapeError unless `shape` is a list of non-negative integers. */
export function checkShape(operation: string, shape: Shape): void {
  if (!Array.isArray(shape))
    throw new ShapeError(`${operation}: a shape is a list of extents, for example [2, 3], but got ${String(shape)}.`);
  for (const extent of shape)
    if (!Number.isInteger(extent) || extent < 0)
      throw new ShapeError(
        `${operation}: the shape ${formatShape(shape)} has the extent ${extent}; extents are whole numbers, 0 or more.`,
      );
}

/** The shape that two shapes broadcast to (NumPy: align right, 1 stretches). Throws ShapeError naming both. */
export function broadcastShapes(operation: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i <= a.length ? a[a.length - i]! : 1;
    const y = i <= b.length ? b[b.length - i]! : 1;
    if (x !== y && x !== 1 && y !== 1)
      throw new ShapeError(
        `${operation}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: ` +
          `axis -${i} has extents ${x} and ${y}.`,
        { hint: "Extents must be equal or 1, aligned from the right." },
      );
    shape[rank - i] = x === 1 ? y : x;
  }
  return shape;
}

/** A non-negative axis of an array of the given rank. Throws AxisError. */
export function normalizeAxis(operation: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new AxisError(
      rank === 0
        ? `${operation}: axis ${axis} of a tensor of rank 0, which has no axes.`
        : `${operation}: axis ${axis} is out of range for rank ${rank}; it must lie between ${-rank} and ${rank - 1}.`,
    );
  return axis < 0 ? axis + rank : axis;
}

/**
 * Sorted, distinct, non-negative axes; `undefined` is all of them. A scalar has the axes 0 and -1, as in PyTorch, which
 * amount to none. Throws AxisError for repeats.
 */
export function normalizeAxes(operation: string, axes: Axes | undefined, rank: number): number[] {
  if (axes === undefined) return allAxes(rank);
  if (rank === 0) {
    const named = typeof axes === "number" ? [axes] : axes;
    if (named.length === 1 && (named[0] === 0 || named[0] === -1)) return [];
  }
  if (typeof axes === "number") return [normalizeAxis(operation, axes, rank)];
  const result = axes.map((axis) => normalizeAxis(operation, axis, rank)).sort((a, b) => a - b);
  for (let i = 1; i < result.length; i++)
    if (result[i] === result[i - 1])
      throw new AxisError(`${operation}: axis ${result[i]} is named twice in ${formatShape(axes)}.`);
  return result;
}

export function allAxes(rank: number): number[] {
  const axes = new Array<number>(rank);
  for (let i = 0; i < rank; i++) axes[i] = i;
  return axes;
}

/** `shape` with the extents of `axes` (sorted, normalised) replaced by 1, or dropped. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  const result: number[] = [];
  let next = 0;
  for (let i = 0; i < shape.length; i++) {
    if (next < axes.length && axes[next] === i) {
      next++;
      if (keepDims) result.push(1);
    } else result.push(shape[i]!);
  }
  return result;
}
