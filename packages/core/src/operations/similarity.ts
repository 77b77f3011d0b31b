/** Cosine similarity. */
import type { Tensor } from "../tensor/tensor.ts";

/**
 * sum(a b) / (|a| |b|) along `axis`, each norm at least epsilon. a and b broadcast. Differentiable in both.
 * @throws ShapeError when the shapes do not broadcast.
 * @differentiable
 */
export function cosineSimilarity(a: Tensor, b: Tensor, axis = -1, epsilon = 1e-8): Tensor {
  const lengthA = a.norm(axis).maximum(epsilon);
  const lengthB = b.norm(axis).maximum(epsilon);
  return a.mul(b).sum(axis).div(lengthA.mul(lengthB));
}
