/** A recurrent layer in both directions of time. */
import type { NoDerivative } from "@pullback/autodiff";
import { concatenate, type Tensor } from "@pullback/core";
import type { Layer } from "./layer.ts";
import { GRU, LSTM, type RecurrentLayer, SimpleRNN } from "./recurrent.ts";

const byName = { GRU, LSTM, SimpleRNN };

/** Which layer goes in both directions: a class, or the name of one of ours, and the arguments to make each with. */
export interface Direction<L extends RecurrentLayer> {
  readonly layer: (new (...args: any[]) => L) | keyof typeof byName;
  readonly arguments: readonly unknown[];
}

export interface BidirectionalOptions {
  /** How the outputs of the two directions become one; default "concatenate", on the last axis. */
  readonly merge?: "concatenate" | "sum" | "average" | "multiply";
}

/**
 * Two recurrent layers, one of which reads the sequence from its end; its outputs are put back in the order of time and
 * merged with the other's. `[batch, sequence, in]` to `[batch, sequence, hidden]`, or twice the hidden size when
 * concatenated. Schuster and Paliwal 1997.
 */
export class Bidirectional<L extends RecurrentLayer = LSTM> implements Layer<Tensor, Tensor> {
  readonly forwardLayer: L;
  readonly backwardLayer: L;
  readonly merge: NoDerivative<"concatenate" | "sum" | "average" | "multiply">;

  constructor(direction: Direction<L>, options: BidirectionalOptions = {}) {
    const { layer } = direction;
    const Recurrent = (typeof layer === "string" ? byName[layer] : layer) as new (...args: any[]) => L;
    this.forwardLayer = new Recurrent(...direction.arguments);
    this.backwardLayer = new Recurrent(...direction.arguments);
    this.merge = options.merge ?? "concatenate";
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const ahead = this.forwardLayer.forward(input).output;
    const back = this.backwardLayer.forward(input.flip(1)).output.flip(1);
    switch (this.merge) {
      case "sum":
        return ahead.add(back);
      case "average":
        return ahead.add(back).mul(0.5);
      case "multiply":
        return ahead.mul(back);
      default:
        return concatenate([ahead, back], -1);
    }
  }
}
