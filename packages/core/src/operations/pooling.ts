/** Pooling: the maximum or the mean of the cells that a window, or a division into equal parts, gives. */
import type { WindowAxis } from "../backend/index.ts";
import { ShapeError } from "../errors.ts";
import type { RandomKey } from "../random/index.ts";
import { rand } from "../random/index.ts";
import type { Shape } from "../shape.ts";
import { formatShape, sizeOf } from "../shape.ts";
import { tensorOn } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import { convolve } from "./convolution.ts";
import { where } from "./where.ts";
import {
  isChannelsLast,
  type Padding,
  type Pair,
  type PerAxis,
  paddingOf,
  perAxis,
  requireCells,
  requireSpatial,
  type SpatialLayout,
} from "./windows.ts";

export interface MaxPoolOptions {
  /** Default: the kernel size, so that cells do not overlap. */
  readonly stride?: PerAxis;
  readonly padding?: Padding;
  readonly dilation?: PerAxis;
  /** Whether a last cell that sticks out of the padded input counts. */
  readonly ceilMode?: boolean;
  readonly layout?: SpatialLayout;
}

export interface AvgPoolOptions {
  readonly stride?: PerAxis;
  readonly padding?: Padding;
  readonly ceilMode?: boolean;
  /** Whether padding counts in the divisor: by default it does, except with padding "same". */
  readonly countIncludePad?: boolean;
  readonly layout?: SpatialLayout;
}

export interface AdaptivePoolOptions {
  readonly layout?: SpatialLayout;
}

export interface FractionalPoolOptions {
  /** Where the cells begin is random; without a key the default generator is used. */
  readonly key?: RandomKey;
  readonly layout?: SpatialLayout;
}

/** Windows of one size along every axis. */
interface Pooling {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly Pair[];
  readonly cells: readonly number[];
}

function poolingOf(
  operation: string,
  spatial: Shape,
  kernelSize: PerAxis,
  options: MaxPoolOptions | undefined,
): Pooling {
  const axes = spatial.length;
  const kernel = perAxis(operation, "kernelSize", kernelSize, axes);
  const stride = perAxis(operation, "stride", options?.stride ?? kernel, axes);
  const dilation = perAxis(operation, "dilation", options?.dilation ?? 1, axes);
  const padding = paddingOf(operation, options?.padding ?? 0, spatial, kernel, stride, dilation);
  padding.forEach(([before, after], i) => {
    const span = dilation[i]! * (kernel[i]! - 1) + 1;
    if (options?.padding !== "same" && (before * 2 > span || after * 2 > span))
      throw new ShapeError(`${operation}: padding [${before}, ${after}] is more than half of the window ${span}.`);
  });
  const spans = kernel.map((extent, i) => dilation[i]! * (extent - 1) + 1);
  requireCells(operation, spatial, padding, spans);
  const cells = spatial.map((extent, i) => {
    const [before, after] = padding[i]!;
    const room = (extent + before + after - spans[i]!) / stride[i]!;
    if (options?.ceilMode !== true) return Math.floor(room) + 1;
    const count = Math.ceil(room) + 1;
    // A cell must begin inside the input or the padding before it.
    return (count - 1) * stride[i]! >= extent + before ? count - 1 : count;
  });
  return { kernel, stride, dilation, padding, cells };
}

/** The positions of each cell that lie inside the input. */
function windowsOf(operation: string, spatial: Shape, pooling: Pooling): WindowAxis[] {
  return spatial.map((extent, i) => {
    const step = pooling.dilation[i]!;
    const start: number[] = [];
    const count: number[] = [];
    for (let cell = 0; cell < pooling.cells[i]!; cell++) {
      const begin = cell * pooling.stride[i]! - pooling.padding[i]![0];
      const skipped = begin < 0 ? Math.ceil(-begin / step) : 0;
      const first = begin + skipped * step;
      const inside = Math.min(pooling.kernel[i]! - skipped, Math.ceil((extent - first) / step));
      if (inside < 1)
        throw new ShapeError(
          `${operation}: cell ${cell} of spatial axis ${i} (extent ${extent}) lies wholly in the padding.`,
        );
      start.push(first);
      count.push(inside);
    }
    return { start, count, step };
  });
}

/** For each cell of x [N, C, …] the int32 position of its maximum in the plane, the first of equals. */
function argmaxOf(x: Tensor, windows: readonly WindowAxis[]): Tensor {
  return new Tensor(x.backend.windowArgmax(x.array, windows), x.backend);
}

