/** Table lookup. */
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Rows of `weight` [count, ...] at int32 `indices`: shape indices.shape + weight.shape[1:]. Differentiable in weight;
 * repeated indices add up.
 * @throws IndexError when an index lies outside the table, DTypeError when the indices are not integers.
 */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  return weight.gather(indices, 0);
}
