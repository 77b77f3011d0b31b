/** Cumulative operations along an axis. */
import type { ScanOp } from "../backend/index.ts";
import { accumulatorOf, floatingOf } from "../dtype.ts";
import { normalizeAxis } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { alongScalar, castTo } from "./operand.ts";

export interface ScanOptions {
  /** Leaves each element itself out: the result starts with 0 (sum) or 1 (product). */
  readonly exclusive?: boolean;
  /** Runs from the end. */
  readonly reverse?: boolean;
}

function compute(op: ScanOp, x: Tensor, axis: number, options?: ScanOptions): Tensor {
  if (x.rank === 0) return alongScalar(x, (row) => compute(op, row, axis, options));
  const along = normalizeAxis(op, axis, x.rank);
  const result = x.backend.scan(op, x.array, along, options?.exclusive ?? false, options?.reverse ?? false);
  return new Tensor(result, x.backend);
}

export function cumsum(x: Tensor, axis: number, options?: ScanOptions): Tensor {
  return compute("cumsum", castTo(x, accumulatorOf(x.dtype)), axis, options);
}

export function cumprod(x: Tensor, axis: number, options?: ScanOptions): Tensor {
  return compute("cumprod", castTo(x, accumulatorOf(x.dtype)), axis, options);
}

export function cummax(x: Tensor, axis: number): Tensor {
  return compute("cummax", x, axis);
}

export function cummin(x: Tensor, axis: number): Tensor {
  return compute("cummin", x, axis);
}

export function logCumSumExp(x: Tensor, axis: number): Tensor {
  return compute("logCumSumExp", castTo(x, floatingOf(x.dtype)), axis);
}
