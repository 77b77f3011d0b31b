/** Changes of dtype and device. */
import { backendNamed, moveArray } from "../backend/index.ts";
import type { DType } from "../dtype.ts";
import { dtypes } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo } from "./operand.ts";

export function cast(x: Tensor, dtype: DType): Tensor {
  if (!dtypes.includes(dtype))
    throw new DTypeError(`cast: there is no dtype "${String(dtype)}"; there are ${dtypes.join(", ")}.`);
  return castTo(x, dtype);
}

export function to(x: Tensor, device: string): Tensor {
  if (device === x.device) return x;
  const target = backendNamed(device);
  return new Tensor(moveArray(x.array, x.backend, target), target);
}
