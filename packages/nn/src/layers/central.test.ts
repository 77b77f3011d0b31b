/** Layers without reference numbers: their derivatives against central differences, and what each computes by hand. */
import { describe, expect, test } from "@jest/globals";
import { valueWithGradient } from "@pullback/autodiff";
import { ones, randomKey, type Tensor, tensor } from "@pullback/core";
import { centralGradient, distance, smoothValues, wide } from "../../testdata/central.ts";
import { copy, mapParameters, namedParameters, setMode, stateDict } from "../parameters/index.ts";
import { setSlot } from "../parameters/slots.ts";
import * as layers from "./index.ts";

const gradients = valueWithGradient((layer: layers.Layer<Tensor, Tensor>, input: Tensor, weights: Tensor) =>
  layer.forward(input).mul(weights).sum(),
);

/** Every parameter's and the input's gradient, of a sum with unequal weights. */
function check(make: layers.Layer<Tensor, Tensor>, shape: readonly number[], tolerance = 2e-8): void {
  const layer = mapParameters(make, wide);
  const input = smoothValues(shape);
  const weights = smoothValues(layer.forward(input).shape, 2);
  const lossOf = (l: layers.Layer<Tensor, Tensor>, x: Tensor) => l.forward(x).mul(weights).sum();
  const found: any = gradients(layer, input, weights).gradient;
  expect(
    distance(
      found[1],
      centralGradient((x) => lossOf(layer, x), input),
    ),
  ).toBeLessThan(tolerance);
  const byName = stateDict(found[0]);
  for (const [path, value] of namedParameters(layer)) {
    const expected = centralGradient((moved) => {
      const other: any = copy(layer);
      const fields = path.split(".");
      const holder = fields.slice(0, -1).reduce((object, field) => object[field], other);
      setSlot(holder, fields.at(-1)!, moved);
      return lossOf(other, input);
    }, value as Tensor);
    expect(distance(byName.get(path)!, expected)).toBeLessThan(tolerance);
  }
}

const evaluating = <L extends object>(layer: L): L => {
  setMode(layer, "eval");
  return layer;
};

/** Draws the same noise at every call. */
class Keyed implements layers.Layer<Tensor, Tensor> {
  constructor(readonly layer: layers.GaussianNoise | layers.GaussianDropout | layers.AlphaDropout) {}
  forward(input: Tensor): Tensor {
    return this.layer.forward(input, randomKey(5));
  }
}

/** With both factors away from zero, on a base in float64, which is no parameter. */
function adapted(): layers.LoRA {
  const layer = new layers.LoRA(mapParameters(new layers.Linear(4, 3), wide), { rank: 2, alpha: 3 });
  layer.up = smoothValues([3, 2]);
  return layer;
}

