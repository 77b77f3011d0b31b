/** Optimizers that divide by the size of past gradients, without Adam's bias corrections. */
import type { Leaf } from "./leaf.ts";
import { Optimizer, type OptimizerOptions, type ParameterGroup, type Update } from "./optimizer.ts";
import { decayed } from "./weight-decay.ts";

interface RMSPropHyper extends OptimizerOptions {
  /** Of the mean of squared gradients; default 0.99. */
  readonly decay: number;
  readonly momentum: number;
  /** Whether the mean gradient is taken off the mean square; default false. */
  readonly centered: boolean;
  /** Added outside the root; default 1e-8. */
  readonly epsilon: number;
  readonly weightDecay: number;
}

export interface RMSPropOptions extends OptimizerOptions, Partial<Omit<RMSPropHyper, keyof OptimizerOptions>> {
  readonly groups?: readonly ParameterGroup<RMSPropOptions>[];
}

/** `x -= learningRate * g / (sqrt(v) + epsilon)`, v a running mean of g². Tieleman and Hinton 2012; PyTorch's form. */
export class RMSProp extends Optimizer<RMSPropHyper> {
  constructor(model: unknown, { groups, ...options }: RMSPropOptions) {
    super(model, { decay: 0.99, momentum: 0, centered: false, epsilon: 1e-8, weightDecay: 0, ...options }, groups);
  }

  protected override rule(update: Update<RMSPropHyper>): Leaf {
    const { arithmetic: a, memory, hyper, learningRate } = update;
    const gradient = decayed(update);
    memory.meanSquare = a.towards(memory.meanSquare, a.multiply(gradient, gradient), 1 - hyper.decay);
    let variance = memory.meanSquare;
    if (hyper.centered) {
      memory.mean = a.towards(memory.mean, gradient, 1 - hyper.decay);
      variance = a.subtract(variance, a.multiply(memory.mean, memory.mean));
    }
    let direction = a.divide(gradient, a.shift(a.sqrt(variance), hyper.epsilon));
    if (hyper.momentum > 0) {
      const { momentum: before } = memory;
      memory.momentum = before === undefined ? direction : a.add(a.scale(before, hyper.momentum), direction);
      direction = memory.momentum;
    }
    return a.scale(direction, -learningRate);
  }
}

interface AdaGradHyper extends OptimizerOptions {
  /** The rate at update t (from 0) is `learningRate / (1 + t * learningRateDecay)`; default 0. */
  readonly learningRateDecay: number;
  /** What the sums of squares start from; default 0. */
  readonly initialAccumulator: number;
  /** Default 1e-10. */
  readonly epsilon: number;
  readonly weightDecay: number;
}

export interface AdaGradOptions extends OptimizerOptions, Partial<Omit<AdaGradHyper, keyof OptimizerOptions>> {
  readonly groups?: readonly ParameterGroup<AdaGradOptions>[];
}

/** `x -= learningRate * g / (sqrt(sum of g²) + epsilon)`. Duchi, Hazan and Singer 2011, figure 1 (diagonal form). */
export class AdaGrad extends Optimizer<AdaGradHyper> {
  constructor(model: unknown, { groups, ...options }: AdaGradOptions) {
    super(model, { learningRateDecay: 0, initialAccumulator: 0, epsilon: 1e-10, weightDecay: 0, ...options }, groups);
  }

  protected override rule(update: Update<AdaGradHyper>): Leaf {
    const { arithmetic: a, memory, hyper, learningRate, time } = update;
    const gradient = decayed(update);
    const square = a.multiply(gradient, gradient);
    const before =
      memory.sumSquare ??
      (hyper.initialAccumulator > 0 ? a.shift(a.zero(square), hyper.initialAccumulator) : undefined);
    memory.sumSquare = before === undefined ? square : a.add(before, square);
    const direction = a.divide(gradient, a.shift(a.sqrt(memory.sumSquare), hyper.epsilon));
    return a.scale(direction, -learningRate / (1 + (time - 1) * hyper.learningRateDecay));
  }
}

interface AdaDeltaHyper extends OptimizerOptions {
  /** Of both running means; default 0.9. */
  readonly rho: number;
  /** Added inside both roots; default 1e-6. */
  readonly epsilon: number;
  readonly weightDecay: number;
}

export interface AdaDeltaOptions extends OptimizerOptions, Partial<Omit<AdaDeltaHyper, keyof OptimizerOptions>> {
  readonly groups?: readonly ParameterGroup<AdaDeltaOptions>[];
}

/** Steps as large as past steps, in the parameter's own units. Zeiler 2012, algorithm 1, times `learningRate`. */
export class AdaDelta extends Optimizer<AdaDeltaHyper> {
  constructor(model: unknown, { groups, ...options }: AdaDeltaOptions) {
    super(model, { rho: 0.9, epsilon: 1e-6, weightDecay: 0, ...options }, groups);
  }

  protected override rule(update: Update<AdaDeltaHyper>): Leaf {
    const { arithmetic: a, memory, hyper, learningRate } = update;
    const gradient = decayed(update);
    memory.meanSquare = a.towards(memory.meanSquare, a.multiply(gradient, gradient), 1 - hyper.rho);
    const past = a.shift(memory.meanSquareStep ?? a.zero(gradient), hyper.epsilon);
    const size = a.sqrt(a.divide(past, a.shift(memory.meanSquare, hyper.epsilon)));
    const step = a.multiply(size, gradient);
    memory.meanSquareStep = a.towards(memory.meanSquareStep, a.multiply(step, step), 1 - hyper.rho);
    return a.scale(step, -learningRate);
  }
}
