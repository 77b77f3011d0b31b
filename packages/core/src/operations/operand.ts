/** What stands on either side of an operation, and how two operands meet in one dtype on one backend. */
import type { Backend } from "../backend/index.ts";
import type { DType } from "../dtype.ts";
import { floatingOf, promote, promoteWithNumber } from "../dtype.ts";
import { BackendError } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";

/** A tensor, or a JavaScript number or boolean that adopts the tensor's dtype where it can. */
export type Operand = Tensor | number | boolean;

/**
 * The backend where both tensors meet: the one they are on, or the one of the two that takes the other's arrays as they
 * are (lazy takes eager's). Throws BackendError when there is none.
 */
export function requireSameBackend(operation: string, a: Tensor, b: Tensor): Backend {
  if (a.backend === b.backend) return a.backend;
  if (a.backend.takes?.(b.backend)) return a.backend;
  if (b.backend.takes?.(a.backend)) return b.backend;
  throw new BackendError(
    `${operation}: one operand is on "${a.device}", the other on "${b.device}"; move one with x.to(device).`,
  );
}

/** The backend where all of at least one tensor meet. Throws BackendError when there is none. */
export function commonBackend(operation: string, xs: readonly Tensor[]): Backend {
  let meeting = xs[0]!;
  for (const x of xs) if (requireSameBackend(operation, meeting, x) === x.backend) meeting = x;
  return meeting.backend;
}

/** The dtype in which `a` meets `b`. */
export function commonType(a: Tensor, b: Operand): DType {
  if (typeof b === "object") return promote(a.dtype, b.dtype);
  return typeof b === "boolean" ? a.dtype : promoteWithNumber(a.dtype, b);
}

/** `x` in another dtype; `x` itself when it has it already. */
export function castTo(x: Tensor, dtype: DType): Tensor {
  return x.array.dtype === dtype ? x : new Tensor(x.backend.cast(x.array, dtype), x.backend);
}

/** A tensor of rank 0 on the backend and in the dtype of a partner. */
export function scalarLike(value: number, partner: Tensor, dtype: DType): Tensor {
  return new Tensor(partner.backend.full([], value, dtype), partner.backend);
}

/**
 * Runs a composition in the dtype that its result is computed in: integers become float32, and so do float16 and
 * bfloat16, whose result is rounded once at the end.
 */
export function computeWide(x: Tensor, f: (wide: Tensor) => Tensor): Tensor {
  const dtype = floatingOf(x.array.dtype);
  if (dtype === "float32" || dtype === "float64") return f(castTo(x, dtype));
  return castTo(f(castTo(x, "float32")), dtype);
}

/** What runs along an axis, on a scalar too: as in PyTorch that counts as one element on axis 0. */
export function alongScalar(x: Tensor, run: (row: Tensor) => Tensor): Tensor {
  return run(x.reshape([1])).reshape([]);
}
