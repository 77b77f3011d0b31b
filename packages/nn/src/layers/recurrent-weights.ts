/** The weights that recurrent layers and their cells share, and how both begin. */
import type { Int } from "@pullback/autodiff";
import { type Tensor, zeros } from "@pullback/core";
import { fanInUniform, type InitializerOptions } from "../initializers/index.ts";

export interface RecurrentOptions extends InitializerOptions {
  /** Whether there are biases; default true. */
  readonly bias?: boolean;
}

/** What a recurrent layer remembers from one step to the next: `[batch, hidden]`. */
export interface HiddenState {
  readonly hidden: Tensor;
}

/**
 * `inputWeight [gates · hidden, in]`, `recurrentWeight [gates · hidden, hidden]` and two biases `[gates · hidden]`, all
 * uniform in ±1/sqrt(hidden) at first, with the gates one below the other: the layout of PyTorch's `nn.LSTM` and its
 * like.
 */
export class RecurrentWeights {
  inputWeight: Tensor;
  recurrentWeight: Tensor;
  inputBias?: Tensor;
  recurrentBias?: Tensor;
  readonly hiddenSize: Int;

  constructor(gates: number, inFeatures: number, hiddenSize: number, options: RecurrentOptions = {}) {
    const keys = options.key?.split(4);
    const draw = (shape: readonly number[], i: number) => fanInUniform(shape, hiddenSize, keys && { key: keys[i] });
    this.inputWeight = draw([gates * hiddenSize, inFeatures], 0);
    this.recurrentWeight = draw([gates * hiddenSize, hiddenSize], 1);
    if (options.bias ?? true) {
      this.inputBias = draw([gates * hiddenSize], 2);
      this.recurrentBias = draw([gates * hiddenSize], 3);
    }
    this.hiddenSize = hiddenSize;
  }

  /**
   * The input's part of every gate: `[…, in]` to `[…, gates · hidden]`.
   *
   * @differentiable
   */
  ofInput(input: Tensor): Tensor {
    const product = input.matmul(this.inputWeight, { transposeB: true });
    return this.inputBias === undefined ? product : product.add(this.inputBias);
  }

  /**
   * The hidden state's part of every gate: `[batch, hidden]` to `[batch, gates · hidden]`.
   *
   * @differentiable
   */
  ofHidden(hidden: Tensor): Tensor {
    const product = hidden.matmul(this.recurrentWeight, { transposeB: true });
    return this.recurrentBias === undefined ? product : product.add(this.recurrentBias);
  }

  /** The state before the first step: zeros `[batch, hidden]` for an input `[batch, …]`. */
  zeroState(input: Tensor): Tensor {
    return zeros([input.shape[0], this.hiddenSize], { dtype: input.dtype });
  }
}