describe("derivatives", () => {
  test.each<[string, () => layers.Layer<Tensor, Tensor>, readonly number[]]>([
    ["ReLU", () => new layers.ReLU(), [7]],
    ["ReLU6", () => new layers.ReLU6(), [7]],
    ["SELU", () => new layers.SELU(), [7]],
    ["SiLU", () => new layers.SiLU(), [7]],
    ["Mish", () => new layers.Mish(), [7]],
    ["Sigmoid", () => new layers.Sigmoid(), [7]],
    ["LogSigmoid", () => new layers.LogSigmoid(), [7]],
    ["Tanh", () => new layers.Tanh(), [7]],
    ["Softplus", () => new layers.Softplus(), [7]],
    ["Softsign", () => new layers.Softsign(), [7]],
    ["HardTanh", () => new layers.HardTanh(), [7]],
    ["HardSigmoid", () => new layers.HardSigmoid(), [7]],
    ["HardSwish", () => new layers.HardSwish(), [7]],
    ["LeakyReLU", () => new layers.LeakyReLU(0.2), [7]],
    ["ELU", () => new layers.ELU(0.7), [7]],
    ["CELU", () => new layers.CELU(0.7), [7]],
    ["GELU", () => new layers.GELU(), [7]],
    ["GELU tanh", () => new layers.GELU("tanh"), [7]],
    ["SoftCap", () => new layers.SoftCap(2), [7]],
    ["Softmax", () => new layers.Softmax(1), [2, 3, 2]],
    ["LogSoftmax", () => new layers.LogSoftmax(), [2, 3]],
    ["PReLU", () => new layers.PReLU(3), [2, 3, 2]],
    ["PReLU of one slope", () => new layers.PReLU(), [2, 3]],
    ["Flatten", () => new layers.Flatten(), [2, 3, 2]],
    ["Reshape", () => new layers.Reshape([3, -1]), [2, 6]],
    ["Padding", () => new layers.Padding([1, [0, 2]], { mode: "reflect" }), [1, 2, 3, 4]],
    ["Padding last", () => new layers.Padding(1, { value: 3, layout: "channelsLast" }), [1, 2, 3, 2]],
    ["SinusoidalPositions", () => new layers.SinusoidalPositions(), [2, 3, 4]],
    ["LearnedPositions", () => new layers.LearnedPositions(5, 4, { key: randomKey(1) }), [2, 3, 4]],
    ["RotaryPositions", () => new layers.RotaryPositions(), [2, 3, 4]],
    ["GaussianNoise", () => new Keyed(new layers.GaussianNoise(0.3)), [2, 5]],
    ["GaussianDropout", () => new Keyed(new layers.GaussianDropout(0.3)), [2, 5]],
    ["AlphaDropout", () => new Keyed(new layers.AlphaDropout(0.3)), [2, 5]],
    ["GroupNorm", () => new layers.GroupNorm(2, 4), [2, 4, 3]],
    ["InstanceNorm last", () => new layers.InstanceNorm(3, { axis: -1 }), [2, 4, 3]],
    ["BatchNorm training", () => new layers.BatchNorm(3), [4, 3, 2]],
    ["BatchNorm evaluating", () => evaluating(new layers.BatchNorm(3)), [4, 3, 2]],
    [
      "Bidirectional average",
      () => new layers.Bidirectional({ layer: "GRU", arguments: [2, 3] }, { merge: "average" }),
      [2, 4, 2],
    ],
    [
      "Bidirectional multiply",
      () => new layers.Bidirectional({ layer: layers.LSTM, arguments: [2, 3] }, { merge: "multiply" }),
      [2, 3, 2],
    ],
    ["Conv2d", () => new layers.Conv2d(2, 4, [3, 2], { groups: 2, stride: 2, padding: 1 }), [1, 2, 5, 4]],
    ["ConvTranspose3d", () => new layers.ConvTranspose3d(2, 1, 2, { stride: 2 }), [1, 2, 2, 2, 2]],
    ["SeparableConv1d", () => new layers.SeparableConv1d(2, 3, 3, { multiplier: 2 }), [2, 2, 6]],
    ["MaxPool2d", () => new layers.MaxPool2d(2), [1, 2, 4, 6]],
    ["MaxPool1d", () => new layers.MaxPool1d(3, { stride: 2 }), [1, 2, 7]],
    ["MaxPool3d", () => new layers.MaxPool3d(2), [1, 1, 2, 4, 2]],
    ["AvgPool1d", () => new layers.AvgPool1d(2), [1, 2, 6]],
    ["AvgPool2d", () => new layers.AvgPool2d(3, { stride: 2, padding: 1 }), [1, 2, 5, 5]],
    ["AvgPool3d", () => new layers.AvgPool3d(2), [1, 1, 2, 4, 2]],
    ["GlobalAvgPool1d", () => new layers.GlobalAvgPool1d(), [2, 3, 4]],
    ["GlobalAvgPool2d", () => new layers.GlobalAvgPool2d({ layout: "channelsLast" }), [2, 3, 4, 2]],
    ["GlobalAvgPool3d", () => new layers.GlobalAvgPool3d(), [1, 2, 2, 3, 2]],
    ["GlobalMaxPool1d", () => new layers.GlobalMaxPool1d(), [2, 3, 4]],
    ["GlobalMaxPool2d", () => new layers.GlobalMaxPool2d(), [2, 3, 4, 2]],
    ["GlobalMaxPool3d", () => new layers.GlobalMaxPool3d(), [1, 2, 2, 3, 2]],
    ["FractionalMaxPool2d", () => new layers.FractionalMaxPool2d(2, { key: randomKey(4) }), [1, 2, 5, 5]],
    ["UpSampling", () => new layers.UpSampling(3), [1, 2, 2, 3]],
    ["UpSampling bilinear", () => new layers.UpSampling(2, { mode: "bilinear" }), [1, 2, 2, 3]],
    ["Dilation2d", () => new layers.Dilation2d(2, 2), [1, 2, 4, 4]],
    ["Erosion2d", () => new layers.Erosion2d(2, 2), [1, 2, 4, 4]],
    ["LoRA", adapted, [2, 4]],
    [
      "Sequential",
      () => new layers.Sequential(new layers.Linear(3, 4), new layers.Tanh(), new layers.LayerNorm(4)),
      [2, 3],
    ],
  ])("%s", (_, make, shape) => check(make(), shape));

  test("Bilinear", () => {
    const layer = mapParameters(new layers.Bilinear(2, 3, 2, { key: randomKey(3) }), wide);
    const [a, b, w] = [smoothValues([4, 2]), smoothValues([4, 3], 1), smoothValues([4, 2], 2)];
    const lossOf = (l: layers.Bilinear, x: Tensor, y: Tensor) => l.forward(x, y).mul(w).sum();
    const [ofLayer, ofA, ofB] = valueWithGradient(lossOf)(layer, a, b).gradient;
    const close = (found: Tensor, f: (x: Tensor) => Tensor, at: Tensor) =>
      expect(distance(found, centralGradient(f, at))).toBeLessThan(1e-8);
    close(ofA, (x) => lossOf(layer, x, b), a);
    close(ofB, (y) => lossOf(layer, a, y), b);
    close(ofLayer.weight, (weight) => lossOf(Object.assign(copy(layer), { weight }), a, b), layer.weight);
    close(ofLayer.bias!, (bias) => lossOf(Object.assign(copy(layer), { bias }), a, b), layer.bias!);
    const [x, y] = [a.toArray() as number[][], b.toArray() as number[][]];
    const [W, c] = [layer.weight.toArray() as number[][][], layer.bias!.toArray() as number[]];
    const byHand = x.map((xs, n) =>
      W.map(
        (Wk, k) => c[k]! + xs.reduce((sum, xi, i) => sum + y[n]!.reduce((s, yj, j) => s + xi * Wk[i]![j]! * yj, 0), 0),
      ),
    );
    expect(distance(layer.forward(a, b), byHand.flat())).toBeLessThan(1e-12);
  });

  test("a Lambda trains what it captures", () => {
    const scale = { weight: tensor(2) };
    const loss = (s: { weight: Tensor }, x: Tensor) => {
      const layer = new layers.Lambda((input: Tensor) => input.mul(s.weight));
      return layer.forward(x).sum();
    };
    const [ofScale, ofInput] = valueWithGradient(loss)(scale, tensor([1, 4])).gradient;
    expect([ofScale.weight.item(), ofInput.toArray()]).toEqual([5, [2, 2]]);
  });
});

