/** Convolutions (cross-correlations, as everywhere in neural networks) and transposed convolutions. */
import type { Int } from "@pullback/autodiff";
import type { Backend, NDArray, Sliding } from "../backend/index.ts";
import { promote } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import { formatShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo, requireSameBackend } from "./operand.ts";
import {
  isChannelsLast,
  type Padding,
  type PerAxis,
  paddingOf,
  perAxis,
  requireCells,
  requireSpatial,
  type SpatialLayout,
} from "./windows.ts";

export interface ConvolutionOptions {
  readonly stride?: PerAxis;
  readonly padding?: Padding;
  readonly dilation?: PerAxis;
  /** Channels are split into this many groups, each convolved by itself; `groups = channels` is depthwise. */
  readonly groups?: Int;
  readonly layout?: SpatialLayout;
}

export interface TransposedConvolutionOptions {
  readonly stride?: PerAxis;
  readonly padding?: PerAxis;
  /** Extra extent at the end of each axis, which the strided convolution that this reverses does not see. */
  readonly outputPadding?: PerAxis;
  readonly dilation?: PerAxis;
  readonly groups?: Int;
  readonly layout?: SpatialLayout;
}

/** Both in one dtype that the backend convolves, run, and the result in the dtype that both promote to. */
function inWide(a: Tensor, b: Tensor, run: (backend: Backend, a: NDArray, b: NDArray) => NDArray): Tensor {
  const backend = requireSameBackend("convolution", a, b);
  const dtype = promote(a.dtype, b.dtype);
  const wide = dtype === "float64" ? "float64" : "float32";
  return castTo(new Tensor(run(backend, castTo(a, wide).array, castTo(b, wide).array), backend), dtype);
}

/** The convolution primitive on [N, C, …] and [O, C / groups, …]. Bilinear. */
export function convolve(x: Tensor, weight: Tensor, sliding: Sliding): Tensor {
  return inWide(x, weight, (backend, a, b) => backend.convolve(a, b, sliding));
}

/** The adjoint of `convolve` for x: from [N, O, …] to [N, C, …spatial]. Bilinear. */
export function convolveInputAdjoint(ct: Tensor, weight: Tensor, sliding: Sliding, spatial: Shape): Tensor {
  return inWide(ct, weight, (backend, a, b) => backend.convolveInputAdjoint(a, b, sliding, spatial));
}

/** The adjoint of `convolve` for the weight: from [N, C, …] and [N, O, …] to [O, C / groups, …kernel]. Bilinear. */
export function convolveWeightAdjoint(x: Tensor, ct: Tensor, sliding: Sliding, kernel: Shape): Tensor {
  return inWide(x, ct, (backend, a, b) => backend.convolveWeightAdjoint(a, b, sliding, kernel));
}

function requireWeight(operation: string, x: Tensor, weight: Tensor, channels: number, expected: number): void {
  requireSpatial(operation, weight, x.rank - 2);
  if (channels !== expected)
    throw new ShapeError(
      `${operation}: the input ${formatShape(x.shape)} and the weight ${formatShape(weight.shape)} do not fit: ` +
        `the input has ${channels} channels, the weight and the groups say ${expected}.`,
    );
}

function requireGroups(operation: string, groups: number, channels: number): void {
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ShapeError(`${operation}: ${channels} channels do not divide into ${groups} groups.`);
}

function requireBias(operation: string, bias: Tensor | undefined, channels: number): void {
  if (bias !== undefined && (bias.rank !== 1 || bias.shape[0] !== channels))
    throw new ShapeError(`${operation}: the bias has shape ${formatShape(bias.shape)}, not [${channels}].`);
}

function slidingOf(
  operation: string,
  spatial: Shape,
  kernel: Shape,
  options: ConvolutionOptions | undefined,
  groups: number,
): Sliding {
  const axes = spatial.length;
  const stride = perAxis(operation, "stride", options?.stride ?? 1, axes);
  const dilation = perAxis(operation, "dilation", options?.dilation ?? 1, axes);
  const padding = paddingOf(operation, options?.padding ?? 0, spatial, kernel, stride, dilation);
  const spans = kernel.map((extent, i) => dilation[i]! * (extent - 1) + 1);
  requireCells(operation, spatial, padding, spans);
  return { stride, dilation, padding, groups };
}

/** [channels] laid out to be added to [N, C, …]. */
function spreadBias(bias: Tensor, axes: number): Tensor {
  return bias.reshape([bias.shape[0]!, ...new Array<number>(axes).fill(1)]);
}

/** @differentiable */
function convolution(
  operation: string,
  axes: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: ConvolutionOptions | undefined,
): Tensor {
  requireSpatial(operation, input, axes);
  const last = isChannelsLast(operation, options?.layout);
  const x = last ? input.moveAxis(-1, 1) : input;
  const groups = options?.groups ?? 1;
  const outputs = weight.shape[0]!;
  requireGroups(operation, groups, outputs);
  requireWeight(operation, input, weight, x.shape[1]!, weight.shape[1]! * groups);
  requireBias(operation, bias, outputs);
  const sliding = slidingOf(operation, x.shape.slice(2), weight.shape.slice(2), options, groups);
  const product = convolve(x, weight, sliding);
  const shifted = bias === undefined ? product : product.add(spreadBias(bias, axes));
  return last ? shifted.moveAxis(1, -1) : shifted;
}