/** The elements of x [N, C, …] at positions [N, C, …cells] of their planes. */
function takeFromPlanes(x: Tensor, positions: Tensor): Tensor {
  const planes = x.reshape([x.shape[0]!, x.shape[1]!, sizeOf(x.shape.slice(2))]);
  const flat = positions.reshape([x.shape[0]!, x.shape[1]!, sizeOf(positions.shape.slice(2))]);
  return planes.takeAlongAxis(flat, 2).reshape(positions.shape);
}

/** @differentiable */
function maxPool(
  operation: string,
  axes: number,
  input: Tensor,
  kernelSize: PerAxis,
  options: MaxPoolOptions | undefined,
): Tensor {
  requireSpatial(operation, input, axes);
  const last = isChannelsLast(operation, options?.layout);
  const x = last ? input.moveAxis(-1, 1) : input;
  const spatial = x.shape.slice(2);
  const windows = windowsOf(operation, spatial, poolingOf(operation, spatial, kernelSize, options));
  const pooled = takeFromPlanes(x, argmaxOf(x, windows));
  return last ? pooled.moveAxis(1, -1) : pooled;
}

/**
 * The maximum of each window of x [N, C, L]: [N, C, L']. The derivative goes to the one element taken, the first of
 * equals; padding is never taken.
 * @throws ShapeError when a window does not fit, DTypeError when x is not floating.
 * @differentiable
 */
export function maxPool1d(x: Tensor, kernelSize: PerAxis, options?: MaxPoolOptions): Tensor {
  return maxPool("maxPool1d", 1, x, kernelSize, options);
}

/**
 * The maximum of each window of x [N, C, H, W], as `maxPool1d`.
 * @throws ShapeError when a window does not fit, DTypeError when x is not floating.
 * @differentiable
 */
export function maxPool2d(x: Tensor, kernelSize: PerAxis, options?: MaxPoolOptions): Tensor {
  return maxPool("maxPool2d", 2, x, kernelSize, options);
}

/**
 * The maximum of each window of x [N, C, D, H, W], as `maxPool1d`.
 * @throws ShapeError when a window does not fit, DTypeError when x is not floating.
 * @differentiable
 */
export function maxPool3d(x: Tensor, kernelSize: PerAxis, options?: MaxPoolOptions): Tensor {
  return maxPool("maxPool3d", 3, x, kernelSize, options);
}

/** The reciprocal of the number of elements that each cell counts, [1, 1, …cells]. */
function cellWeights(x: Tensor, spatial: Shape, pooling: Pooling, includePad: boolean): Tensor {
  const counts = spatial.map((extent, i) => {
    const [before, after] = pooling.padding[i]!;
    const [low, high] = includePad ? [-before, extent + after] : [0, extent];
    return Float64Array.from({ length: pooling.cells[i]! }, (_, cell) => {
      const begin = cell * pooling.stride[i]! - before;
      return Math.min(begin + pooling.kernel[i]!, high) - Math.max(begin, low);
    });
  });
  const product = counts.reduce((all, own) => all.flatMap((count) => Array.from(own, (by) => count * by)), [1]);
  const reciprocals = Float64Array.from(product, (count) => 1 / count);
  const shape = [1, 1, ...pooling.cells];
  return tensorOn(x.backend, reciprocals, { shape, dtype: x.dtype });
}

/** @differentiable */
function avgPool(
  operation: string,
  axes: number,
  input: Tensor,
  kernelSize: PerAxis,
  options: AvgPoolOptions | undefined,
): Tensor {
  requireSpatial(operation, input, axes);
  const last = isChannelsLast(operation, options?.layout);
  const x = last ? input.moveAxis(-1, 1) : input;
  const spatial = x.shape.slice(2);
  const pooling = poolingOf(operation, spatial, kernelSize, options);
  const includePad = options?.countIncludePad ?? options?.padding !== "same";
  const means = windowSums(x, pooling).mul(cellWeights(x, spatial, pooling, includePad));
  return last ? means.moveAxis(1, -1) : means;
}

/** The sum of each window: every plane by itself is convolved with ones. */
function windowSums(x: Tensor, pooling: Pooling): Tensor {
  const { kernel, stride, dilation, padding, cells } = pooling;
  const spatial = x.shape.slice(2);
  // A last cell that sticks out (ceilMode) sees zeros there.
  const room = padding.map(([before, after], i): Pair => {
    const needed = (cells[i]! - 1) * stride[i]! + kernel[i]! - before - spatial[i]!;
    return [before, Math.max(after, needed)];
  });
  const planes = x.reshape([x.shape[0]! * x.shape[1]!, 1, ...spatial]);
  const ones = new Tensor(x.backend.full([1, 1, ...kernel], 1, x.dtype), x.backend);
  const sums = convolve(planes, ones, { stride, dilation, padding: room, groups: 1 });
  return sums.reshape([x.shape[0]!, x.shape[1]!, ...sums.shape.slice(2)]);
}

