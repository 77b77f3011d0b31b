/** The models of ../models.ts in TensorFlow.js alone (bench/backends/native.ts): `tfjs.ts NAME cpu|wasm ROUNDS`. */
import { randn, type Tensor, useBackend } from "@pullback/core";
import { stateDict } from "@pullback/nn";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { registerGradients } from "../../backends/gradients.ts";
import type { Start, Values } from "../../backends/models.ts";
import { stepOf } from "../../backends/native.ts";
import { Decoder, LeNet, labelsOf, Mlp } from "../models.ts";
import { printTimes } from "./times.ts";

const [name, engine, rounds] = process.argv.slice(2);

const starts: Readonly<Record<string, () => { model: object; input: Tensor; labels: Tensor }>> = {
  mlp: () => ({ model: new Mlp(), input: randn([128, 784]), labels: labelsOf([128], 10) }),
  lenet: () => ({ model: new LeNet(), input: randn([128, 1, 28, 28]), labels: labelsOf([128], 10) }),
  decoder: () => ({ model: new Decoder(), input: labelsOf([8, 128], 1024), labels: labelsOf([8, 128], 1021) }),
};
const start = starts[name as keyof typeof starts];
if (start === undefined) throw new Error(`bench/backends/native.ts has no ${name}`);

const valuesOf = (x: Tensor): Values => ({ shape: x.shape, data: x.dataSync() as Values["data"] });
await useBackend("eager");
const { model, input, labels } = start();
const values: Start = {
  input: valuesOf(input),
  labels: valuesOf(labels),
  parameters: new Map([...stateDict(model)].map(([path, x]) => [path, valuesOf(x)])),
  decoder: { width: 256, layers: 4, heads: 8, tokens: 1024, sequence: 128, batch: 8 },
};
await registerGradients();
await tf.setBackend(engine!);
await printTimes(stepOf(name as "mlp", values), Number(rounds));
