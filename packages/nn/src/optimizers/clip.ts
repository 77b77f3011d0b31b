/** Gradient clipping. Norms of tensors stay on the backend: nothing is read, so that no step waits for its gradient. */
import { Tensor } from "@pullback/core";
import type { Assigned } from "./gradients.ts";
import { arithmeticOf, type Leaf } from "./leaf.ts";

/**
 * `globalNorm`: the norm of all gradients together is at most this (Pascanu, Mikolov and Bengio 2013, algorithm 1);
 * `norm`: that of each tensor is; `value`: every element lies between minus this and this.
 */
export type Clip = { readonly globalNorm: number } | { readonly norm: number } | { readonly value: number };

/** Clips the gradients in place of the old ones. */
export function clipGradients(parameters: readonly Assigned[], clip: Clip): void {
  if ("value" in clip) {
    for (const p of parameters) p.gradient = arithmeticOf(p.gradient).clip(p.gradient, clip.value);
  } else if ("norm" in clip) {
    for (const p of parameters) shrink([p], clip.norm);
  } else shrink(parameters, clip.globalNorm);
}

/** The sum of all squares: a tensor of rank 0 where there is a tensor among the leaves, else a number. */
export function squaredNorm(leaves: readonly Leaf[]): Tensor | number {
  let total: Tensor | number = 0;
  for (const leaf of leaves) {
    if (leaf instanceof Tensor) total = leaf.square().sum().add(total);
    else if (typeof total === "number") total += arithmeticOf(leaf).dot(leaf, leaf);
    else total = total.add(arithmeticOf(leaf).dot(leaf, leaf));
  }
  return total;
}

/** Scales gradients so that their norm is at most `limit`; as PyTorch, the divisor is the norm plus 1e-6. */
function shrink(parameters: readonly Assigned[], limit: number): void {
  const squared = squaredNorm(parameters.map(({ gradient }) => gradient));
  const factor =
    typeof squared === "number"
      ? Math.min(1, limit / (Math.sqrt(squared) + 1e-6))
      : squared.sqrt().add(1e-6).reciprocal().mul(limit).minimum(1);
  for (const p of parameters) {
    if (p.gradient instanceof Tensor && factor instanceof Tensor) {
      p.gradient = p.gradient.mul(factor.cast(p.gradient.dtype));
    } else {
      // A number has no place on the backend: its clipping does have to read the norm.
      p.gradient = arithmeticOf(p.gradient).scale(p.gradient, typeof factor === "number" ? factor : factor.item());
    }
  }
}