/**
 * The mean of each window of x [N, C, L]: [N, C, L']. Padding counts in the divisor, except with "same"; what `ceilMode`
 * adds never counts.
 * @throws ShapeError when a window does not fit, DTypeError when x is not floating.
 * @differentiable
 */
export function avgPool1d(x: Tensor, kernelSize: PerAxis, options?: AvgPoolOptions): Tensor {
  return avgPool("avgPool1d", 1, x, kernelSize, options);
}

/**
 * The mean of each window of x [N, C, H, W], as `avgPool1d`.
 * @throws ShapeError when a window does not fit, DTypeError when x is not floating.
 * @differentiable
 */
export function avgPool2d(x: Tensor, kernelSize: PerAxis, options?: AvgPoolOptions): Tensor {
  return avgPool("avgPool2d", 2, x, kernelSize, options);
}

/**
 * The mean of each window of x [N, C, D, H, W], as `avgPool1d`.
 * @throws ShapeError when a window does not fit, DTypeError when x is not floating.
 * @differentiable
 */
export function avgPool3d(x: Tensor, kernelSize: PerAxis, options?: AvgPoolOptions): Tensor {
  return avgPool("avgPool3d", 3, x, kernelSize, options);
}

/** Cell i of m covers floor(i n / m) … ceil((i + 1) n / m). */
function adaptiveWindows(operation: string, spatial: Shape, size: PerAxis): WindowAxis[] {
  if (spatial.includes(0))
    throw new ShapeError(`${operation}: the spatial extents ${formatShape(spatial)} hold nothing to pool.`);
  return perAxis(operation, "size", size, spatial.length).map((cells, i) => {
    const extent = spatial[i]!;
    const start = Array.from({ length: cells }, (_, cell) => Math.floor((cell * extent) / cells));
    const count = start.map((first, cell) => Math.ceil(((cell + 1) * extent) / cells) - first);
    return { start, count, step: 1 };
  });
}

/** @differentiable */
function adaptiveMaxPool(
  operation: string,
  axes: number,
  input: Tensor,
  size: PerAxis,
  options: AdaptivePoolOptions | undefined,
): Tensor {
  requireSpatial(operation, input, axes);
  const last = isChannelsLast(operation, options?.layout);
  const x = last ? input.moveAxis(-1, 1) : input;
  const windows = adaptiveWindows(operation, x.shape.slice(2), size);
  const pooled = takeFromPlanes(x, argmaxOf(x, windows));
  return last ? pooled.moveAxis(1, -1) : pooled;
}

/** @differentiable */
function adaptiveAvgPool(
  operation: string,
  axes: number,
  input: Tensor,
  size: PerAxis,
  options: AdaptivePoolOptions | undefined,
): Tensor {
  requireSpatial(operation, input, axes);
  const last = isChannelsLast(operation, options?.layout);
  let result = last ? input.moveAxis(-1, 1) : input;
  const windows = adaptiveWindows(operation, result.shape.slice(2), size);
  for (let axis = 0; axis < axes; axis++) result = meansAlong(result, axis + 2, windows[axis]!);
  return last ? result.moveAxis(1, -1) : result;
}

/** The mean of each cell along one axis: the cell's elements side by side, zeros where it has fewer than the longest. */
function meansAlong(x: Tensor, axis: number, window: WindowAxis): Tensor {
  const longest = Math.max(...window.count);
  const cells = window.start.length;
  const positions = window.start.flatMap((first, cell) =>
    Array.from({ length: longest }, (_, i) => first + Math.min(i, window.count[cell]! - 1)),
  );
  const indices = tensorOn(x.backend, positions, { shape: [cells, longest], dtype: "int32" });
  const trailing = new Array<number>(x.rank - axis - 1).fill(1);
  const inside = window.count.flatMap((count) => Array.from({ length: longest }, (_, i) => i < count));
  const mask = tensorOn(x.backend, inside, { shape: [cells, longest, ...trailing] });
  const divisors = tensorOn(x.backend, [...window.count], { shape: [cells, ...trailing], dtype: x.dtype });
  return where(mask, x.gather(indices, axis), 0)
    .sum(axis + 1)
    .div(divisors);
}

/**
 * The maximum of each of `size` equal parts of x [N, C, L]: [N, C, size]; cell i covers floor(i L / size) to
 * ceil((i + 1) L / size).
 * @throws ShapeError when the input is empty, DTypeError when it is not floating.
 * @differentiable
 */
