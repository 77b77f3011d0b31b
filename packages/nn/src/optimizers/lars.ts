/** LARS: momentum with a rate of its own for every tensor. */
import { Tensor, where } from "@pullback/core";
import type { Leaf } from "./leaf.ts";
import { Optimizer, type OptimizerOptions, type ParameterGroup, type Update } from "./optimizer.ts";
import { decayed } from "./weight-decay.ts";

interface Hyper extends OptimizerOptions {
  readonly momentum: number;
  /** How far a tensor may move in relation to its norm; default 0.001. */
  readonly trust: number;
  readonly weightDecay: number;
}

export interface LARSOptions extends OptimizerOptions, Partial<Omit<Hyper, keyof OptimizerOptions>> {
  readonly groups?: readonly ParameterGroup<LARSOptions>[];
}

/**
 * `v = momentum * v + learningRate * r * (g + weightDecay * x)`, `x -= v`, with the rate of each tensor
 * `r = trust * |x| / (|g| + weightDecay * |x|)`, or 1 where either norm is 0. You, Gitman and Ginsburg 2017, algorithm
 * 1. Defaults: momentum 0.9, trust 0.001, weightDecay 0. Parameters that are no tensors have r = 1.
 */
export class LARS extends Optimizer<Hyper> {
  constructor(model: unknown, { groups, ...options }: LARSOptions) {
    super(model, { momentum: 0.9, trust: 0.001, weightDecay: 0, ...options }, groups);
  }

  protected override rule(update: Update<Hyper>): Leaf {
    const { arithmetic: a, memory, hyper, learningRate } = update;
    const direction = decayed(update);
    const rate = localRate(update);
    const step = a.scale(rate === undefined ? direction : direction.mul(rate), learningRate);
    memory.velocity = memory.velocity === undefined ? step : a.add(a.scale(memory.velocity, hyper.momentum), step);
    return a.scale(memory.velocity, -1);
  }
}

/** The rate r of a tensor; `undefined`, for 1, where the parameter is none. */
function localRate({ gradient, value, hyper }: Update<Hyper>): Tensor | undefined {
  if (!(gradient instanceof Tensor) || !(value instanceof Tensor)) return undefined;
  const [ofValue, ofGradient] = [value.norm(), gradient.norm()];
  const rate = ofValue.mul(hyper.trust).div(ofGradient.add(ofValue.mul(hyper.weightDecay)));
  return where(ofValue.mul(ofGradient).greater(0), rate, 1).cast(gradient.dtype);
}
