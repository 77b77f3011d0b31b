/** Changes of dtype and device. */
import { currentBackend } from "../backend/index.ts";
import type { DType } from "../dtype.ts";
import { dtypes } from "../dtype.ts";
import { BackendError, DTypeError } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { castTo } from "./operand.ts";

export function cast(x: Tensor, dtype: DType): Tensor {
  if (!dtypes.includes(dtype))
    throw new DTypeError(`cast: there is no dtype "${String(dtype)}"; there are ${dtypes.join(", ")}.`);
  return castTo(x, dtype);
}

export function to(x: Tensor, device: string): Tensor {
  if (device === x.device) return x;
  throw new BackendError(`to: there is no backend "${device}" here; available: ${currentBackend().name}.`);
}
