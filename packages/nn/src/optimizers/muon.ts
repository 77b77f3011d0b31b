/** Muon: momentum whose matrices are made orthogonal. */
import { Tensor } from "@pullback/core";
import { type AdamHyper, adamDefaults, adamStep, updateMean, updateMeanSquare } from "./adam.ts";
import type { Leaf } from "./leaf.ts";
import { Optimizer, type ParameterGroup, type Update } from "./optimizer.ts";
import { shrunk } from "./weight-decay.ts";

interface Hyper extends AdamHyper {
  /** Default 0.95. */
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Newton-Schulz iterations; default 5. */
  readonly iterations: number;
  /** Whether matrices are orthogonalised; false in a group makes that group AdamW (embeddings, output layers). */
  readonly orthogonalize: boolean;
}

export interface MuonOptions extends Partial<Omit<Hyper, "learningRate">> {
  readonly learningRate: Hyper["learningRate"];
  readonly groups?: readonly ParameterGroup<MuonOptions>[];
}

/**
 * `m = momentum * m + (1 - momentum) * g`, and the matrix `m` (or with `nesterov`, the default, `g` moved on towards it)
 * is replaced by its nearest orthogonal matrix before the step, whose rate is scaled by `sqrt(max(1, rows / columns))`.
 * Jordan et al. 2024. Tensors of higher rank are matrices `[first axis, the rest]`; vectors, numbers and groups with
 * `orthogonalize: false` move by AdamW with `beta1`, `beta2` and `epsilon`. Weight decay (default 0.1) is decoupled.
 */
export class Muon extends Optimizer<Hyper> {
  constructor(model: unknown, { groups, ...options }: MuonOptions) {
    const own = { momentum: 0.95, nesterov: true, iterations: 5, orthogonalize: true, weightDecay: 0.1 };
    super(model, { ...adamDefaults, ...own, ...options }, groups);
  }

  protected override rule(update: Update<Hyper>): Leaf {
    const { arithmetic: a, gradient, memory, hyper, learningRate } = update;
    if (!(gradient instanceof Tensor) || gradient.rank < 2 || !hyper.orthogonalize) {
      return shrunk(adamStep(update, updateMean(update, gradient), updateMeanSquare(update, gradient)), update);
    }
    memory.momentum = a.towards(memory.momentum, gradient, 1 - hyper.momentum);
    const direction: Tensor = hyper.nesterov ? a.towards(gradient, memory.momentum, hyper.momentum) : memory.momentum;
    const matrix = direction.reshape([gradient.shape[0], -1]);
    const [rows, columns] = matrix.shape;
    const step = orthogonalized(matrix, hyper.iterations).mul(-learningRate * Math.sqrt(Math.max(1, rows / columns)));
    return shrunk(step.reshape(gradient.shape), update);
  }
}

/**
 * Approximately `U Vᵀ` for `matrix = U S Vᵀ`: Newton-Schulz iteration with a quintic whose coefficients favour speed over
 * exactness; singular values end between about 0.7 and 1.2. Jordan et al. 2024.
 */
export function orthogonalized(matrix: Tensor, iterations: number): Tensor {
  const [a, b, c] = [3.4445, -4.775, 2.0315];
  const tall = matrix.shape[0] > matrix.shape[1];
  let x = tall ? matrix.transpose() : matrix;
  x = x.div(x.norm().add(1e-7));
  for (let i = 0; i < iterations; i++) {
    const gram = x.matmul(x, { transposeB: true });
    const polynomial = gram.mul(b).add(gram.matmul(gram).mul(c));
    x = x.mul(a).add(polynomial.matmul(x));
  }
  return tall ? x.transpose() : x;
}
