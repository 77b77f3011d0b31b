/** Gradient clipping. */
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
    for (const p of parameters) shrink(p, clip.norm, squaredNorm(p.gradient));
  } else {
    const total = parameters.reduce((sum, p) => sum + squaredNorm(p.gradient), 0);
    for (const p of parameters) shrink(p, clip.globalNorm, total);
  }
}

const squaredNorm = (gradient: Leaf): number => arithmeticOf(gradient).dot(gradient, gradient);

/** As PyTorch, the divisor is the norm plus 1e-6. */
function shrink(parameter: Assigned, limit: number, squared: number): void {
  const factor = limit / (Math.sqrt(squared) + 1e-6);
  if (factor < 1) parameter.gradient = arithmeticOf(parameter.gradient).scale(parameter.gradient, factor);
}
