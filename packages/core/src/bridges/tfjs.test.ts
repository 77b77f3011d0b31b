import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as tf from "@tensorflow/tfjs-core";
import {
  BackendError,
  DTypeError,
  fromTfjs,
  memoryStats,
  type Tensor,
  tensor,
  tfjsFunction,
  toTfjs,
  withBackend,
} from "../index.ts";

afterAll(() => tf.setBackend("cpu"));

/** The engine's handle on the data of a tensor of ours. */
const handleOf = (x: Tensor): unknown =>
  (x.array.storage as unknown as { entry: { info: { dataId: unknown } } }).entry.info.dataId;

describe.each(["cpu", "wasm"] as const)("on the engine %s", (engine) => {
  const device = `tfjs:${engine}`;

  beforeAll(async () => {
    await withBackend(device, () => 1);
    await tf.setBackend(engine);
  });

  test("memory is shared both ways, and outlives either side", () => {
    const theirs = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    const held = (): unknown => [tf.engine().backend.numDataIds(), memoryStats(device).live];
    const ids = tf.engine().backend.numDataIds();
    const ours = fromTfjs(theirs);
    expect(ours.device).toBe(device);
    expect(handleOf(ours)).toBe(theirs.dataId);
    expect(tf.engine().backend.numDataIds()).toBe(ids);
    theirs.dispose();
    expect(ours.transpose().toArray()).toEqual([
      [1, 3],
      [2, 4],
    ]);

    const x = tensor([5, 6, 7]).to(device);
    const before = held();
    const back = toTfjs(x) as tf.Tensor;
    expect(back).toBeInstanceOf(tf.Tensor);
    expect(back.dataId).toBe(handleOf(x));
    expect(held()).toEqual(before);
    expect([...back.dataSync()]).toEqual([5, 6, 7]);
    // A view that tfjs cannot express is a copy.
    const turned = toTfjs(x.slice([null, null, -1])) as tf.Tensor;
    expect(turned.dataId).not.toBe(handleOf(x));
    expect([...turned.dataSync()]).toEqual([7, 6, 5]);
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
    const f = tfjsFunction((x: Tensor) => x.mul(weight).sin());
    const x = tf.tensor1d([0.1, 0.2, 0.3]);
    const gradient = tf.grad((t) => f(t) as tf.Tensor)(x, tf.fill([3], 2));
    const expected = [0.1, 0.2, 0.3].map((value, i) => 2 * (i + 1) * Math.cos((i + 1) * value));
    [...gradient.dataSync()].forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
  });

  test("variables of tfjs train a model of ours", () => {
    const layer = (x: Tensor, weight: Tensor, bias: Tensor): Tensor => x.matmul(weight).add(bias).tanh();
    const run = tfjsFunction((x: Tensor, wanted: Tensor, weight: Tensor, bias: Tensor) =>
      layer(x, weight, bias).sub(wanted).square().sum(),
    );
    const weight = tf.variable(tf.tensor2d([[0.1], [-0.2]]));
    const bias = tf.variable(tf.tensor1d([0]));
    const x = tf.tensor2d([[1, 2], [3, -1], [-2, 0.5]]); // biome-ignore format: a matrix
    const wanted = tf.tensor2d([[0.5], [-0.5], [0.2]]);
    const loss = (): tf.Scalar => run(x, wanted, weight, bias) as tf.Scalar;
    const { grads } = tf.variableGrads(loss);
    // By hand: 2 (tanh(x w + b) - wanted) (1 - tanh²), summed up over the rows.
    const rows = [[1, 2], [3, -1], [-2, 0.5]] as const; // biome-ignore format: a matrix
    const slopes = rows.map(([p, q], i) => {
      const y = Math.tanh(0.1 * p - 0.2 * q);
      return 2 * (y - [0.5, -0.5, 0.2][i]!) * (1 - y * y);
    });
    const sums = [0, 1].map((column) => rows.reduce((sum, row, i) => sum + row[column]! * slopes[i]!, 0));
    const [ofWeight, ofBias] = [weight, bias].map(({ name }) => [...grads[name]!.dataSync()]);
    sums.forEach((sum, i) => {
      expect(ofWeight![i]).toBeCloseTo(sum, 5);
    });
    expect(ofBias![0]).toBeCloseTo(slopes[0]! + slopes[1]! + slopes[2]!, 5);
    const optimizer = tf.train.sgd(0.05);
    const before = loss().dataSync()[0]!;
    for (let step = 0; step < 50; step++) optimizer.minimize(loss);
    expect(loss().dataSync()[0]!).toBeLessThan(0.5 * before);
  });

  test("what cannot cross is said", () => {
    expect(() => toTfjs(tensor([1]))).toThrow(BackendError);
    expect(() => toTfjs(tensor([1]))).toThrow(/x\.to\("tfjs:wasm"\)/);
    const gone = tf.tensor1d([1]);
    gone.dispose();
    expect(() => fromTfjs(gone)).toThrow(BackendError);
    expect(() => fromTfjs(tf.tensor(["a"]))).toThrow(DTypeError);
  });
});
