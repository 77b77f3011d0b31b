/** What every rule for an operand that may be broadcast, promoted, or a plain number has to do to its cotangent. */
import { isFloating } from "../dtype.ts";
import type { Operand } from "../operations/operand.ts";
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
