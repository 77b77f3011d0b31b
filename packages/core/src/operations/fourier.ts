/** Discrete Fourier transforms of any length along one axis. */
import type { Int } from "@pullback/autodiff";
import { isFloating, promote } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { formatShape, normalizeAxis, sameShape } from "../shape.ts";
import { zerosLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import { concatenate } from "./joining.ts";
import { castTo, requireSameBackend } from "./operand.ts";

/** Complex numbers as two real tensors of one shape: there is no complex dtype. */
export interface Complex {
  readonly real: Tensor;
  readonly imag: Tensor;
}

export interface FourierOptions {
  /** Length of the transform: the input is cut or filled with zeros. Default: its extent. */
  readonly n?: Int;
  readonly axis?: Int;
  /** Where the factor stands: 1/n on the inverse ("backward"), on the forward transform, or 1/√n on both. */
  readonly norm?: "backward" | "ortho" | "forward";
}

/** Σ_t x[t] exp(sign 2π i k t / n) along the last axis, unscaled. Differentiable in both parts. */
export function transform(real: Tensor, imag: Tensor, sign: 1 | -1): Complex {
  const backend = requireSameBackend("fft", real, imag);
  const dtype = promote(real.dtype, imag.dtype);
  const wide = dtype === "float64" ? "float64" : "float32";
  const result = backend.fourier(castTo(real, wide).array, castTo(imag, wide).array, sign);
  return {
    real: castTo(new Tensor(result.real, backend), dtype),
    imag: castTo(new Tensor(result.imag, backend), dtype),
  };
}

function requireSignal(operation: string, x: Tensor): void {
  if (!isFloating(x.dtype))
    throw new DTypeError(`${operation}: needs a floating tensor, but got ${x.dtype}.`, {
      hint: 'Write x.cast("float32").',
    });
  if (x.rank === 0) throw new ShapeError(`${operation}: a tensor of rank 0 has no axis to transform.`);
}

function requireParts(operation: string, real: Tensor, imag: Tensor): void {
  requireSignal(operation, real);
  requireSignal(operation, imag);
  if (!sameShape(real.shape, imag.shape))
    throw new ShapeError(
      `${operation}: the real part has shape ${formatShape(real.shape)}, the imaginary part ${formatShape(imag.shape)}.`,
    );
}

function requireLength(operation: string, n: number): void {
  if (!Number.isInteger(n) || n < 1)
    throw new ShapeError(`${operation}: the length ${n} must be a whole number, 1 or more.`);
}

/** The factor of a transform of length n: `scaled` names the norm that puts the whole 1/n on this direction. */
function factorOf(operation: string, n: number, norm: FourierOptions["norm"], scaled: "backward" | "forward"): number {
  if (norm === "ortho") return 1 / Math.sqrt(n);
  if (norm !== undefined && norm !== "backward" && norm !== "forward")
    throw new ShapeError(`${operation}: the norm "${norm as string}" must be "backward", "ortho" or "forward".`);
  return (norm ?? "backward") === scaled ? 1 / n : 1;
}

/** x with the axis last, cut or filled with zeros to n. */
function prepared(x: Tensor, axis: number, n: number): Tensor {
  const last = x.moveAxis(axis, -1);
  const extent = last.shape[last.rank - 1]!;
  if (extent === n) return last;
  if (extent > n) return last.slice("...", [0, n]);
  const widths = last.shape.map((_, i): [number, number] => [0, i === last.rank - 1 ? n - extent : 0]);
  return last.pad(widths);
}

/** @differentiable */
function complexTransform(
  operation: string,
  real: Tensor,
  imag: Tensor | undefined,
  sign: 1 | -1,
  options: FourierOptions | undefined,
): Complex {
  if (imag === undefined) requireSignal(operation, real);
  else requireParts(operation, real, imag);
  const axis = normalizeAxis(operation, options?.axis ?? -1, real.rank);
  const n = options?.n ?? real.shape[axis]!;
  requireLength(operation, n);
  const factor = factorOf(operation, n, options?.norm, sign === 1 ? "backward" : "forward");
  const re = prepared(real, axis, n);
  const im = imag === undefined ? zerosLike(re) : prepared(imag, axis, n);
  const result = transform(re, im, sign);
  return { real: result.real.mul(factor).moveAxis(-1, axis), imag: result.imag.mul(factor).moveAxis(-1, axis) };
}

/**
 * The discrete Fourier transform of a real or complex signal along one axis. Differentiable in the real and the imaginary
 * part as separate real tensors.
 * @throws ShapeError when the parts differ in shape or n is not positive, AxisError, DTypeError when x is not floating.
 * @differentiable
 */
export function fft(x: Tensor | Complex, options?: FourierOptions): Complex {
  if (x instanceof Tensor) return complexTransform("fft", x, undefined, -1, options);
  return complexTransform("fft", x.real, x.imag, -1, options);
}

/**
 * The inverse of `fft`.
 * @throws ShapeError when the parts differ in shape or n is not positive, AxisError, DTypeError when x is not floating.
 * @differentiable
 */
export function ifft(x: Tensor | Complex, options?: FourierOptions): Complex {
  if (x instanceof Tensor) return complexTransform("ifft", x, undefined, 1, options);
  return complexTransform("ifft", x.real, x.imag, 1, options);
}

function firstBins(x: Tensor, axis: Int, bins: Int): Tensor {
  return x.moveAxis(axis, -1).slice("...", [0, bins]).moveAxis(-1, axis);
}

/**
 * The first floor(n / 2) + 1 bins of `fft` of a real signal; the others are their conjugates.
 * @throws ShapeError when n is not positive, AxisError, DTypeError when x is not floating.
 * @differentiable
 */
export function rfft(x: Tensor, options?: FourierOptions): Complex {
  requireSignal("rfft", x);
  const axis = normalizeAxis("rfft", options?.axis ?? -1, x.rank);
  const whole = complexTransform("rfft", x, undefined, -1, options);
  const bins = Math.floor((options?.n ?? x.shape[axis]!) / 2) + 1;
  return { real: firstBins(whole.real, axis, bins), imag: firstBins(whole.imag, axis, bins) };
}

/**
 * The real signal of length n (default 2 (bins - 1)) whose first bins these are: the inverse of `rfft`. The imaginary parts
 * of bin 0 and of the Nyquist bin are ignored.
 * @throws ShapeError when the parts differ in shape or n is not positive, AxisError, DTypeError when x is not floating.
 * @differentiable
 */
export function irfft(x: Complex, options?: FourierOptions): Tensor {
  requireParts("irfft", x.real, x.imag);
  const axis = normalizeAxis("irfft", options?.axis ?? -1, x.real.rank);
  const n = options?.n ?? 2 * (x.real.shape[axis]! - 1);
  requireLength("irfft", n);
  const factor = factorOf("irfft", n, options?.norm, "backward");
  const bins = Math.floor(n / 2) + 1;
  const re = prepared(x.real, axis, bins);
  const im = prepared(x.imag, axis, bins);
  // The bins with conjugates of their own: all but bin 0 and, for even n, the Nyquist bin.
  const paired = n - bins;
  const ahead = re.slice("...", [1, 1 + paired]);
  const conjugate = im.slice("...", [1, 1 + paired]);
  const alone = re.shape.map((extent, i) => (i === re.rank - 1 ? 1 : extent));
  const silent = zerosLike(re.slice("...", [0, 1])).reshape(alone);
  const middle = n % 2 === 0 ? [conjugate, silent] : [conjugate];
  const real = concatenate([re, ahead.flip(-1)], -1);
  const imag = concatenate([silent, ...middle, conjugate.flip(-1).neg()], -1);
  return transform(real, imag, 1).real.mul(factor).moveAxis(-1, axis);
}
