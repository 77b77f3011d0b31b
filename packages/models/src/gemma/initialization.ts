/** Makes the layers that hold a model's weights, and gives those their first values. */
import { type DType, type RandomKey, randn, type Tensor, zeros } from "@pullback/core";
import { Embedding, Linear, RMSNorm } from "@pullback/nn";

/** The values of a matrix `[rows, columns]` whose rows are multiplied with activations. */
export type Initialize = (rows: number, columns: number) => Tensor;

/**
 * Normal with variance 1 / columns, so that activations of unit variance stay so, and so do the logits of the tied
 * embedding. (The reports do not state theirs.) Matrices draw from `key` in the order of construction.
 */
export function scaledNormal(key: RandomKey, dtype: DType): Initialize {
  let drawn = 0;
  return (rows, columns) => {
    const values = randn([rows, columns], { key: key.foldIn(drawn) }).mul(columns ** -0.5);
    drawn += 1;
    return values.cast(dtype);
  };
}

/** Zeros that occupy no memory, for weights that are about to be loaded. */
export function unfilled(dtype: DType): Initialize {
  return (rows, columns) => zeros([1, 1], { dtype }).broadcastTo([rows, columns]);
}

/** Layers are made small and given their weights, so that loading never draws billions of random numbers. */
export class LayerFactory {
  constructor(
    private readonly initialize: Initialize,
    private readonly dtype: DType,
    private readonly normEpsilon: number,
  ) {}

  /** `[..., from]` to `[..., to]`, without bias. */
  linear(from: number, to: number): Linear {
    const layer = new Linear(1, 1, { bias: false });
    layer.weight = this.initialize(to, from);
    return layer;
  }

  embedding(count: number, dim: number): Embedding {
    const table = new Embedding(1, 1);
    table.weight = this.initialize(count, dim);
    return table;
  }

  /** RMSNorm times 1 + weight, the weight being 0. */
  norm(dim: number): RMSNorm {
    const norm = new RMSNorm(dim, { offset: 1, epsilon: this.normEpsilon });
    norm.weight = norm.weight.cast(this.dtype);
    return norm;
  }
}
