/** Stochastic gradient descent, plain, with momentum, or Nesterov's. */
import type { Leaf } from "./leaf.ts";
import { Optimizer, type OptimizerOptions, type ParameterGroup, type Update } from "./optimizer.ts";
import { decayed } from "./weight-decay.ts";

interface Hyper extends OptimizerOptions {
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

export interface SGDOptions extends OptimizerOptions, Partial<Omit<Hyper, keyof OptimizerOptions>> {
  readonly groups?: readonly ParameterGroup<SGDOptions>[];
}

/**
 * `b = momentum * b + (1 - dampening) * g` (the first time `b = g`), `x -= learningRate * b`, or with `nesterov`
 * `x -= learningRate * (g + momentum * b)`. PyTorch's `torch.optim.SGD`; Sutskever et al. 2013, section 2. Defaults:
 * momentum 0, dampening 0, weightDecay 0 (added to the gradient).
 */
export class SGD extends Optimizer<Hyper> {
  constructor(model: unknown, { groups, ...options }: SGDOptions) {
    super(model, { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0, ...options }, groups);
  }

  protected override rule(update: Update<Hyper>): Leaf {
    const { arithmetic: a, memory, hyper, learningRate } = update;
    let direction = decayed(update);
    if (hyper.momentum > 0) {
      const { momentum: before } = memory;
      const added = before === undefined || hyper.dampening === 0 ? direction : a.scale(direction, 1 - hyper.dampening);
      memory.momentum = before === undefined ? added : a.add(a.scale(before, hyper.momentum), added);
      direction = hyper.nesterov ? a.add(direction, a.scale(memory.momentum, hyper.momentum)) : memory.momentum;
    }
    return a.scale(direction, -learningRate);
  }
}
