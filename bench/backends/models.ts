/**
 * The three models whose training steps are compared across backends, with their batches and optimizers: what a user of
 * the library writes. native.ts has the same for TensorFlow.js by itself, from the same parameters.
 */
import { valueWithGradient } from "@pullback/autodiff";
import { randn, randomKey, type Tensor, tensor } from "@pullback/core";
import {
  Adam,
  crossEntropy,
  Embedding,
  type Layer,
  LayerNorm,
  LearnedPositions,
  Linear,
  loadStateDict,
  MultiHeadAttention,
  SGD,
  stateDict,
} from "@pullback/nn";
import { LeNet, Mlp } from "../engine/models.ts";

export interface DecoderSize {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly tokens: number;
  readonly sequence: number;
  readonly batch: number;
}

/** The decoder: small enough for an engine that computes in plain JavaScript. */
export const decoderSize = {
  width: 128,
  layers: 2,
  heads: 4,
  tokens: 256,
  sequence: 64,
  batch: 4,
} as const satisfies DecoderSize;

class Block implements Layer<Tensor, Tensor> {
  readonly norm1 = new LayerNorm(decoderSize.width);
  readonly attention = new MultiHeadAttention(decoderSize.width, decoderSize.heads, { causal: true });
  readonly norm2 = new LayerNorm(decoderSize.width);
  readonly up = new Linear(decoderSize.width, 4 * decoderSize.width);
  readonly down = new Linear(4 * decoderSize.width, decoderSize.width);

  forward(x: Tensor): Tensor {
    const attended = x.add(this.attention.forward(this.norm1.forward(x)));
    return attended.add(this.down.forward(this.up.forward(this.norm2.forward(attended)).gelu("tanh")));
  }
}

/** A decoder, pre-normalised, with learned positions. */
class Decoder implements Layer<Tensor, Tensor> {
  readonly embed = new Embedding(decoderSize.tokens, decoderSize.width);
  readonly positions = new LearnedPositions(decoderSize.sequence, decoderSize.width);
  readonly blocks = Array.from({ length: decoderSize.layers }, () => new Block());
  readonly norm = new LayerNorm(decoderSize.width);
  readonly out = new Linear(decoderSize.width, decoderSize.tokens);

  forward(tokens: Tensor): Tensor {
    let x = this.positions.forward(this.embed.forward(tokens));
    for (const block of this.blocks) x = block.forward(x);
    return this.out.forward(this.norm.forward(x));
  }
}

/** A training step, whose loss is read at its end. */
export type Step = () => number;

export type ModelName = "mlp" | "lenet" | "decoder";

/** Host data with a shape: what every contender starts from. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** The batch of a model, and its parameters at the start. */
export interface Start {
  readonly input: Values;
  readonly labels: Values;
  readonly parameters: ReadonlyMap<string, Values>;
  /** Of a decoder that is larger or smaller than `decoderSize`. */
  readonly decoder?: DecoderSize;
}

const valuesOf = (x: Tensor): Values => ({ shape: x.shape, data: x.dataSync() as Values["data"] });
const integers = (shape: readonly number[], below: number): Values => ({
  shape,
  data: Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7919) % below),
});

const made: Readonly<Record<ModelName, () => Layer<Tensor, Tensor>>> = {
  mlp: () => new Mlp(),
  lenet: () => new LeNet(),
  decoder: () => new Decoder(),
};

/** Random parameters and a batch, on the host. */
export function startOf(name: ModelName): Start {
  const { batch, sequence, tokens } = decoderSize;
  const parameters = new Map([...stateDict(made[name]())].map(([path, x]) => [path, valuesOf(x)]));
  if (name === "decoder")
    return { input: integers([batch, sequence], tokens), labels: integers([batch, sequence], tokens - 3), parameters };
  const shape = name === "mlp" ? [128, 784] : [128, 1, 28, 28];
  return { input: valuesOf(randn(shape, { key: randomKey(7) })), labels: integers([128], 10), parameters };
}

const optimizers: Readonly<Record<ModelName, (model: object) => SGD | Adam>> = {
  mlp: (model) => new SGD(model, { learningRate: 0.05 }),
  lenet: (model) => new SGD(model, { learningRate: 0.05 }),
  decoder: (model) => new Adam(model, { learningRate: 1e-3, epsilon: 1e-7 }),
};

/** The step of a model on the current backend. */
export function stepOf(name: ModelName, start: Start): Step {
  const tensorOf = ({ data, shape }: Values): Tensor => tensor(data, { shape });
  const model = made[name]();
  loadStateDict(model, new Map([...start.parameters].map(([path, values]) => [path, tensorOf(values)])));
  const optimizer = optimizers[name](model);
  const [input, labels] = [tensorOf(start.input), tensorOf(start.labels)];
  const gradientOf = valueWithGradient(
    (m: Layer<Tensor, Tensor>, x: Tensor, y: Tensor) => crossEntropy(m.forward(x), y),
    { wrt: 0 },
  );
  return () => {
    const { value, gradient } = gradientOf(model, input, labels);
    optimizer.update(model, gradient);
    return value.item();
  };
}
