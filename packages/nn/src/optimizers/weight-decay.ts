/** The two ways in which weights decay. */
import type { Leaf } from "./leaf.ts";
import type { Update } from "./optimizer.ts";

/** The gradient of the loss plus `weightDecay / 2 * |x|²`: L2 regularisation. */
export function decayed({ gradient, decaying, arithmetic, hyper }: Update<{ weightDecay: number } & any>): Leaf {
  if (decaying === undefined || hyper.weightDecay === 0) return gradient;
  return arithmetic.add(gradient, arithmetic.scale(decaying, hyper.weightDecay));
}

/** The step with `learningRate * weightDecay * x` taken off: decoupled decay. Loshchilov and Hutter 2019. */
export function shrunk(
  step: Leaf,
  { decaying, arithmetic, hyper, learningRate }: Update<{ weightDecay: number } & any>,
): Leaf {
  if (decaying === undefined || hyper.weightDecay === 0) return step;
  return arithmetic.subtract(step, arithmetic.scale(decaying, learningRate * hyper.weightDecay));
}
