/** Adam and the optimizers that are Adam with one thing changed. */
import type { Leaf } from "./leaf.ts";
import { Optimizer, type OptimizerOptions, type ParameterGroup, type Update } from "./optimizer.ts";
import { decayed, shrunk } from "./weight-decay.ts";

export interface AdamHyper extends OptimizerOptions {
  /** Decay of the mean of gradients; default 0.9. */
  readonly beta1: number;
  /** Decay of the mean of squared gradients; default 0.999. */
  readonly beta2: number;
  /** Added to the root of the latter; default 1e-8. */
  readonly epsilon: number;
  readonly weightDecay: number;
}

export interface AdamOptions extends OptimizerOptions, Partial<Omit<AdamHyper, keyof OptimizerOptions>> {
  readonly groups?: readonly ParameterGroup<AdamOptions>[];
}

export const adamDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

/** `m = beta1 * m + (1 - beta1) * g`. */
export function updateMean({ arithmetic, memory, hyper }: Update<AdamHyper>, gradient: Leaf): Leaf {
  memory.mean = arithmetic.towards(memory.mean, gradient, 1 - hyper.beta1);
  return memory.mean;
}

/** `v = beta2 * v + (1 - beta2) * g²`. */
export function updateMeanSquare({ arithmetic, memory, hyper }: Update<AdamHyper>, gradient: Leaf): Leaf {
  memory.meanSquare = arithmetic.towards(memory.meanSquare, arithmetic.multiply(gradient, gradient), 1 - hyper.beta2);
  return memory.meanSquare;
}

/**
 * `-learningRate * (m / c1) / (sqrt(v / c2) + epsilon)` with the bias corrections c1, c2 of Kingma and Ba 2015,
 * section 2, in the order that needs the fewest passes.
 */
export function adamStep(
  { arithmetic: a, hyper, learningRate, time }: Update<AdamHyper>,
  mean: Leaf,
  meanSquare: Leaf,
): Leaf {
  const root = Math.sqrt(1 - hyper.beta2 ** time);
  const ratio = a.divide(mean, a.shift(a.sqrt(meanSquare), hyper.epsilon * root));
  return a.scale(ratio, (-learningRate * root) / (1 - hyper.beta1 ** time));
}

/** Kingma and Ba 2015, algorithm 1. `weightDecay` (default 0) is added to the gradient. */
export class Adam extends Optimizer<AdamHyper> {
  constructor(model: unknown, { groups, ...options }: AdamOptions) {
    super(model, { ...adamDefaults, ...options }, groups);
  }

  protected override rule(update: Update<AdamHyper>): Leaf {
    const gradient = decayed(update);
    return adamStep(update, updateMean(update, gradient), updateMeanSquare(update, gradient));
  }
}

/** Adam with decoupled weight decay (default 0.01). Loshchilov and Hutter 2019, algorithm 2. */
export class AdamW extends Optimizer<AdamHyper> {
  constructor(model: unknown, { groups, ...options }: AdamOptions) {
    super(model, { ...adamDefaults, weightDecay: 0.01, ...options }, groups);
  }

  protected override rule(update: Update<AdamHyper>): Leaf {
    const { gradient } = update;
    return shrunk(adamStep(update, updateMean(update, gradient), updateMeanSquare(update, gradient)), update);
  }
}

/** Adam with the largest v so far in the denominator. Reddi, Kale and Kumar 2018, algorithm 2. */
export class AMSGrad extends Optimizer<AdamHyper> {
  constructor(model: unknown, { groups, ...options }: AdamOptions) {
    super(model, { ...adamDefaults, ...options }, groups);
  }

  protected override rule(update: Update<AdamHyper>): Leaf {
    const { arithmetic, memory } = update;
    const gradient = decayed(update);
    const mean = updateMean(update, gradient);
    const meanSquare = updateMeanSquare(update, gradient);
    memory.largest = memory.largest === undefined ? meanSquare : arithmetic.maximum(memory.largest, meanSquare);
    return adamStep(update, mean, memory.largest);
  }
}

/** Adam with the infinity norm, `u = max(beta2 * u, |g| + epsilon)`. Kingma and Ba 2015, algorithm 2. */
export class AdaMax extends Optimizer<AdamHyper> {
  constructor(model: unknown, { groups, ...options }: AdamOptions) {
    super(model, { ...adamDefaults, ...options }, groups);
  }

  protected override rule(update: Update<AdamHyper>): Leaf {
    const { arithmetic: a, memory, hyper, learningRate, time } = update;
    const gradient = decayed(update);
    const mean = updateMean(update, gradient);
    const size = a.shift(a.abs(gradient), hyper.epsilon);
    memory.norm = memory.norm === undefined ? size : a.maximum(a.scale(memory.norm, hyper.beta2), size);
    return a.scale(a.divide(mean, memory.norm), -learningRate / (1 - hyper.beta1 ** time));
  }
}

interface NAdamHyper extends AdamHyper {
  /** How fast the momentum rises to beta1; default 0.004. */
  readonly momentumDecay: number;
}

export interface NAdamOptions extends AdamOptions {
  readonly momentumDecay?: number;
}

/** Adam with Nesterov momentum. Dozat 2016, with the momentum schedule of PyTorch's `torch.optim.NAdam`. */
export class NAdam extends Optimizer<NAdamHyper> {
  constructor(model: unknown, { groups, ...options }: NAdamOptions) {
    super(model, { ...adamDefaults, momentumDecay: 0.004, ...options }, groups);
  }

  protected override rule(update: Update<NAdamHyper>): Leaf {
    const { arithmetic: a, memory, hyper, learningRate, time } = update;
    const gradient = decayed(update);
    const mean = updateMean(update, gradient);
    const meanSquare = updateMeanSquare(update, gradient);
    const momentumAt = (t: number) => hyper.beta1 * (1 - 0.5 * 0.96 ** (t * hyper.momentumDecay));
    const momentum = momentumAt(time);
    const next = momentumAt(time + 1);
    memory.momentumProduct = (memory.momentumProduct ?? 1) * momentum;
    const ofGradient = a.scale(gradient, (1 - momentum) / (1 - memory.momentumProduct));
    const ofMean = a.scale(mean, next / (1 - memory.momentumProduct * next));
    const root = Math.sqrt(1 - hyper.beta2 ** time);
    const denominator = a.shift(a.sqrt(meanSquare), hyper.epsilon * root);
    return a.scale(a.divide(a.add(ofGradient, ofMean), denominator), -learningRate * root);
  }
}

/** Adam whose adaptive step waits until the variance of its denominator is tame. Liu et al. 2020, algorithm 2. */
export class RAdam extends Optimizer<AdamHyper> {
  constructor(model: unknown, { groups, ...options }: AdamOptions) {
    super(model, { ...adamDefaults, ...options }, groups);
  }

  protected override rule(update: Update<AdamHyper>): Leaf {
    const { arithmetic: a, hyper, learningRate, time } = update;
    const gradient = decayed(update);
    const mean = updateMean(update, gradient);
    const meanSquare = updateMeanSquare(update, gradient);
    const rate = -learningRate / (1 - hyper.beta1 ** time);
    const power = hyper.beta2 ** time;
    const limit = 2 / (1 - hyper.beta2) - 1;
    const length = limit - (2 * time * power) / (1 - power);
    if (length <= 5) return a.scale(mean, rate);
    const rectifier = Math.sqrt(((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length));
    const ratio = a.divide(mean, a.shift(a.sqrt(meanSquare), hyper.epsilon));
    return a.scale(ratio, rate * rectifier * Math.sqrt(1 - power));
  }
}
