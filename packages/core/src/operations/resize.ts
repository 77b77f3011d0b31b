/** Resampling of images along both axes: a matrix of weights per axis. */
import type { NoDerivative } from "@pullback/autodiff";
import { ShapeError } from "../errors.ts";
import { formatShape } from "../shape.ts";
import { tensorOn } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isChannelsLast, perAxis, requireSpatial, type SpatialLayout } from "./windows.ts";

export type ResizeMode =
  | "nearest"
  | "bilinear"
  | "bicubic"
  | "lanczos3"
  | "lanczos5"
  | "gaussian"
  | "mitchell"
  | "area";

export interface ResizeOptions {
  readonly mode?: ResizeMode;
  /** Whether the centres of the corner elements of input and output coincide, instead of their outer edges. */
  readonly alignCorners?: boolean;
  /** Whether the kernel widens when shrinking, so that every input element counts. */
  readonly antialias?: boolean;
  readonly layout?: SpatialLayout;
}

/** A resampling kernel: its weight at a distance in input elements, and the distance from which on it is 0. */
interface Kernel {
  readonly radius: number;
  readonly weight: (distance: number) => number;
}

/** Keys 1981, "Cubic convolution interpolation", eq. 4, with parameter a. */
function cubic(a: number): Kernel {
  return {
    radius: 2,
    weight: (distance) => {
      const d = Math.abs(distance);
      if (d >= 2) return 0;
      return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((d - 5) * d + 8) * d * a - 4 * a;
    },
  };
}

/** Duchon 1979: a sinc windowed by a wider sinc. */
function lanczos(radius: number): Kernel {
  const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
  return { radius, weight: (d) => (Math.abs(d) < radius ? sinc(d) * sinc(d / radius) : 0) };
}

/** Mitchell and Netravali 1988, B = C = 1/3. */
const mitchell: Kernel = {
  radius: 2,
  weight: (distance) => {
    const d = Math.abs(distance);
    if (d >= 2) return 0;
    return d < 1 ? ((21 * d - 36) * d * d + 16) / 18 : (((-7 * d + 36) * d - 60) * d + 32) / 18;
  },
};

function kernelOf(mode: ResizeMode, antialias: boolean): Kernel {
  switch (mode) {
    case "bilinear":
      return { radius: 1, weight: (d) => Math.max(0, 1 - Math.abs(d)) };
    case "bicubic":
      return cubic(antialias ? -0.5 : -0.75);
    case "lanczos3":
      return lanczos(3);
    case "lanczos5":
      return lanczos(5);
    case "gaussian":
      // TensorFlow's: a standard deviation of half an element, cut at three of them.
      return { radius: 1.5, weight: (d) => (Math.abs(d) < 1.5 ? Math.exp(-2 * d * d) : 0) };
    case "mitchell":
      return mitchell;
    default:
      throw new ShapeError(
        `resize: the mode "${mode as string}" is none of nearest, bilinear, bicubic, lanczos3, lanczos5, gaussian, ` +
          "mitchell, area.",
      );
  }
}

/** Weights [to, from] of one axis. */
function weightsOf(
  from: number,
  to: number,
  mode: ResizeMode,
  alignCorners: boolean,
  antialias: boolean,
): Float64Array {
  const weights = new Float64Array(to * from);
  const scale = alignCorners ? (to > 1 ? (from - 1) / (to - 1) : 0) : from / to;
  if (mode === "nearest") {
    for (let i = 0; i < to; i++) weights[i * from + Math.min(Math.floor((i * from) / to), from - 1)] = 1;
    return weights;
  }
  if (mode === "area") {
    // The mean over the interval that an output element covers.
    for (let i = 0; i < to; i++) {
      const [low, high] = [(i * from) / to, ((i + 1) * from) / to];
      for (let j = Math.floor(low); j < Math.min(Math.ceil(high), from); j++)
        weights[i * from + j] = (Math.min(j + 1, high) - Math.max(j, low)) / (high - low);
    }
    return weights;
  }
  const kernel = kernelOf(mode, antialias);
  const stretch = antialias ? Math.max(scale, 1) : 1;
  for (let i = 0; i < to; i++) {
    const centre = alignCorners ? i * scale : (i + 0.5) * scale - 0.5;
    const row = weights.subarray(i * from, (i + 1) * from);
    if (antialias) spreadNormalized(row, centre, kernel, stretch);
    else spreadClamped(row, centre, kernel);
  }
  return weights;
}

/** Elements beyond the ends count as the end elements. */
function spreadClamped(row: Float64Array, centre: number, kernel: Kernel): void {
  let total = 0;
  const first = Math.ceil(centre - kernel.radius);
  const last = Math.floor(centre + kernel.radius);
  for (let j = first; j <= last; j++) total += kernel.weight(j - centre);
  for (let j = first; j <= last; j++)
    row[Math.min(Math.max(j, 0), row.length - 1)]! += kernel.weight(j - centre) / total;
}

/** Elements beyond the ends do not count, and the rest is scaled to a sum of 1. */
function spreadNormalized(row: Float64Array, centre: number, kernel: Kernel, stretch: number): void {
  let total = 0;
  for (let j = 0; j < row.length; j++) {
    row[j] = kernel.weight((j - centre) / stretch);
    total += row[j]!;
  }
  for (let j = 0; j < row.length; j++) row[j]! /= total;
}

/** The weights of an axis as a matrix in the dtype that x is computed in. */
function weightMatrix(
  x: Tensor,
  axis: number,
  to: number,
  mode: ResizeMode,
  alignCorners: boolean,
  antialias: boolean,
): Tensor {
  const from = x.shape[axis]!;
  const weights = weightsOf(from, to, mode, alignCorners, antialias);
  return tensorOn(x.backend, weights, { shape: [to, from], dtype: x.dtype === "float64" ? "float64" : "float32" });
}

/**
 * x [N, C, H, W] resampled to [N, C, height, width] (or [N, H, W, C] with layout "channelsLast"), half-pixel centres
 * unless `alignCorners`. "nearest" takes floor(i · from / to); "bicubic" has a = -0.75, and -0.5 with `antialias` (Keys
 * 1981); "area" is the mean over what an output element covers. Without `antialias` edge elements repeat outwards.
 * Differentiable in x.
 * @throws ShapeError when the input is empty or the size is not positive, DTypeError when x is not floating.
 * @differentiable
 */
export function resize(
  x: Tensor,
  size: NoDerivative<readonly [height: number, width: number]>,
  options?: ResizeOptions,
): Tensor {
  requireSpatial("resize", x, 2);
  const last = isChannelsLast("resize", options?.layout);
  const first = last ? x.moveAxis(-1, 1) : x;
  if (first.shape[2] === 0 || first.shape[3] === 0)
    throw new ShapeError(`resize: an image of shape ${formatShape(x.shape)} has nothing to resample.`);
  const [height, width] = perAxis("resize", "size", size, 2);
  const mode = options?.mode ?? "bilinear";
  const corners = options?.alignCorners ?? false;
  const antialias = options?.antialias ?? false;
  const rows = weightMatrix(first, 2, height!, mode, corners, antialias);
  const columns = weightMatrix(first, 3, width!, mode, corners, antialias);
  const resampled = rows.matmul(first.matmul(columns, { transposeB: true })).cast(x.dtype);
  return last ? resampled.moveAxis(1, -1) : resampled;
}
