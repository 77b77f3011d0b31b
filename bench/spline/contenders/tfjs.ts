/** TensorFlow.js: its tape over its operations, on its JavaScript backend, with its own optimizer. */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import * as tf from "@tensorflow/tfjs-core";
import type { FineTune, Problem } from "../problem.ts";

function loss(c: tf.Variable<tf.Rank.R1>, x: tf.Tensor1D, y: tf.Tensor1D, stiffness: number): tf.Scalar {
  const count = c.shape[0];
  const position = tf.mul(x, count - 3);
  const k = tf.minimum(tf.floor(position), count - 4);
  const u = tf.sub(position, k);
  const v = tf.sub(1, u);
  const control = (j: number) => tf.gather(c, tf.cast(tf.add(k, j), "int32") as tf.Tensor1D);
  const cube = (w: tf.Tensor) => tf.pow(w, 3);
  const inner = (w: tf.Tensor) => tf.add(tf.sub(tf.mul(cube(w), 3), tf.mul(tf.square(w), 6)), 4);
  const value = tf.addN([
    tf.mul(cube(v), control(0)),
    tf.mul(inner(u), control(1)),
    tf.mul(inner(v), control(2)),
    tf.mul(cube(u), control(3)),
  ]);
  const error = tf.mean(tf.square(tf.sub(tf.div(value, 6), y)));
  const part = (start: number) => tf.slice(c, start, count - 2);
  const second = tf.add(tf.sub(part(0), tf.mul(part(1), 2)), part(2));
  return tf.add(error, tf.mul(tf.sum(tf.square(second)), stiffness));
}

export const fineTune: FineTune = async (problem: Problem, steps: number) => {
  await tf.setBackend("cpu");
  const [c, x, y] = [
    tf.variable(tf.tensor1d([...problem.controls])),
    tf.tensor1d([...problem.xs]),
    tf.tensor1d([...problem.ys]),
  ];
  const optimizer = tf.train.momentum(problem.learningRate, problem.momentum);
  for (let step = 0; step < steps; step++) optimizer.minimize(() => loss(c, x, y, problem.stiffness), false, [c]);
  const found = Array.from(await c.data());
  tf.dispose([c, x, y]);
  optimizer.dispose();
  return found;
};
