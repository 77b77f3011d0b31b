/** Adafactor: Adam's second moment in two vectors per matrix, and steps in proportion to the parameter. */
import { Tensor } from "@pullback/core";
import type { Leaf } from "./leaf.ts";
import { Optimizer, type OptimizerOptions, type ParameterGroup, type Update } from "./optimizer.ts";
import { shrunk } from "./weight-decay.ts";

interface Hyper extends OptimizerOptions {
  /** The second moment's decay at step t is `1 - t^-decayExponent`; default 0.8. */
  readonly decayExponent: number;
  /** Added to squared gradients; default 1e-30. */
  readonly epsilon: number;
  /** The least scale of a parameter; default 1e-3. */
  readonly minimumScale: number;
  /** Root mean square that an update may have; default 1. */
  readonly clipThreshold: number;
  readonly weightDecay: number;
}

export interface AdafactorOptions extends OptimizerOptions, Partial<Omit<Hyper, keyof OptimizerOptions>> {
  readonly groups?: readonly ParameterGroup<AdafactorOptions>[];
}

/**
 * Shazeer and Stern 2018, algorithms 4 and 5: `x -= learningRate * max(minimumScale, rms(x)) * u / max(1, rms(u) /
 * clipThreshold)` with `u = g / sqrt(v)`. For tensors of rank 2 and more v is factored over the last two axes, so that
 * the state of an n × m matrix has n + m numbers. The paper's rate is `step => Math.min(1e-2, 1 / Math.sqrt(step + 1))`.
 * Weight decay (default 0) is decoupled.
 */
export class Adafactor extends Optimizer<Hyper> {
  constructor(model: unknown, { groups, ...options }: AdafactorOptions) {
    const defaults = { decayExponent: 0.8, epsilon: 1e-30, minimumScale: 1e-3, clipThreshold: 1, weightDecay: 0 };
    super(model, { ...defaults, ...options }, groups);
  }

  protected override rule(update: Update<Hyper>): Leaf {
    const { gradient, value, hyper, learningRate } = update;
    if (gradient instanceof Tensor) {
      const direction = gradient.mul(inverseRoot(update, gradient));
      const clipped = direction.div(rms(direction).div(hyper.clipThreshold).maximum(1));
      const scale = value instanceof Tensor ? rms(value).maximum(hyper.minimumScale) : hyper.minimumScale;
      return shrunk(clipped.mul(scale).mul(-learningRate), update);
    }
    const { arithmetic: a, memory } = update;
    const squared = a.shift(a.multiply(gradient, gradient), hyper.epsilon);
    memory.meanSquare = a.towards(memory.meanSquare, squared, freshness(update));
    const direction = a.divide(gradient, a.sqrt(memory.meanSquare));
    const clipped = a.clip(direction, hyper.clipThreshold);
    return a.scale(
      clipped,
      -learningRate * Math.max(hyper.minimumScale, typeof value === "number" ? Math.abs(value) : 0),
    );
  }
}

/** `1 - beta2` of this step: 1 at the first. */
const freshness = ({ time, hyper }: Update<Hyper>): number => time ** -hyper.decayExponent;

const rms = (x: Tensor): Tensor => x.square().mean().sqrt();

/** `1 / sqrt(v)`, with v moved towards the squared gradient. */
function inverseRoot(update: Update<Hyper>, gradient: Tensor): Tensor {
  const { arithmetic: a, memory, hyper } = update;
  const squared = gradient.square().add(hyper.epsilon);
  const weight = freshness(update);
  if (gradient.rank < 2) {
    memory.meanSquare = a.towards(memory.meanSquare, squared, weight);
    return memory.meanSquare.rsqrt();
  }
  memory.rows = a.towards(memory.rows, squared.mean(-1), weight);
  memory.columns = a.towards(memory.columns, squared.mean(-2), weight);
  const rows: Tensor = memory.rows.div(memory.rows.mean(-1, true));
  return rows.rsqrt().expandDims(-1).mul(memory.columns.rsqrt().expandDims(-2));
}
