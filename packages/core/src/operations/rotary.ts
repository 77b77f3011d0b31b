/** Rotary position embedding. */

import { isFloating } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { broadcastShapes, formatShape, sameShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo, commonBackend } from "./operand.ts";

export interface RotaryOptions {
  readonly base?: number;
  readonly scalingFactor?: number;
}

/** Cosines and sines of the angles, [..., sequence, headDim / 2], in x's dtype. */
export interface RotaryAngles {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/**
 * Angles position / scalingFactor * base^(-2i / headDim), computed in float32 (float64 when x is float64), as the
 * published models compute them: at positions of 10^5 the rounding is part of the model.
 */
export function rotaryAngles(x: Tensor, positions: Tensor, options?: RotaryOptions): RotaryAngles {
  const half = x.shape[x.rank - 1]! / 2;
  const base = options?.base ?? 10000;
  const factor = options?.scalingFactor ?? 1;
  const dtype = x.dtype === "float64" ? "float64" : "float32";
  const frequencies = Float64Array.from({ length: half }, (_, i) => base ** (-i / half) / factor);
  const host = dtype === "float64" ? frequencies : Float32Array.from(frequencies);
  const row = new Tensor(x.backend.fromHost(host, dtype, [half]), x.backend);
  const angles = castTo(positions, dtype).expandDims(-1).mul(row);
  return { cos: castTo(angles.cos(), x.dtype), sin: castTo(angles.sin(), x.dtype) };
}

/** Turns the pairs (i, i + headDim / 2) by the angles; sign -1 turns back, which is the adjoint. Differentiable in x. */
export function rotate(x: Tensor, { cos, sin }: RotaryAngles, sign: 1 | -1): Tensor {
  const backend = commonBackend("rotaryEmbedding", [x, cos, sin]);
  if (cos.rank === 2) return new Tensor(backend.rotary(x.array, cos.array, sin.array, sign), backend);
  // Every leading index has angles of its own: [..., sequence, half] is one long sequence.
  const half = cos.shape[cos.rank - 1]!;
  const rows = x.shape.slice(0, -1);
  const spread = [...rows, half];
  const flat = [x.size / (2 * half), half];
  const turned = backend.rotary(
    x.reshape([flat[0]!, 2 * half]).array,
    cos.broadcastTo(spread).reshape(flat).array,
    sin.broadcastTo(spread).reshape(flat).array,
    sign,
  );
  return new Tensor(turned, backend).reshape(x.shape);
}

/** Checks shared by the operation and its derivative. */
export function requireRotary(x: Tensor, positions: Tensor): void {
  if (!isFloating(x.dtype)) throw new DTypeError(`rotaryEmbedding: needs a floating tensor, but got ${x.dtype}.`);
  if (x.rank < 2 || x.shape[x.rank - 1]! % 2 !== 0)
    throw new ShapeError(
      `rotaryEmbedding: x must be [..., sequence, headDim] with an even headDim, but its shape is ${formatShape(x.shape)}.`,
    );
  const rows = x.shape.slice(0, -1);
  if (!sameShape(broadcastShapes("rotaryEmbedding", positions.shape, rows), rows))
    throw new ShapeError(
      `rotaryEmbedding: positions ${formatShape(positions.shape)} do not broadcast to ${formatShape(rows)}.`,
    );
}

/**
 * Rotary embedding of x [..., sequence, headDim] at int32 positions that broadcast to x.shape without its last axis.
 * Half-split pairs (i, i + headDim / 2) turn by position / scalingFactor * base^(-2i / headDim).
 * Su et al. 2021, "RoFormer", eq. 34. Differentiable in x.
 * @throws ShapeError when headDim is odd or the positions do not broadcast.
 */
export function rotaryEmbedding(x: Tensor, positions: Tensor, options?: RotaryOptions): Tensor {
  requireRotary(x, positions);
  return rotate(x, rotaryAngles(x, alignPositions(x, positions), options), 1);
}

/** Positions as [sequence], or spelled out over the leading axes when those matter. */
export function alignPositions(x: Tensor, positions: Tensor): Tensor {
  const sequence = x.shape[x.rank - 2]!;
  if (positions.size === positions.shape[positions.rank - 1] && positions.size === sequence)
    return positions.reshape([sequence]);
  if (positions.size === 1) return positions.reshape([1]).broadcastTo([sequence]);
  return positions;
}
