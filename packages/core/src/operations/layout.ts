/** Views: reshape, transpose, broadcast. Where strides can express the result no element moves. */
import type { NDArray } from "../backend/index.ts";
import { AxisError, ShapeError } from "../errors.ts";
import type { Axes, Shape } from "../shape.ts";
import {
  allAxes,
  broadcastShapes,
  checkShape,
  formatShape,
  isRowMajor,
  normalizeAxes,
  normalizeAxis,
  rowMajorStrides,
  sameShape,
  sizeOf,
} from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Another view of the same storage. */
export function view(x: Tensor, shape: Shape, strides: readonly number[], offset: number): Tensor {
  const { storage, dtype } = x.array;
  return new Tensor({ storage, dtype, shape, strides, offset }, x.backend);
}

/**
 * Strides under which the elements of `array` read in row-major order as `shape`, or undefined when there are none.
 * Runs of source axes that are laid out without gaps are matched with runs of target axes of the same product.
 */
function stridesAs(array: NDArray, shape: Shape): number[] | undefined {
  const extents: number[] = [];
  const steps: number[] = [];
  for (let i = 0; i < array.shape.length; i++)
    if (array.shape[i] !== 1) {
      extents.push(array.shape[i]!);
      steps.push(array.strides[i]!);
    }
  const strides = new Array<number>(shape.length).fill(0);
  let source = 0;
  let target = 0;
  while (source < extents.length && target < shape.length) {
    let sourceEnd = source + 1;
    let targetEnd = target + 1;
    let sourceSize = extents[source]!;
    let targetSize = shape[target]!;
    while (sourceSize !== targetSize) {
      if (sourceSize < targetSize) {
        if (steps[sourceEnd - 1] !== extents[sourceEnd]! * steps[sourceEnd]!) return undefined;
        sourceSize *= extents[sourceEnd++]!;
      } else targetSize *= shape[targetEnd++]!;
    }
    let stride = steps[sourceEnd - 1]!;
    for (let i = targetEnd - 1; i >= target; i--) {
      strides[i] = stride;
      stride *= shape[i]!;
    }
    source = sourceEnd;
    target = targetEnd;
  }
  return strides;
}

/** `shape` with its one -1 worked out. */
function completeShape(x: Tensor, shape: Shape): Shape {
  const unknown = shape.indexOf(-1);
  if (unknown < 0) {
    checkShape("reshape", shape);
    if (sizeOf(shape) !== x.size) throw reshapeError(x, shape);
    return shape;
  }
  const rest = shape.filter((_, i) => i !== unknown);
  if (rest.includes(-1)) throw new ShapeError(`reshape: only one extent of ${formatShape(shape)} may be -1.`);
  checkShape("reshape", rest);
  const known = sizeOf(rest);
  if (known === 0 || x.size % known !== 0) throw reshapeError(x, shape);
  return shape.map((extent, i) => (i === unknown ? x.size / known : extent));
}

function reshapeError(x: Tensor, shape: Shape): ShapeError {
  return new ShapeError(
    `reshape: ${formatShape(x.shape)} has ${x.size} elements and cannot become ${formatShape(shape)}.`,
  );
}

export function reshape(x: Tensor, shape: Shape): Tensor {
  const array = x.array;
  if (sameShape(array.shape, shape)) return x;
  const target = completeShape(x, shape);
  if (isRowMajor(array.shape, array.strides)) return view(x, target, rowMajorStrides(target), array.offset);
  const strides = x.size === 0 ? rowMajorStrides(target) : stridesAs(array, target);
  if (strides !== undefined) return view(x, target, strides, array.offset);
  const copy = x.backend.contiguous(array);
  return new Tensor(
    { storage: copy.storage, dtype: copy.dtype, shape: target, strides: rowMajorStrides(target), offset: copy.offset },
    x.backend,
  );
}

export function flatten(x: Tensor, startAxis = 0, endAxis = -1): Tensor {
  if (x.rank === 0) return x.reshape([1]);
  const start = normalizeAxis("flatten", startAxis, x.rank);
  const end = normalizeAxis("flatten", endAxis, x.rank);
  if (end < start) throw new AxisError(`flatten: axis ${endAxis} comes before axis ${startAxis}.`);
  const middle = sizeOf(x.shape.slice(start, end + 1));
  return x.reshape([...x.shape.slice(0, start), middle, ...x.shape.slice(end + 1)]);
}

export function expandDims(x: Tensor, axes: Axes): Tensor {
  const count = typeof axes === "number" ? 1 : axes.length;
  const inserted = normalizeAxes("expandDims", axes, x.rank + count);
  const shape: number[] = [];
  const strides: number[] = [];
  let from = 0;
  for (let i = 0; i < x.rank + count; i++) {
    if (inserted.includes(i)) {
      shape.push(1);
      strides.push(0);
    } else {
      shape.push(x.shape[from]!);
      strides.push(x.array.strides[from++]!);
    }
  }
  return view(x, shape, strides, x.array.offset);
}

