/** Basic indexing, as NumPy's: numbers, ranges, "..." and "newAxis"; reading gives a view, `with` a new tensor. */
import type { Int } from "@pullback/autodiff";
import { IndexError, ShapeError } from "../errors.ts";
import { formatShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { view } from "./layout.ts";
import type { Operand } from "./operand.ts";
import { castTo, commonType, requireSameBackend, scalarLike } from "./operand.ts";

/** `[start, stop, step]` with Python's meaning; an absent bound is the end in the direction of the step. */
export type Range = readonly [
  start?: Int | null | undefined,
  stop?: Int | null | undefined,
  step?: Int | null | undefined,
];

/** One entry of an index: a position (drops its axis), a range, undefined or null (the whole axis), "..." or "newAxis". */
export type Index = Int | Range | undefined | null | "..." | "newAxis";

/** What an index selects: per axis of the source a start, a step and a count, and how the result's axes come from them. */
export interface Region {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  /** Extent of the region along each axis of the source (1 where a number picks one position). */
  readonly counts: readonly number[];
  /** The result's axes: an axis of the source, or -1 for a new one. */
  readonly axes: readonly number[];
}

/** A bound of a range, counted from the end when negative and clamped as Python does. */
function bound(operation: string, value: number, extent: number, low: number, high: number): number {
  if (!Number.isInteger(value))
    throw new IndexError(`${operation}: ${value} is not a whole number and cannot bound a range.`);
  const position = value < 0 ? value + extent : value;
  return Math.min(Math.max(position, low), high);
}

/** Resolves an index against a shape. @throws IndexError */
export function regionOf(operation: string, shape: readonly number[], index: readonly Index[]): Region {
  const consumed = index.filter((entry) => entry !== "..." && entry !== "newAxis").length;
  const ellipses = index.filter((entry) => entry === "...").length;
  if (ellipses > 1) throw new IndexError(`${operation}: an index may hold one "..." only.`);
  if (consumed > shape.length)
    throw new IndexError(
      `${operation}: ${consumed} indices for shape ${formatShape(shape)}, which has ${shape.length} axes.`,
    );
  const starts: number[] = [];
  const steps: number[] = [];
  const counts: number[] = [];
  const axes: number[] = [];
  const keepWhole = (): void => {
    const axis = starts.length;
    starts.push(0);
    steps.push(1);
    counts.push(shape[axis]!);
    axes.push(axis);
  };
  for (const entry of index) {
    if (entry === "newAxis") axes.push(-1);
    else if (entry === "...") for (let i = consumed; i < shape.length; i++) keepWhole();
    else if (entry === undefined || entry === null) keepWhole();
    else if (typeof entry === "number") {
      const axis = starts.length;
      const extent = shape[axis]!;
      if (!Number.isInteger(entry) || entry < -extent || entry >= extent)
        throw new IndexError(
          `${operation}: index ${entry} is out of range for axis ${axis} of shape ${formatShape(shape)}.`,
        );
      starts.push(entry < 0 ? entry + extent : entry);
      steps.push(1);
      counts.push(1);
    } else {
      const axis = starts.length;
      const extent = shape[axis]!;
      const step = entry[2] ?? 1;
      if (!Number.isInteger(step) || step === 0)
        throw new IndexError(`${operation}: the step ${step} of axis ${axis} must be a whole number other than 0.`);
      const low = step > 0 ? 0 : -1;
      const high = step > 0 ? extent : extent - 1;
      const start = entry[0] == null ? (step > 0 ? low : high) : bound(operation, entry[0], extent, low, high);
      const stop = entry[1] == null ? (step > 0 ? high : low) : bound(operation, entry[1], extent, low, high);
      const count = Math.max(0, Math.ceil((stop - start) / step));
      starts.push(count === 0 ? 0 : start);
      steps.push(step);
      counts.push(count);
      axes.push(axis);
    }
  }
  while (starts.length < shape.length) keepWhole();
  return { starts, steps, counts, axes };
}

/** The elements of a region as a view. */
function regionView(x: Tensor, region: Region): Tensor {
  const { strides } = x.array;
  let offset = x.array.offset;
  for (let i = 0; i < strides.length; i++) offset += region.starts[i]! * strides[i]!;
  return view(
    x,
    region.axes.map((axis) => (axis < 0 ? 1 : region.counts[axis]!)),
    region.axes.map((axis) => (axis < 0 ? 0 : strides[axis]! * region.steps[axis]!)),
    offset,
  );
}

export function slice(x: Tensor, index: readonly Index[]): Tensor {
  return regionView(x, regionOf("slice", x.shape, index));
}

/** Positions start … stop - 1 of one axis; the bounds are known to be right. */
export function sliceAxis(x: Tensor, axis: number, start: number, stop: number): Tensor {
  const shape = x.array.shape.slice();
  shape[axis] = stop - start;
  return view(x, shape, x.array.strides, x.array.offset + start * x.array.strides[axis]!);
}

/** x with `value` written at the region that `index` selects; the value broadcasts to the region. */
export function withValue(x: Tensor, index: readonly Index[], value: Operand): Tensor {
  const region = regionOf("with", x.shape, index);
  const dtype = commonType(x, value);
  const target = castTo(x, dtype);
  const source = typeof value === "object" ? castTo(value, dtype) : scalarLike(+value, x, dtype);
  const backend = requireSameBackend("with", target, source);
  const shape = region.axes.map((axis) => (axis < 0 ? 1 : region.counts[axis]!));
  if (source.rank > shape.length && source.shape.slice(0, source.rank - shape.length).some((extent) => extent !== 1))
    throw new ShapeError(`with: a value of shape ${formatShape(source.shape)} does not fit ${formatShape(shape)}.`);
  const fitted = source.rank > shape.length ? source.reshape(source.shape.slice(source.rank - shape.length)) : source;
  const written = fitted.broadcastTo(shape).reshape(region.counts);
  return new Tensor(backend.sliceUpdate(target.array, region.starts, region.steps, written.array), backend);
}
