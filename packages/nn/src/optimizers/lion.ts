/** Lion: the sign of an interpolated momentum. */
import type { Leaf } from "./leaf.ts";
import { Optimizer, type OptimizerOptions, type ParameterGroup, type Update } from "./optimizer.ts";
import { shrunk } from "./weight-decay.ts";

interface Hyper extends OptimizerOptions {
  /** Weight of the momentum in the direction; default 0.9. */
  readonly beta1: number;
  /** Decay of the momentum; default 0.99. */
  readonly beta2: number;
  readonly weightDecay: number;
}

export interface LionOptions extends OptimizerOptions, Partial<Omit<Hyper, keyof OptimizerOptions>> {
  readonly groups?: readonly ParameterGroup<LionOptions>[];
}

/**
 * `x -= learningRate * (sign(beta1 * m + (1 - beta1) * g) + weightDecay * x)`, then `m = beta2 * m + (1 - beta2) * g`.
 * Chen et al. 2023, algorithm 2. Its steps are long: take a third to a tenth of AdamW's rate. Default weightDecay 0.
 */
export class Lion extends Optimizer<Hyper> {
  constructor(model: unknown, { groups, ...options }: LionOptions) {
    super(model, { beta1: 0.9, beta2: 0.99, weightDecay: 0, ...options }, groups);
  }

  protected override rule(update: Update<Hyper>): Leaf {
    const { arithmetic: a, memory, gradient, hyper, learningRate } = update;
    const direction = a.sign(a.towards(memory.momentum, gradient, 1 - hyper.beta1));
    memory.momentum = a.towards(memory.momentum, gradient, 1 - hyper.beta2);
    return shrunk(a.scale(direction, -learningRate), update);
  }
}