export function squeeze(x: Tensor, axes?: Axes): Tensor {
  const dropped =
    axes === undefined ? allAxes(x.rank).filter((axis) => x.shape[axis] === 1) : normalizeAxes("squeeze", axes, x.rank);
  for (const axis of dropped)
    if (x.shape[axis] !== 1)
      throw new ShapeError(
        `squeeze: axis ${axis} of shape ${formatShape(x.shape)} has extent ${x.shape[axis]}, not 1.`,
      );
  const kept = allAxes(x.rank).filter((axis) => !dropped.includes(axis));
  return view(
    x,
    kept.map((axis) => x.shape[axis]!),
    kept.map((axis) => x.array.strides[axis]!),
    x.array.offset,
  );
}

export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  const rank = x.rank;
  const { shape, strides, offset } = x.array;
  const newShape = new Array<number>(rank);
  const newStrides = new Array<number>(rank);
  if (axes !== undefined) {
    if (axes.length !== rank)
      throw new AxisError(
        `transpose: ${formatShape(axes)} must name each of the ${rank} axes of ${formatShape(shape)} once.`,
      );
    normalizeAxes("transpose", axes, rank);
  }
  for (let i = 0; i < rank; i++) {
    const from = axes === undefined ? rank - 1 - i : normalizeAxis("transpose", axes[i]!, rank);
    newShape[i] = shape[from]!;
    newStrides[i] = strides[from]!;
  }
  return view(x, newShape, newStrides, offset);
}

export function swapAxes(x: Tensor, a: number, b: number): Tensor {
  const first = normalizeAxis("swapAxes", a, x.rank);
  const second = normalizeAxis("swapAxes", b, x.rank);
  const shape = x.array.shape.slice();
  const strides = x.array.strides.slice();
  shape[first] = x.array.shape[second]!;
  shape[second] = x.array.shape[first]!;
  strides[first] = x.array.strides[second]!;
  strides[second] = x.array.strides[first]!;
  return view(x, shape, strides, x.array.offset);
}

export function moveAxis(x: Tensor, from: Axes, to: Axes): Tensor {
  const sources = (typeof from === "number" ? [from] : from).map((axis) => normalizeAxis("moveAxis", axis, x.rank));
  const targets = (typeof to === "number" ? [to] : to).map((axis) => normalizeAxis("moveAxis", axis, x.rank));
  if (sources.length !== targets.length)
    throw new AxisError(`moveAxis: ${sources.length} axes cannot move to ${targets.length} places.`);
  normalizeAxes("moveAxis", sources, x.rank);
  normalizeAxes("moveAxis", targets, x.rank);
  const rest = allAxes(x.rank).filter((axis) => !sources.includes(axis));
  const order = allAxes(x.rank).map((place) => {
    const moved = targets.indexOf(place);
    return moved >= 0 ? sources[moved]! : rest.shift()!;
  });
  return x.transpose(order);
}

export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  const from = x.array.shape;
  if (sameShape(from, shape)) return x;
  checkShape("broadcastTo", shape);
  if (from.length > shape.length || !sameShape(broadcastShapes("broadcastTo", from, shape), shape))
    throw new ShapeError(`broadcastTo: ${formatShape(from)} does not broadcast to ${formatShape(shape)}.`);
  const strides = new Array<number>(shape.length).fill(0);
  const lead = shape.length - from.length;
  for (let i = 0; i < from.length; i++) if (from[i] !== 1) strides[lead + i] = x.array.strides[i]!;
  return view(x, shape.slice(), strides, x.array.offset);
}

/** Sums the axes along which `shape` broadcasts to x's shape. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const from = x.array.shape;
  if (sameShape(from, shape)) return x;
  checkShape("sumTo", shape);
  const lead = from.length - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < from.length; i++) {
    if (i < lead) axes.push(i);
    else if (shape[i - lead] !== from[i]) {
      if (shape[i - lead] !== 1)
        throw new ShapeError(`sumTo: ${formatShape(shape)} does not broadcast to ${formatShape(from)}.`);
      axes.push(i);
    }
  }
  if (lead < 0) throw new ShapeError(`sumTo: ${formatShape(shape)} does not broadcast to ${formatShape(from)}.`);
  return x.sum(axes, true).reshape(shape);
}

export function tile(x: Tensor, repetitions: readonly number[]): Tensor {
  checkShape("tile", repetitions);
  const rank = Math.max(x.rank, repetitions.length);
  const shape = [...new Array<number>(rank - x.rank).fill(1), ...x.shape];
  const counts = [...new Array<number>(rank - repetitions.length).fill(1), ...repetitions];
  const spread = x
    .reshape(shape.flatMap((extent) => [1, extent]))
    .broadcastTo(shape.flatMap((extent, axis) => [counts[axis]!, extent]));
  return spread.reshape(shape.map((extent, axis) => extent * counts[axis]!));
}

export function repeat(x: Tensor, count: number, axis: number): Tensor {
  const along = normalizeAxis("repeat", axis, x.rank);
  checkShape("repeat", [count]);
  const spread = x.shape.slice();
  spread.splice(along + 1, 0, count);
  const shape = x.shape.slice();
  shape[along]! *= count;
  return x
    .expandDims(along + 1)
    .broadcastTo(spread)
    .reshape(shape);
}

export function flip(x: Tensor, axes?: Axes): Tensor {
  const { shape } = x.array;
  const strides = x.array.strides.slice();
  let offset = x.array.offset;
  for (const axis of normalizeAxes("flip", axes, x.rank)) {
    offset += Math.max(0, shape[axis]! - 1) * strides[axis]!;
    strides[axis] = -strides[axis]!;
  }
  return view(x, shape, strides, offset);
}
