/** What every rule for an operand that may be broadcast, promoted, or a plain number has to do to its (co)tangent. */
import { isFloating } from "../dtype.ts";
import type { Operand } from "../operations/operand.ts";
import { onesLike } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Whether entry `i` of a pullback's result is asked for and is of a differentiable operand. */
export function wants(operand: Operand, needs: readonly boolean[] | undefined, i: number): boolean {
  if (needs !== undefined && !needs[i]) return false;
  return typeof operand === "object" ? isFloating(operand.dtype) : typeof operand === "number";
}

/**
 * The cotangent of an operand from a cotangent of the result's shape: summed over what was broadcast and in the
 * operand's own dtype; a number for a number.
 */
export function cotangentOf(operand: Operand, ct: Tensor): Tensor | number {
  return typeof operand === "object" ? ct.sumTo(operand.shape).cast(operand.dtype) : ct.sum().item();
}

/** The tangent of an operand: absent where the operand does not vary, a number for a number. */
export type OperandTangent = Tensor | number | undefined;

/** An operand's tangent as a tensor. */
export function spreadTangent(value: Tensor, tangent: OperandTangent): Tensor | undefined {
  return typeof tangent === "number" ? onesLike(value).mul(tangent) : tangent;
}

/** The tangent of a result from what each operand contributes, in the result's shape and dtype. */
export function totalTangent(value: Tensor, a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  if (a === undefined) return b === undefined ? undefined : fitted(value, b);
  return fitted(value, b === undefined ? a : a.add(b));
}

function fitted(value: Tensor, tangent: Tensor): Tensor {
  return tangent.broadcastTo(value.shape).cast(value.dtype);
}
