/** Normalisations: of rows (layer, root mean square), of groups, instances and batches. */
import { isFloating } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import type { Axes, Shape } from "../shape.ts";
import { formatShape, normalizeAxes, normalizeAxis, sameShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { commonBackend, requireSameBackend } from "./operand.ts";

function requireFloating(operation: string, x: Tensor): void {
  if (!isFloating(x.dtype)) throw new DTypeError(`${operation}: needs a floating tensor, but got ${x.dtype}.`);
}

/** Throws ShapeError unless the parameter has the shape of the normalised axes. */
function requireParameter(operation: string, name: string, parameter: Tensor | undefined, shape: Shape): void {
  if (parameter !== undefined && !sameShape(parameter.shape, shape))
    throw new ShapeError(`${operation}: ${name} has shape ${formatShape(parameter.shape)}, not ${formatShape(shape)}.`);
}

function extentsOf(x: Tensor, axes: readonly number[]): number[] {
  return axes.map((axis) => x.shape[axis]!);
}

/** A parameter over `axes` laid out so that it broadcasts against x. */
export function spread(parameter: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  const shape: number[] = x.shape.map((extent, axis) => (axes.includes(axis) ? extent : 1));
  return parameter.reshape(shape);
}

/** Whether the backend's row kernels apply. */
export function isLastAxis(x: Tensor, axes: readonly number[]): boolean {
  return axes.length === 1 && axes[0] === x.rank - 1;
}

/** The axes that are not among `axes`. */
export function otherAxes(x: Tensor, axes: readonly number[]): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
}

export interface RmsNormOptions {
  readonly axes?: Axes;
  readonly epsilon?: number;
  readonly offset?: number;
}

/**
 * x * rsqrt(mean(x²) + epsilon) * (weight + offset) over `axes` (default: the last).
 * Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4; Gemma uses offset 1.
 * Differentiable in x and weight (the shape of the normalised axes).
 * @throws ShapeError when weight has another shape, DTypeError when x is not floating.
 */
export function rmsNorm(x: Tensor, weight?: Tensor, options?: RmsNormOptions): Tensor {
  requireFloating("rmsNorm", x);
  const epsilon = options?.epsilon ?? 1e-6;
  const offset = options?.offset ?? 0;
  const axes = normalizeAxes("rmsNorm", options?.axes ?? -1, x.rank);
  requireParameter("rmsNorm", "weight", weight, extentsOf(x, axes));
  if (isLastAxis(x, axes) && (weight === undefined || weight.dtype === x.dtype)) {
    const backend = weight === undefined ? x.backend : requireSameBackend("rmsNorm", x, weight);
    return new Tensor(backend.rmsNorm(x.array, weight?.array, epsilon, offset), backend);
  }
  const normalized = x.mul(x.square().mean(axes, true).add(epsilon).rsqrt());
  return weight === undefined ? normalized : normalized.mul(spread(weight, x, axes).add(offset));
}

export interface RmsNormCotangents {
  readonly x: Tensor;
  readonly weight: Tensor | undefined;
}

/** The cotangents of rmsNorm over the last axis, in one kernel. */
export function rmsNormAdjoint(
  x: Tensor,
  weight: Tensor | undefined,
  ct: Tensor,
  epsilon: number,
  offset: number,
): RmsNormCotangents {
  const backend = commonBackend("rmsNorm", weight === undefined ? [x, ct] : [x, ct, weight]);
  const adjoint = backend.rmsNormAdjoint(x.array, weight?.array, epsilon, offset, ct.array);
  return {
    x: new Tensor(adjoint.x, backend),
    weight: adjoint.weight === undefined ? undefined : new Tensor(adjoint.weight, backend),
  };
}

export interface LayerNormOptions {
  readonly axes?: Axes;
  readonly epsilon?: number;
}

/**
 * (x - mean) * rsqrt(variance + epsilon) * weight + bias over `axes` (default: the last).
 * Ba, Kiros and Hinton 2016, "Layer Normalization". Differentiable in x, weight and bias, which have the shape of the
 * normalised axes.
 * @throws ShapeError when a parameter has another shape, DTypeError when x is not floating.
 */
export function layerNorm(x: Tensor, weight?: Tensor, bias?: Tensor, options?: LayerNormOptions): Tensor {
  requireFloating("layerNorm", x);
  const axes = normalizeAxes("layerNorm", options?.axes ?? -1, x.rank);
  requireParameter("layerNorm", "weight", weight, extentsOf(x, axes));
  requireParameter("layerNorm", "bias", bias, extentsOf(x, axes));
  return standardize(x, weight, bias, axes, axes, options?.epsilon ?? 1e-5);
}

/** Normalises over `axes`; the parameters run over `parameterAxes`. */
function standardize(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  axes: readonly number[],
  parameterAxes: readonly number[],
  epsilon: number,
): Tensor {
  const centred = x.sub(x.mean(axes, true));
  const normalized = centred.mul(centred.square().mean(axes, true).add(epsilon).rsqrt());
  const scaled = weight === undefined ? normalized : normalized.mul(spread(weight, x, parameterAxes));
  return bias === undefined ? scaled : scaled.add(spread(bias, x, parameterAxes));
}

export interface ChannelOptions {
  /** The channel axis. */
  readonly axis?: number;
  readonly epsilon?: number;
}

