/** One step of a recurrent layer: an input and a state to the next state. */
import type { NoDerivative } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { type HiddenState, type RecurrentOptions, RecurrentWeights } from "./recurrent-weights.ts";

export interface SimpleRNNOptions extends RecurrentOptions {
  /** Default "tanh". */
  readonly activation?: "tanh" | "relu";
}

/** The state of an LSTM: `hidden` is its output, `cell` its memory, both `[batch, hidden]`. */
export interface LSTMState {
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

/** `h' = activation(W x + b + R h + c)`. Elman 1990. */
export class SimpleRNNCell extends RecurrentWeights {
  readonly activation: NoDerivative<"tanh" | "relu">;

  constructor(inFeatures: number, hiddenSize: number, options: SimpleRNNOptions = {}) {
    super(1, inFeatures, hiddenSize, options);
    this.activation = options.activation ?? "tanh";
  }

  /**
   * Input `[batch, in]` and state to the next state.
   *
   * @differentiable
   */
  forward(input: Tensor, state: HiddenState = { hidden: this.zeroState(input) }): HiddenState {
    return { hidden: simpleStep(this.ofInput(input), this.ofHidden(state.hidden), this.activation) };
  }
}

/** Long short-term memory. Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000. */
export class LSTMCell extends RecurrentWeights {
  constructor(inFeatures: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(4, inFeatures, hiddenSize, options);
  }

  /**
   * Input `[batch, in]` and state to the next state.
   *
   * @differentiable
   */
  forward(input: Tensor, state: LSTMState = { hidden: this.zeroState(input), cell: this.zeroState(input) }): LSTMState {
    return lstmStep(this.ofInput(input), this.ofHidden(state.hidden), state.cell);
  }
}

/** Gated recurrent unit. Cho et al. 2014, with the reset gate after the recurrent product as in PyTorch and cuDNN. */
export class GRUCell extends RecurrentWeights {
  constructor(inFeatures: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(3, inFeatures, hiddenSize, options);
  }

  /**
   * Input `[batch, in]` and state to the next state.
   *
   * @differentiable
   */
  forward(input: Tensor, state: HiddenState = { hidden: this.zeroState(input) }): HiddenState {
    return { hidden: gruStep(this.ofInput(input), this.ofHidden(state.hidden), state.hidden) };
  }
}

/** The next hidden state from both parts of the one gate. */
export function simpleStep(ofInput: Tensor, ofHidden: Tensor, activation: NoDerivative<"tanh" | "relu">): Tensor {
  const sum = ofInput.add(ofHidden);
  return activation === "tanh" ? sum.tanh() : sum.relu();
}

/** The next state from both parts of the gates, which stand in the order input, forget, candidate, output. */
export function lstmStep(ofInput: Tensor, ofHidden: Tensor, cell: Tensor): LSTMState {
  const [input, forget, candidate, output] = ofInput.add(ofHidden).split(4, -1);
  const kept = forget.sigmoid().mul(cell);
  const next = kept.add(input.sigmoid().mul(candidate.tanh()));
  return { hidden: output.sigmoid().mul(next.tanh()), cell: next };
}

/** The next hidden state from both parts of the gates, which stand in the order reset, update, candidate. */
export function gruStep(ofInput: Tensor, ofHidden: Tensor, hidden: Tensor): Tensor {
  const [resetIn, updateIn, candidateIn] = ofInput.split(3, -1);
  const [resetHidden, updateHidden, candidateHidden] = ofHidden.split(3, -1);
  const reset = resetIn.add(resetHidden).sigmoid();
  const update = updateIn.add(updateHidden).sigmoid();
  const candidate = candidateIn.add(reset.mul(candidateHidden)).tanh();
  return candidate.add(update.mul(hidden.sub(candidate)));
}
