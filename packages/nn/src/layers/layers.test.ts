/** Initial values, modes, ties and types of the layers. */
import { describe, expect, test } from "@jest/globals";
import type { TangentVector } from "@pullback/autodiff";
import { IndexError, ones, randn, randomKey, setSeed, type Tensor, tensor } from "@pullback/core";
import { ParameterError } from "../errors.ts";
import { Dropout, Embedding, GeGLU, LayerNorm, Linear, RMSNorm, Sequential } from "./index.ts";

const extremes = (x: Tensor) => [x.min().item(), x.max().item()];

describe("initial values", () => {
  test("Linear: uniform in ±1/sqrt(in), weight and bias", () => {
    const layer = new Linear(400, 300, { key: randomKey(3) });
    for (const x of [layer.weight, layer.bias!]) {
      const [low, high] = extremes(x);
      expect(low).toBeGreaterThanOrEqual(-0.05);
      expect(low).toBeLessThan(-0.049);
      expect(high).toBeLessThanOrEqual(0.05);
      expect(high).toBeGreaterThan(0.049);
    }
    expect(Math.abs(layer.weight.mean().item())).toBeLessThan(0.001);
    expect(layer.weight.std().item()).toBeCloseTo(0.05 / Math.sqrt(3), 3);
  });

  test("Embedding: standard normal; norms: the identity", () => {
    const { weight } = new Embedding(200, 100, { key: randomKey(1) });
    expect(Math.abs(weight.mean().item())).toBeLessThan(0.03);
    expect(Math.abs(weight.std().item() - 1)).toBeLessThan(0.02);
    const x = tensor([3, -4]);
    expect(new RMSNorm(2, { offset: 1 }).weight.toArray()).toEqual([0, 0]);
    expect(new RMSNorm(2, { offset: 1 }).forward(x).toArray()).toEqual(new RMSNorm(2).forward(x).toArray());
    expect(new LayerNorm(2).forward(x).abs().sub(1).abs().max().item()).toBeLessThan(1e-5);
    expect(new LayerNorm([2, 3], { bias: false }).bias).toBeUndefined();
  });

  test("a key, or the seed of the default generator, decides them", () => {
    const weights = (key?: number) => {
      const layer = new GeGLU(3, 4, key === undefined ? {} : { key: randomKey(key) });
      return [layer.gate, layer.up].map((linear) => linear.weight.toArray());
    };
    expect(weights(1)).toEqual(weights(1));
    expect(weights(1)).not.toEqual(weights(2));
    expect(weights(1)[0]).not.toEqual(weights(1)[1]);
    setSeed(5);
    const first = weights();
    setSeed(5);
    expect(weights()).toEqual(first);
    expect(weights()).not.toEqual(first);
  });
});

describe("Dropout", () => {
  test("in training drops and scales; a key decides which; otherwise the identity", () => {
    const layer = new Dropout(0.25);
    const x = ones([10000]);
    const y = layer.forward(x, randomKey(1));
    const kept = y.notEqual(0).cast("float32").mean().item();
    expect(Math.abs(kept - 0.75)).toBeLessThan(0.02);
    expect(extremes(y)).toEqual([0, Math.fround(1 / 0.75)]);
    expect(layer.forward(x, randomKey(1)).toArray()).toEqual(y.toArray());
    expect(layer.forward(x, randomKey(2)).toArray()).not.toEqual(y.toArray());
    setSeed(1);
    const [a, b] = [layer.forward(x), layer.forward(x)];
    setSeed(1);
    expect(layer.forward(x).toArray()).toEqual(a.toArray());
    expect(b.toArray()).not.toEqual(a.toArray());
    layer.training = false;
    expect(layer.forward(x)).toBe(x);
  });

  test("rates are probabilities", () => {
    expect(() => new Dropout(1.5)).toThrow(ParameterError);
    expect(() => new Dropout(Number.NaN)).toThrow(ParameterError);
  });
});

test("Embedding attends with the table it embeds with, and refuses what is not in it", () => {
  const layer = new Embedding(3, 2);
  layer.weight = tensor([[1, 0], [0, 2], [3, 3]]); // biome-ignore format: rows
  expect(layer.forward(tensor([[2, 0]], { dtype: "int32" })).toArray()).toEqual([[[3, 3], [1, 0]]]); // biome-ignore format: rows
  expect(layer.attend(tensor([[1, 10]])).toArray()).toEqual([[1, 20, 33]]);
  expect(() => layer.forward(tensor([3], { dtype: "int32" }))).toThrow(IndexError);
});

describe("Sequential", () => {
  test("applies its layers in order, given one by one or as an array", () => {
    const [first, second] = [new Linear(4, 3), new Linear(3, 2)];
    const x = randn([5, 4]);
    const expected = second.forward(first.forward(x)).toArray();
    expect(new Sequential(first, second).forward(x).toArray()).toEqual(expected);
    expect(new Sequential([first, second]).forward(x).toArray()).toEqual(expected);
    expect(new Sequential().forward(x)).toBe(x);
    expect(new Sequential(first).layers).toEqual([first]);
  });

  test("its tangent's type knows each layer", () => {
    const model = new Sequential([new Linear(2, 2), new Dropout(), new LayerNorm(2)]);
    const tangent: TangentVector<typeof model> = {
      layers: [{ weight: ones([2, 2]), bias: ones([2]) }, {}, { weight: ones([2]), bias: ones([2]) }],
    };
    const weight: Tensor = tangent.layers[0].weight;
    expect(weight.shape).toEqual([2, 2]);
    // @ts-expect-error: a Dropout has no weight
    expect(tangent.layers[1].weight).toBeUndefined();
  });
});