/**
 * Batch normalisation with given statistics: (x - mean) * rsqrt(variance + epsilon) * weight + bias per channel.
 * Ioffe and Szegedy 2015. mean, variance, weight and bias are [channels]. Differentiable in all of them.
 * @throws ShapeError when one of them has another shape.
 * @differentiable
 */
export function batchNorm(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  options?: ChannelOptions,
): Tensor {
  const axis = normalizeAxis("batchNorm", options?.axis ?? 1, x.rank);
  const channels = [x.shape[axis]!];
  requireParameter("batchNorm", "mean", mean, channels);
  requireParameter("batchNorm", "variance", variance, channels);
  requireParameter("batchNorm", "weight", weight, channels);
  requireParameter("batchNorm", "bias", bias, channels);
  const scale = variance.add(options?.epsilon ?? 1e-5).rsqrt();
  // Differences of integers would wrap.
  const centred = (isFloating(x.dtype) ? x : x.cast(scale.dtype)).sub(spread(mean, x, [axis]));
  const normalized = centred.mul(spread(scale, x, [axis]));
  const scaled = weight === undefined ? normalized : normalized.mul(spread(weight, x, [axis]));
  return bias === undefined ? scaled : scaled.add(spread(bias, x, [axis]));
}

export interface BatchNormResult {
  readonly output: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** What the derivative of batch normalisation reads again: all of rank `x.rank`, with extents of 1 but for channels. */
export interface BatchNormTrace {
  readonly result: BatchNormResult;
  /** x minus the mean of its channel. */
  readonly centred: Tensor;
  /** rsqrt(variance + epsilon), and that times the weight. */
  readonly rootReciprocal: Tensor;
  readonly gain: Tensor;
  /** The axes of the statistics. */
  readonly others: readonly number[];
}

/** Batch normalisation and what its derivative needs. */
export function traceBatchNorm(
  x: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  options: ChannelOptions | undefined,
): BatchNormTrace {
  const axis = normalizeAxis("batchNormTraining", options?.axis ?? 1, x.rank);
  const channels = [x.shape[axis]!];
  requireParameter("batchNormTraining", "weight", weight, channels);
  requireParameter("batchNormTraining", "bias", bias, channels);
  const others = otherAxes(x, [axis]);
  const mean = x.mean(others, true);
  const centred = x.sub(mean);
  const isWide = x.dtype === "float32" || x.dtype === "float64";
  const variance = isWide ? centred.square().mean(others, true) : x.variance(others, true);
  const rootReciprocal = variance.add(options?.epsilon ?? 1e-5).rsqrt();
  const gain = weight === undefined ? rootReciprocal : rootReciprocal.mul(spread(weight, x, [axis]));
  const scaled = centred.mul(gain);
  const output = bias === undefined ? scaled : scaled.add(spread(bias, x, [axis]));
  const result = { output, mean: mean.reshape(channels), variance: variance.reshape(channels) };
  return { result, centred, rootReciprocal, gain, others };
}

/**
 * Batch normalisation with the batch's own statistics (biased variance), which it returns as [channels].
 * Ioffe and Szegedy 2015, algorithm 1. Differentiable in x, weight and bias, statistics included.
 * @throws ShapeError when a parameter is not [channels].
 */
export function batchNormTraining(
  x: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  options?: ChannelOptions,
): BatchNormResult {
  return traceBatchNorm(x, weight, bias, options).result;
}

/**
 * Normalises each of `groups` groups of channels of each example. Wu and He 2018, "Group Normalization".
 * weight and bias are [channels]. Differentiable in x, weight and bias.
 * @throws ShapeError when the channels do not divide into groups or a parameter is not [channels].
 * @differentiable
 */
export function groupNorm(x: Tensor, groups: number, weight?: Tensor, bias?: Tensor, options?: ChannelOptions): Tensor {
  const axis = normalizeAxis("groupNorm", options?.axis ?? 1, x.rank);
  const channels = x.shape[axis]!;
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ShapeError(`groupNorm: ${channels} channels do not divide into ${groups} groups.`);
  requireParameter("groupNorm", "weight", weight, [channels]);
  requireParameter("groupNorm", "bias", bias, [channels]);
  const split: number[] = [...x.shape.slice(0, axis), groups, channels / groups, ...x.shape.slice(axis + 1)];
  const axes = split.map((_, i) => i).filter((i) => i !== 0 && i !== axis);
  const grouped = x.reshape(split);
  const normalized = standardize(grouped, undefined, undefined, axes, [], options?.epsilon ?? 1e-5).reshape(x.shape);
  const scaled = weight === undefined ? normalized : normalized.mul(spread(weight, x, [axis]));
  return bias === undefined ? scaled : scaled.add(spread(bias, x, [axis]));
}

/**
 * Normalises each channel of each example. Ulyanov, Vedaldi and Lempitsky 2016, "Instance Normalization".
 * weight and bias are [channels]. Differentiable in x, weight and bias.
 * @throws ShapeError when a parameter is not [channels].
 * @differentiable
 */
export function instanceNorm(x: Tensor, weight?: Tensor, bias?: Tensor, options?: ChannelOptions): Tensor {
  const axis = normalizeAxis("instanceNorm", options?.axis ?? 1, x.rank);
  requireParameter("instanceNorm", "weight", weight, [x.shape[axis]!]);
  requireParameter("instanceNorm", "bias", bias, [x.shape[axis]!]);
  const axes = x.shape.map((_, i) => i).filter((i) => i !== 0 && i !== axis);
  return standardize(x, weight, bias, axes, [axis], options?.epsilon ?? 1e-5);
}
