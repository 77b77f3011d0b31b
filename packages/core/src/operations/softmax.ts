/** Softmax and its logarithm, with the maximum subtracted. */
import { floatingOf } from "../dtype.ts";
import { normalizeAxis } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { alongScalar, castTo, requireSameBackend } from "./operand.ts";

/** Applies a last-axis kernel along any axis. */
function along(operation: "softmax" | "logSoftmax", x: Tensor, axis: number): Tensor {
  if (x.rank === 0) return alongScalar(x, (row) => along(operation, row, axis));
  const operand = castTo(x, floatingOf(x.dtype));
  const backend = operand.backend;
  const position = normalizeAxis(operation, axis, x.rank);
  const last = x.rank - 1;
  if (position === last) return new Tensor(backend[operation](operand.array), backend);
  const moved = operand.swapAxes(position, last);
  return new Tensor(backend[operation](moved.array), backend).swapAxes(position, last);
}

export function softmax(x: Tensor, axis = -1): Tensor {
  return along("softmax", x, axis);
}

export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return along("logSoftmax", x, axis);
}

/**
 * The adjoint of softmax at its value y: y (ct - sum(ct y)) along `axis`, in one kernel.
 * Differentiable in both; used by derivatives.
 */
export function softmaxAdjoint(y: Tensor, ct: Tensor, axis = -1): Tensor {
  const backend = requireSameBackend("softmax", y, ct);
  if (y.rank === 0) return alongScalar(y, (row) => softmaxAdjoint(row, ct.reshape([1]), axis));
  const position = normalizeAxis("softmax", axis, y.rank);
  const last = y.rank - 1;
  if (position === last) return new Tensor(backend.softmaxAdjoint(y.array, ct.array), backend);
  const adjoint = backend.softmaxAdjoint(y.swapAxes(position, last).array, ct.swapAxes(position, last).array);
  return new Tensor(adjoint, backend).swapAxes(position, last);
}
