import { beforeAll, expect, test } from "@jest/globals";
import * as tf from "@tensorflow/tfjs-core";
import {
  BackendError,
  DTypeError,
  fromTfjs,
  memoryStats,
  tensor,
  tfjsFunction,
  toTfjs,
  withBackend,
} from "../index.ts";

const device = "tfjs:cpu";

beforeAll(async () => {
  await withBackend(device, () => 1);
  await tf.setBackend("cpu");
});

test("memory is shared both ways, and outlives either side", () => {
  const theirs = tf.tensor2d([
    [1, 2],
    [3, 4],
  ]);
  const ids = tf.engine().backend.numDataIds();
  const ours = fromTfjs(theirs);
  expect(ours.device).toBe(device);
  expect(tf.engine().backend.numDataIds()).toBe(ids);
  theirs.dispose();
  expect(ours.transpose().toArray()).toEqual([
    [1, 3],
    [2, 4],
  ]);

  const x = tensor([5, 6, 7]).to(device);
  const back = toTfjs(x) as tf.Tensor;
  expect(back).toBeInstanceOf(tf.Tensor);
  expect([...back.dataSync()]).toEqual([5, 6, 7]);
  expect([...(toTfjs(x.slice([null, null, -1])) as tf.Tensor).dataSync()]).toEqual([7, 6, 5]);
  back.dispose();
  expect(x.toArray()).toEqual([5, 6, 7]);
});

test("tfjs counts what it got as its own, and frees it", () => {
  const x = tensor([1, 2]).to(device);
  const before = tf.memory();
  const sum = tf.tidy(() => tf.sum(tf.add(toTfjs(x) as tf.Tensor, 1)).arraySync());
  expect(sum).toBe(5);
  expect(tf.memory().numTensors).toBe(before.numTensors);
  expect(memoryStats(device).live).toBeGreaterThan(0);
});

test("a function of ours is differentiable by tfjs", () => {
  const weight = tensor([1, 2, 3]).to(device);
  const f = tfjsFunction((x) => x.mul(weight).sin());
  const x = tf.tensor1d([0.1, 0.2, 0.3]);
  const gradient = tf.grad((t) => f(t) as tf.Tensor)(x, tf.fill([3], 2));
  const expected = [0.1, 0.2, 0.3].map((value, i) => 2 * (i + 1) * Math.cos((i + 1) * value));
  [...gradient.dataSync()].forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
});

test("what cannot cross is said", async () => {
  expect(() => toTfjs(tensor([1]))).toThrow(BackendError);
  expect(() => toTfjs(tensor([1]))).toThrow(/x\.to\("tfjs:wasm"\)/);
  const gone = tf.tensor1d([1]);
  gone.dispose();
  expect(() => fromTfjs(gone)).toThrow(BackendError);
  expect(() => fromTfjs(tf.tensor(["a"]))).toThrow(DTypeError);
});