describe("BatchNorm", () => {
  test("writes its running statistics once per operator call; they are seen in the model afterwards", () => {
    const layer = new layers.BatchNorm(2, { momentum: 0.5 });
    const x = tensor([[1, 10], [3, 30]]); // biome-ignore format: rows
    gradients(layer, x, ones([2, 2]));
    // Mean 2 and 20; unbiased variance 2 and 200.
    expect(layer.runningMean.toArray()).toEqual([1, 10]);
    expect(layer.runningVariance.toArray()).toEqual([1.5, 100.5]);
    setMode(layer, "eval");
    gradients(layer, x, ones([2, 2]));
    expect(layer.runningMean.toArray()).toEqual([1, 10]);
  });

  test("running statistics are buffers: in the model's dict, not in its tangent's, not parameters", () => {
    const layer = new layers.BatchNorm(2);
    expect([...stateDict(layer).keys()]).toEqual(["weight", "bias", "runningMean", "runningVariance"]);
    const tangent: any = gradients(layer, smoothValues([3, 2]).cast("float32"), ones([3, 2])).gradient;
    expect([...stateDict(tangent[0]).keys()]).toEqual(["weight", "bias"]);
    expect([...namedParameters(layer).keys()]).toEqual(["weight", "bias"]);
  });
});

describe("noise", () => {
  const many = ones([40000]);
  test.each<[string, layers.GaussianNoise | layers.GaussianDropout, number]>([
    ["GaussianNoise", new layers.GaussianNoise(0.5), 0.5],
    ["GaussianDropout", new layers.GaussianDropout(0.2), 0.5],
  ])("%s keeps the mean and has its deviation; without training it is the identity", (_, layer, deviation) => {
    const y = layer.forward(many, randomKey(1));
    expect(Math.abs(y.mean().item() - 1)).toBeLessThan(0.01);
    expect(Math.abs(y.std().item() - deviation)).toBeLessThan(0.01);
    layer.training = false;
    expect(layer.forward(many)).toBe(many);
  });

  test("AlphaDropout keeps mean 0 and variance 1", () => {
    const x = smoothValues([40000]);
    const standard = x.sub(x.mean()).div(x.std());
    const y = new layers.AlphaDropout(0.3).forward(standard, randomKey(2));
    expect(Math.abs(y.mean().item())).toBeLessThan(0.02);
    expect(Math.abs(y.std().item() - 1)).toBeLessThan(0.02);
  });

  test("rates of 1 and negative deviations are refused", () => {
    expect(() => new layers.AlphaDropout(1)).toThrow(/PB7402|rate is 1/);
    expect(() => new layers.GaussianDropout(1)).toThrow(/rate is 1/);
    expect(() => new layers.GaussianNoise(-1)).toThrow(/deviation is -1/);
  });
});

test("heads that do not divide the features are refused", () => {
  expect(() => new layers.MultiHeadAttention(6, 4)).toThrow(/4 heads/);
  expect(() => new layers.MultiHeadAttention(6, 3, { keyValueHeads: 2 })).toThrow(/2 heads/);
});

test("sinusoidal positions as the paper's formula", () => {
  const table = new layers.SinusoidalPositions()
    .forward(tensor(new Float32Array(15), { shape: [3, 5] }))
    .toArray() as number[][];
  for (let p = 0; p < 3; p++) {
    for (let i = 0; i < 5; i++) {
      const angle = p / 10000 ** ((2 * Math.floor(i / 2)) / 5);
      expect(table[p]![i]).toBeCloseTo(i % 2 === 0 ? Math.sin(angle) : Math.cos(angle), 5);
    }
  }
});
