/**
 * The models of ../models.ts in jax-js: `jax.ts NAME ROUNDS`. The whole step, with its gradient and the update, is traced
 * once and compiled to WebAssembly. Arrays are used up; `ref` keeps one for another use.
 */
import { defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { printTimes } from "./times.ts";

const [name, rounds] = process.argv.slice(2);
await init("wasm");
defaultDevice("wasm");

type Parameters = np.Array[];
type Forward = (parameters: Parameters, x: np.Array) => np.Array;

/** Uniform in ±bound; which numbers they are does not matter to the time. */
function uniform(shape: number[], bound: number): np.Array {
  const size = shape.reduce((a, b) => a * b, 1);
  return np.array(Float32Array.from({ length: size }, () => (2 * Math.random() - 1) * bound)).reshape(shape);
}
const linear = (inputs: number, outputs: number): Parameters => [
  uniform([inputs, outputs], inputs ** -0.5),
  uniform([outputs], inputs ** -0.5),
];
const convolution = (inputs: number, outputs: number, kernel: number): Parameters => [
  uniform([outputs, inputs, kernel, kernel], (inputs * kernel * kernel) ** -0.5),
  uniform([outputs, 1, 1], (inputs * kernel * kernel) ** -0.5),
];
const dense = (x: np.Array, weight: np.Array, bias: np.Array): np.Array => np.matmul(x, weight).add(bias);
const pooled = (x: np.Array): np.Array => {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  return np.max(x.reshape([batch, channels, height / 2, 2, width / 2, 2]), [3, 5]);
};

const mlp: Forward = ([w1, b1, w2, b2, w3, b3], x) =>
  dense(nn.relu(dense(nn.relu(dense(x, w1!, b1!)), w2!, b2!)), w3!, b3!);

const lenet: Forward = ([k1, c1, k2, c2, w1, b1, w2, b2, w3, b3], x) => {
  const low = pooled(nn.relu(lax.convGeneralDilated(x, k1!, [1, 1], "SAME").add(c1!)));
  const high = pooled(nn.relu(lax.convGeneralDilated(low, k2!, [1, 1], "VALID").add(c2!)));
  const hidden = nn.relu(dense(high.reshape([x.shape[0]!, 400]), w1!, b1!));
  return dense(nn.relu(dense(hidden, w2!, b2!)), w3!, b3!);
};

interface Model {
  readonly forward: Forward;
  readonly parameters: () => Parameters;
  readonly input: number[];
}
const models: Readonly<Record<string, Model>> = {
  mlp: {
    forward: mlp,
    parameters: () => [linear(784, 512), linear(512, 512), linear(512, 10)].flat(),
    input: [128, 784],
  },
  lenet: {
    forward: lenet,
    parameters: () =>
      [convolution(1, 6, 5), convolution(6, 16, 5), linear(400, 120), linear(120, 84), linear(84, 10)].flat(),
    input: [128, 1, 28, 28],
  },
};
const model = models[name!];
if (model === undefined) throw new Error(`no ${name} is written for jax-js`);

const x = uniform(model.input, 1.7);
const y = nn.oneHot(np.array(Int32Array.from({ length: 128 }, (_, i) => (i * 7919) % 10)), 10);
const loss = (parameters: Parameters, input: np.Array, labels: np.Array): np.Array =>
  np.sum(nn.logSoftmax(model.forward(parameters, input)).mul(labels)).mul(-1 / 128);
const step = jit((parameters: Parameters, input: np.Array, labels: np.Array) => {
  const [value, gradient] = valueAndGrad(loss)(tree.ref(parameters), input, labels);
  return [value, parameters.map((p, i) => p.sub((gradient as Parameters)[i]!.mul(0.01)))] as [np.Array, Parameters];
});

let parameters = model.parameters();
await printTimes(async () => {
  const [value, next] = step(parameters, x.ref, y.ref) as [np.Array, Parameters];
  parameters = next;
  return (await value.data())[0]!;
}, Number(rounds));
