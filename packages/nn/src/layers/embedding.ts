/** Rows of a table by index, and the same table as an output projection. */
import { embedding, randn, type Tensor } from "@pullback/core";
import type { InitializerOptions } from "../initializers/index.ts";
import type { Layer } from "./layer.ts";

/**
 * A table of `count` vectors of `dim` entries. Weight `[count, dim]` starts standard normal, as PyTorch's
 * `nn.Embedding`.
 *
 * To tie an output projection to the table, call both methods of one layer: `forward` on the way in, `attend` on the
 * way out. The weight's tangent then holds both contributions.
 */
export class Embedding implements Layer<Tensor, Tensor> {
  weight: Tensor;

  constructor(count: number, dim: number, options: InitializerOptions = {}) {
    this.weight = randn([count, dim], options.key === undefined ? {} : { key: options.key });
  }

  /**
   * Indices `[…]` (int32) to vectors `[…, dim]`.
   *
   * @throws IndexError for an index outside the table
   * @differentiable
   */
  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight);
  }

  /**
   * Vectors `[…, dim]` to their products with every row, `[…, count]`.
   *
   * @differentiable
   */
  attend(vectors: Tensor): Tensor {
    return vectors.matmul(this.weight, { transposeB: true });
  }
}
