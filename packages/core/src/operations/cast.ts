/** Changes of dtype and device. */
import { backendNamed, moveArray } from "../backend/index.ts";
import type { DType } from "../dtype.ts";
import { dtypes, isQuantised, quantisedBlocks, quantisedRowBytes } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo } from "./operand.ts";

export function cast(x: Tensor, dtype: DType): Tensor {
  if (isQuantised(dtype)) {
    if (x.rank === 0) throw new ShapeError(`cast: a scalar cannot be ${dtype}, whose blocks lie along the last axis.`);
    quantisedRowBytes(dtype, x.shape[x.rank - 1]!);
  } else if (!dtypes.includes(dtype)) {
    const known = [...dtypes, ...Object.keys(quantisedBlocks)].join(", ");
    throw new DTypeError(`cast: there is no dtype "${String(dtype)}"; there are ${known}.`);
  }
  return castTo(x, dtype);
}

export function to(x: Tensor, device: string): Tensor {
  if (device === x.device) return x;
  const target = backendNamed(device);
  return new Tensor(moveArray(x.array, x.backend, target), target);
}