export function adaptiveMaxPool1d(x: Tensor, size: PerAxis, options?: AdaptivePoolOptions): Tensor {
  return adaptiveMaxPool("adaptiveMaxPool1d", 1, x, size, options);
}

/**
 * The maximum of each of `size` parts per axis of x [N, C, H, W], as `adaptiveMaxPool1d`.
 * @throws ShapeError when the input is empty, DTypeError when it is not floating.
 * @differentiable
 */
export function adaptiveMaxPool2d(x: Tensor, size: PerAxis, options?: AdaptivePoolOptions): Tensor {
  return adaptiveMaxPool("adaptiveMaxPool2d", 2, x, size, options);
}

/**
 * The maximum of each of `size` parts per axis of x [N, C, D, H, W], as `adaptiveMaxPool1d`.
 * @throws ShapeError when the input is empty, DTypeError when it is not floating.
 * @differentiable
 */
export function adaptiveMaxPool3d(x: Tensor, size: PerAxis, options?: AdaptivePoolOptions): Tensor {
  return adaptiveMaxPool("adaptiveMaxPool3d", 3, x, size, options);
}

/**
 * The mean of each of `size` equal parts of x [N, C, L], cells as in `adaptiveMaxPool1d`; size 1 is global pooling.
 * @throws ShapeError when the input is empty, DTypeError when it is not floating.
 * @differentiable
 */
export function adaptiveAvgPool1d(x: Tensor, size: PerAxis, options?: AdaptivePoolOptions): Tensor {
  return adaptiveAvgPool("adaptiveAvgPool1d", 1, x, size, options);
}

/**
 * The mean of each of `size` parts per axis of x [N, C, H, W], as `adaptiveAvgPool1d`.
 * @throws ShapeError when the input is empty, DTypeError when it is not floating.
 * @differentiable
 */
export function adaptiveAvgPool2d(x: Tensor, size: PerAxis, options?: AdaptivePoolOptions): Tensor {
  return adaptiveAvgPool("adaptiveAvgPool2d", 2, x, size, options);
}

/**
 * The mean of each of `size` parts per axis of x [N, C, D, H, W], as `adaptiveAvgPool1d`.
 * @throws ShapeError when the input is empty, DTypeError when it is not floating.
 * @differentiable
 */
export function adaptiveAvgPool3d(x: Tensor, size: PerAxis, options?: AdaptivePoolOptions): Tensor {
  return adaptiveAvgPool("adaptiveAvgPool3d", 3, x, size, options);
}

/**
 * Cells that begin at ceil(alpha (i + u)) - ceil(alpha u) with alpha = extent / cells and one random u in [0, 1) for the
 * axis, each up to where the next begins. Graham 2014, "Fractional Max-Pooling", section 2 (pseudo-random sequences).
 */
function fractionalWindow(extent: number, cells: number, u: number): WindowAxis {
  const alpha = extent / cells;
  const edge = (i: number): number => (i === cells ? extent : Math.ceil(alpha * (i + u)) - Math.ceil(alpha * u));
  const start = Array.from({ length: cells }, (_, i) => Math.min(edge(i), extent - 1));
  return { start, count: start.map((first, i) => Math.max(1, Math.min(edge(i + 1), extent) - first)), step: 1 };
}

/**
 * The maximum of each of `outputSize` cells of random, nearly equal size of x [N, C, H, W] (Graham 2014).
 * @throws ShapeError when there are more cells than elements, DTypeError when x is not floating.
 * @differentiable
 */
export function fractionalMaxPool2d(x: Tensor, outputSize: PerAxis, options?: FractionalPoolOptions): Tensor {
  requireSpatial("fractionalMaxPool2d", x, 2);
  const last = isChannelsLast("fractionalMaxPool2d", options?.layout);
  const first = last ? x.moveAxis(-1, 1) : x;
  const windows = fractionalWindows(first.shape.slice(2), outputSize, options?.key);
  const pooled = takeFromPlanes(first, argmaxOf(first, windows));
  return last ? pooled.moveAxis(1, -1) : pooled;
}

function fractionalWindows(spatial: Shape, outputSize: PerAxis, key: RandomKey | undefined): WindowAxis[] {
  const cells = perAxis("fractionalMaxPool2d", "outputSize", outputSize, spatial.length);
  const starts = rand([spatial.length], { key }).dataSync();
  return cells.map((count, i) => {
    if (count > spatial[i]!)
      throw new ShapeError(`fractionalMaxPool2d: ${count} cells on an axis of extent ${spatial[i]}.`);
    return fractionalWindow(spatial[i]!, count, starts[i]!);
  });
}
