/**
 * The same training steps in TensorFlow.js alone, as its users write them: its layouts, its fused kernels, its tape and
 * its optimizers. They start from the parameters of models.ts.
 */
import * as tf from "@tensorflow/tfjs-core";
import { decoderSize, type ModelName, type Start, type Step, type Values } from "./models.ts";

/** The parameters as variables, by the path that they have in our model. */
type Parameters = (path: string) => tf.Variable;

function tensorOf({ data, shape }: Values): tf.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? "int32" : "float32");
}

/** A weight [out, in] as tfjs has it, [in, out]; a kernel [O, I, H, W] as [H, W, I, O]. */
function arranged(path: string, x: tf.Tensor): tf.Tensor {
  if (x.rank === 4) return tf.transpose(x, [2, 3, 1, 0]);
  return x.rank === 2 && !/embed|positions/.test(path) ? tf.transpose(x) : x;
}

/** `x · w + b` for rows x, with the activation inside the kernel. */
function dense(p: Parameters, path: string, x: tf.Tensor, activation: "linear" | "relu" = "linear"): tf.Tensor {
  return tf.fused.matMul({
    a: x as tf.Tensor2D,
    b: p(`${path}.weight`) as tf.Tensor2D,
    bias: p(`${path}.bias`),
    activation,
  });
}

function crossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  return tf.losses.softmaxCrossEntropy(labels, logits) as tf.Scalar;
}

type Loss = () => tf.Scalar;

function mlp(p: Parameters, { input, labels }: Start): Loss {
  const x = tensorOf(input);
  const y = tf.oneHot(tensorOf(labels), 10);
  return () => crossEntropy(y, dense(p, "out", dense(p, "second", dense(p, "first", x, "relu"), "relu")));
}

function lenet(p: Parameters, { input, labels }: Start): Loss {
  const x = tf.transpose(tensorOf(input), [0, 2, 3, 1]) as tf.Tensor4D;
  const y = tf.oneHot(tensorOf(labels), 10);
  // Our columns of the first linear map are channels, rows, columns.
  const first = p("full1.weight");
  first.assign(tf.reshape(tf.transpose(tf.reshape(first, [16, 5, 5, 120]), [1, 2, 0, 3]), [400, 120]));
  const convolved = (path: string, of: tf.Tensor4D, pad: "same" | "valid"): tf.Tensor4D => {
    const filter = p(`${path}.weight`) as tf.Tensor4D;
    const own = tf.fused.conv2d({ x: of, filter, strides: 1, pad, bias: p(`${path}.bias`), activation: "relu" });
    return tf.maxPool(own, 2, 2, "valid");
  };
  return () => {
    const high = convolved("conv2", convolved("conv1", x, "same"), "valid");
    const flat = tf.reshape(high, [high.shape[0], 400]);
    return crossEntropy(y, dense(p, "out", dense(p, "full2", dense(p, "full1", flat, "relu"), "relu")));
  };
}

/** `tf.gather` has no derivative on the WebAssembly engine: a product with one-hot rows does its work there. */
function embedded(p: Parameters, tokens: tf.Tensor, count: number): tf.Tensor {
  const table = p("embed.weight");
  if (tf.getBackend() !== "wasm") return tf.gather(table, tokens as tf.Tensor1D);
  return tf.matMul(tf.oneHot(tokens, count) as tf.Tensor2D, table as tf.Tensor2D);
}

function layerNorm(p: Parameters, path: string, x: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  const normalised = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(normalised, p(`${path}.weight`)), p(`${path}.bias`));
}

function gelu(x: tf.Tensor): tf.Tensor {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.pow(x, 3))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
}

function decoder(p: Parameters, { input, labels, decoder: size }: Start): Loss {
  const { width, layers, heads, tokens, sequence, batch } = size ?? decoderSize;
  const [x, y] = [tf.reshape(tensorOf(input), [-1]), tf.oneHot(tf.reshape(tensorOf(labels), [-1]), tokens)];
  const future = tf.mul(tf.sub(tf.linalg.bandPart(tf.ones([sequence, sequence]), -1, 0), 1), 1e9);
  const byHead = (of: tf.Tensor): tf.Tensor =>
    tf.transpose(tf.reshape(of, [batch, sequence, heads, width / heads]), [0, 2, 1, 3]);
  const attention = (path: string, of: tf.Tensor): tf.Tensor => {
    const part = (name: string): tf.Tensor => byHead(dense(p, `${path}.${name}`, of));
    const scores = tf.mul(tf.matMul(part("query"), part("key"), false, true), 1 / Math.sqrt(width / heads));
    const attended = tf.matMul(tf.softmax(tf.add(scores, future)), part("value"));
    const joined = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [batch * sequence, width]);
    return dense(p, `${path}.output`, joined);
  };
  return () => {
    const positions = tf.tile(p("positions.weight"), [batch, 1]);
    let h = tf.add(embedded(p, x, tokens), positions);
    for (let i = 0; i < layers; i++) {
      const path = `blocks.${i}`;
      h = tf.add(h, attention(`${path}.attention`, layerNorm(p, `${path}.norm1`, h)));
      const up = gelu(dense(p, `${path}.up`, layerNorm(p, `${path}.norm2`, h)));
      h = tf.add(h, dense(p, `${path}.down`, up));
    }
    return crossEntropy(y, dense(p, "out", layerNorm(p, "norm", h)));
  };
}

const losses: Readonly<Record<ModelName, (p: Parameters, start: Start) => Loss>> = { mlp, lenet, decoder };
const optimizers: Readonly<Record<ModelName, () => tf.Optimizer>> = {
  mlp: () => tf.train.sgd(0.05),
  lenet: () => tf.train.sgd(0.05),
  decoder: () => tf.train.adam(1e-3, 0.9, 0.999, 1e-7),
};

/** The step of a model on the current engine of TensorFlow.js. */
export function stepOf(name: ModelName, start: Start): Step {
  const variables = new Map(
    [...start.parameters].map(([path, values]) => [path, tf.variable(arranged(path, tensorOf(values)))]),
  );
  const loss = losses[name]((path) => variables.get(path)!, start);
  const optimizer = optimizers[name]();
  const list = [...variables.values()];
  return () => {
    const value = optimizer.minimize(loss, true, list)!;
    const [number] = value.dataSync();
    value.dispose();
    return number!;
  };
}
