/** What the options of convolutions and pooling mean: strides, paddings and layouts as one entry per spatial axis. */
import type { Int, NoDerivative } from "@pullback/autodiff";
import { isFloating } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** `channelsFirst` is [N, C, …spatial] (NCHW), `channelsLast` [N, …spatial, C] (NHWC). */
export type SpatialLayout = "channelsFirst" | "channelsLast";

/** A number for every spatial axis, or one per axis. */
export type PerAxis = Int | NoDerivative<readonly number[]>;

/**
 * Elements added to each spatial axis: on both sides, one entry or pair per axis; "same" adds what gives
 * ceil(extent / stride) cells, the odd one after; "valid" adds nothing.
 */
export type Padding = PerAxis | NoDerivative<readonly Pair[]> | "same" | "valid";

export type Pair = readonly [before: number, after: number];

/** One whole number of at least `low` per spatial axis. @throws ShapeError */
export function perAxis(operation: string, name: string, value: PerAxis, axes: number, low = 1): number[] {
  const list = typeof value === "number" ? new Array<number>(axes).fill(value) : [...value];
  if (list.length !== axes)
    throw new ShapeError(`${operation}: ${name} [${list.join(", ")}] must have one entry for each of ${axes} axes.`);
  for (const entry of list)
    if (!Number.isInteger(entry) || entry < low)
      throw new ShapeError(`${operation}: ${name} ${entry} must be a whole number, ${low} or more.`);
  return list;
}

/** Elements before and after each axis of these extents. @throws ShapeError */
export function paddingOf(
  operation: string,
  padding: Padding,
  extents: Shape,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Pair[] {
  if (padding === "valid") return extents.map((): Pair => [0, 0]);
  if (padding === "same")
    return extents.map((extent, i): Pair => {
      const span = dilation[i]! * (kernel[i]! - 1) + 1;
      const total = Math.max(0, (Math.ceil(extent / stride[i]!) - 1) * stride[i]! + span - extent);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
  if (typeof padding === "string")
    throw new ShapeError(`${operation}: padding "${padding as string}" must be numbers, "same" or "valid".`);
  if (typeof padding !== "number" && padding.some((entry) => typeof entry !== "number")) {
    const pairs = padding as readonly Pair[];
    const sides = pairs.map(([before, after]): Pair => [before, after]);
    perAxis(
      operation,
      "padding",
      sides.map(([before]) => before),
      extents.length,
      0,
    );
    perAxis(
      operation,
      "padding",
      sides.map(([, after]) => after),
      extents.length,
      0,
    );
    return sides;
  }
  return perAxis(operation, "padding", padding as PerAxis, extents.length, 0).map((side): Pair => [side, side]);
}

/** The cells that a window of `span` elements takes on each axis: floor((extent + padding - span) / stride) + 1. */
export function requireCells(
  operation: string,
  extents: Shape,
  padding: readonly Pair[],
  spans: readonly number[],
): void {
  extents.forEach((extent, i) => {
    const padded = extent + padding[i]![0] + padding[i]![1];
    if (padded < spans[i]!)
      throw new ShapeError(
        `${operation}: the window spans ${spans[i]} elements, but spatial axis ${i} of ${formatShape(extents)} has ` +
          `${padded} with its padding.`,
      );
  });
}

/** Throws unless x is a floating tensor of rank 2 + axes. */
export function requireSpatial(operation: string, x: Tensor, axes: number): void {
  if (!isFloating(x.dtype))
    throw new DTypeError(`${operation}: needs a floating tensor, but got ${x.dtype}.`, {
      hint: 'Write x.cast("float32").',
    });
  if (x.rank !== axes + 2)
    throw new ShapeError(
      `${operation}: the input has shape ${formatShape(x.shape)}; it must be [N, C, …] with ${axes} spatial axes ` +
        '(or [N, …, C] with layout "channelsLast").',
    );
}

/** Whether the channels come last. @throws ShapeError for an unknown layout */
export function isChannelsLast(operation: string, layout: SpatialLayout | undefined): boolean {
  if (layout !== undefined && layout !== "channelsFirst" && layout !== "channelsLast")
    throw new ShapeError(`${operation}: the layout "${layout as string}" must be "channelsFirst" or "channelsLast".`);
  return layout === "channelsLast";
}