/**
 * Convolution of x [N, C, L] with weight [O, C / groups, K] and bias [O]: [N, O, L'] with
 * L' = floor((L + padding - dilation (K - 1) - 1) / stride) + 1. Differentiable in x, weight and bias.
 * @throws ShapeError when channels, groups or extents do not fit; DTypeError when x or weight is not floating.
 * @differentiable
 */
export function conv1d(x: Tensor, weight: Tensor, bias?: Tensor, options?: ConvolutionOptions): Tensor {
  return convolution("conv1d", 1, x, weight, bias, options);
}

/**
 * Convolution of x [N, C, H, W] with weight [O, C / groups, kh, kw] and bias [O], as `conv1d`.
 * @throws ShapeError when channels, groups or extents do not fit; DTypeError when x or weight is not floating.
 * @differentiable
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor, options?: ConvolutionOptions): Tensor {
  return convolution("conv2d", 2, x, weight, bias, options);
}

/**
 * Convolution of x [N, C, D, H, W] with weight [O, C / groups, kd, kh, kw] and bias [O], as `conv1d`.
 * @throws ShapeError when channels, groups or extents do not fit; DTypeError when x or weight is not floating.
 * @differentiable
 */
export function conv3d(x: Tensor, weight: Tensor, bias?: Tensor, options?: ConvolutionOptions): Tensor {
  return convolution("conv3d", 3, x, weight, bias, options);
}

/** The spatial extents of a transposed convolution's result and the convolution that it is the adjoint of. */
function transposedSliding(
  operation: string,
  spatial: Shape,
  kernel: Shape,
  options: TransposedConvolutionOptions | undefined,
  groups: number,
): { sliding: Sliding; extents: number[] } {
  const axes = spatial.length;
  const stride = perAxis(operation, "stride", options?.stride ?? 1, axes);
  const dilation = perAxis(operation, "dilation", options?.dilation ?? 1, axes);
  const padding = perAxis(operation, "padding", options?.padding ?? 0, axes, 0);
  const extra = perAxis(operation, "outputPadding", options?.outputPadding ?? 0, axes, 0);
  extra.forEach((by, i) => {
    if (by >= Math.max(stride[i]!, dilation[i]!))
      throw new ShapeError(
        `${operation}: outputPadding ${by} must be smaller than the stride ${stride[i]} or the dilation ${dilation[i]}.`,
      );
  });
  const extents = spatial.map(
    (extent, i) => (extent - 1) * stride[i]! - 2 * padding[i]! + dilation[i]! * (kernel[i]! - 1) + extra[i]! + 1,
  );
  if (extents.some((extent) => extent < 0) || spatial.includes(0))
    throw new ShapeError(
      `${operation}: an input of spatial extents ${formatShape(spatial)} gives an output of ${formatShape(extents)}.`,
    );
  return {
    // What outputPadding adds at the end must not let the convolution see a further window.
    sliding: { stride, dilation, padding: padding.map((side, i) => [side, side - extra[i]!] as const), groups },
    extents,
  };
}

/** @differentiable */
function transposedConvolution(
  operation: string,
  axes: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: TransposedConvolutionOptions | undefined,
): Tensor {
  requireSpatial(operation, input, axes);
  const last = isChannelsLast(operation, options?.layout);
  const x = last ? input.moveAxis(-1, 1) : input;
  const groups = options?.groups ?? 1;
  requireGroups(operation, groups, weight.shape[0]!);
  requireWeight(operation, input, weight, x.shape[1]!, weight.shape[0]!);
  requireBias(operation, bias, weight.shape[1]! * groups);
  const { sliding, extents } = transposedSliding(operation, x.shape.slice(2), weight.shape.slice(2), options, groups);
  const product = convolveInputAdjoint(x, weight, sliding, extents);
  const shifted = bias === undefined ? product : product.add(spreadBias(bias, axes));
  return last ? shifted.moveAxis(1, -1) : shifted;
}

/**
 * Transposed convolution (the adjoint of a convolution) of x [N, C, L] with weight [C, O / groups, K] and bias [O]:
 * [N, O, (L - 1) stride - 2 padding + dilation (K - 1) + outputPadding + 1]. Differentiable in x, weight and bias.
 * @throws ShapeError when channels, groups or extents do not fit; DTypeError when x or weight is not floating.
 * @differentiable
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options?: TransposedConvolutionOptions,
): Tensor {
  return transposedConvolution("convTranspose1d", 1, x, weight, bias, options);
}

/**
 * Transposed convolution of x [N, C, H, W] with weight [C, O / groups, kh, kw] and bias [O], as `convTranspose1d`.
 * @throws ShapeError when channels, groups or extents do not fit; DTypeError when x or weight is not floating.
 * @differentiable
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options?: TransposedConvolutionOptions,
): Tensor {
  return transposedConvolution("convTranspose2d", 2, x, weight, bias, options);
}

/**
 * Transposed convolution of x [N, C, D, H, W] with weight [C, O / groups, kd, kh, kw] and bias [O].
 * @throws ShapeError when channels, groups or extents do not fit; DTypeError when x or weight is not floating.
 * @differentiable
 */
export function convTranspose3d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options?: TransposedConvolutionOptions,
): Tensor {
  return transposedConvolution("convTranspose3d", 3, x, weight, bias, options);
}
