/**
 * Recurrent layers over whole sequences. The input's part of the gates is one product for all steps; what remains in the
 * loop is the recurrent product.
 */
import type { NoDerivative } from "@pullback/autodiff";
import { stack, type Tensor } from "@pullback/core";
import { gruStep, type LSTMState, lstmStep, type SimpleRNNOptions, simpleStep } from "./recurrent-cells.ts";
import { type HiddenState, type RecurrentOptions, RecurrentWeights } from "./recurrent-weights.ts";

/** What a recurrent layer returns: the hidden state after every step, `[batch, sequence, hidden]`, and the last state. */
export interface RecurrentResult<State> {
  readonly output: Tensor;
  readonly state: State;
}

/** A layer over `[batch, sequence, in]` that carries a state along the sequence. */
export interface RecurrentLayer<State extends HiddenState = any> {
  /** @differentiable */
  forward(input: Tensor, state?: State): RecurrentResult<State>;
}

/** `SimpleRNNCell` along a sequence. The state starts at zero unless one is given. */
export class SimpleRNN extends RecurrentWeights implements RecurrentLayer<HiddenState> {
  readonly activation: NoDerivative<"tanh" | "relu">;

  constructor(inFeatures: number, hiddenSize: number, options: SimpleRNNOptions = {}) {
    super(1, inFeatures, hiddenSize, options);
    this.activation = options.activation ?? "tanh";
  }

  /** @differentiable */
  forward(input: Tensor, state: HiddenState = { hidden: this.zeroState(input) }): RecurrentResult<HiddenState> {
    let { hidden } = state;
    const outputs: Tensor[] = [];
    for (const ofInput of this.ofInput(input).unstack(1)) {
      hidden = simpleStep(ofInput, this.ofHidden(hidden), this.activation);
      outputs.push(hidden);
    }
    return { output: stack(outputs, 1), state: { hidden } };
  }
}

/** `LSTMCell` along a sequence. The state starts at zero unless one is given. */
export class LSTM extends RecurrentWeights implements RecurrentLayer<LSTMState> {
  constructor(inFeatures: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(4, inFeatures, hiddenSize, options);
  }

  /** @differentiable */
  forward(
    input: Tensor,
    state: LSTMState = { hidden: this.zeroState(input), cell: this.zeroState(input) },
  ): RecurrentResult<LSTMState> {
    let { hidden, cell } = state;
    const outputs: Tensor[] = [];
    for (const ofInput of this.ofInput(input).unstack(1)) {
      const next = lstmStep(ofInput, this.ofHidden(hidden), cell);
      hidden = next.hidden;
      cell = next.cell;
      outputs.push(hidden);
    }
    return { output: stack(outputs, 1), state: { hidden, cell } };
  }
}

/** `GRUCell` along a sequence. The state starts at zero unless one is given. */
export class GRU extends RecurrentWeights implements RecurrentLayer<HiddenState> {
  constructor(inFeatures: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(3, inFeatures, hiddenSize, options);
  }

  /** @differentiable */
  forward(input: Tensor, state: HiddenState = { hidden: this.zeroState(input) }): RecurrentResult<HiddenState> {
    let { hidden } = state;
    const outputs: Tensor[] = [];
    for (const ofInput of this.ofInput(input).unstack(1)) {
      hidden = gruStep(ofInput, this.ofHidden(hidden), hidden);
      outputs.push(hidden);
    }
    return { output: stack(outputs, 1), state: { hidden } };
  }
}
