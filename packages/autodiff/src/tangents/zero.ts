/** The zero of a value's tangent space. */
import { zeroTangent as zeroOf } from "../shadows/index.ts";
import type { TangentVector } from "../types/index.ts";
import { ofPrimal } from "./primal.ts";

/** The zero tangent of a value: its structure with every differentiable field present. */
export function zeroTangent<T>(value: T): TangentVector<T> {
  return ofPrimal(zeroOf(value), value);
}
