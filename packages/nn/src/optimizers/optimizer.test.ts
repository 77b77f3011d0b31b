/** What all optimizers share: ties, misfits, groups, state, dtypes, other leaves and manifolds. */
import { describe, expect, jest, test } from "@jest/globals";
import { manifold, pointwise, vector } from "@pullback/autodiff";
import { CheckpointError, ones, Tensor, tensor, zeros } from "@pullback/core";
import { ParameterError } from "../errors.ts";
import { Embedding, Linear } from "../layers/index.ts";
import { Adam, AdamW, type Clip, type Optimizer, RMSProp, SGD } from "./index.ts";

const linearGradient = (value: number) => ({ weight: ones([2, 3]).mul(value), bias: ones([2]).mul(value) });

function errorOf(f: () => void): ParameterError {
  try {
    f();
  } catch (error) {
    expect(error).toBeInstanceOf(ParameterError);
    return error as ParameterError;
  }
  throw new Error("nothing was thrown");
}

describe("ties", () => {
  test("tangents at both paths are added, and the parameter moves once", () => {
    const layer = new Embedding(1, 2);
    layer.weight = zeros([1, 2]);
    const model = { input: layer, output: layer };
    new SGD(model, { learningRate: 1 }).update(model, {
      input: { weight: tensor([[1, 2]]) },
      output: { weight: tensor([[10, 20]]) },
    });
    expect(layer.weight.toArray()).toEqual([[-11, -22]]);
  });

  test("one tangent object at both paths counts once", () => {
    const layer = { weight: zeros([2]) };
    const model = { input: layer, output: layer };
    const tangent = { weight: ones([2]) };
    new SGD(model, { learningRate: 1 }).update(model, { input: tangent, output: tangent });
    expect(layer.weight.toArray()).toEqual([-1, -1]);
  });

  test("two parameters that start from one tensor move apart, even along one tangent tensor", () => {
    const start = zeros([2]);
    const model = { a: { bias: start }, b: { bias: start } };
    const step = ones([2]);
    new SGD(model, { learningRate: 1 }).update(model, { a: { bias: step }, b: { bias: step.mul(2) } });
    expect([model.a.bias.toArray(), model.b.bias.toArray()]).toEqual([
      [-1, -1],
      [-2, -2],
    ]);
    new SGD(model, { learningRate: 1 }).update(model, { a: { bias: step }, b: { bias: step } });
    expect([model.a.bias.toArray(), model.b.bias.toArray()]).toEqual([
      [-2, -2],
      [-3, -3],
    ]);
  });
});

test("clipping reads nothing back from the backend, unless a number is clipped by a norm", () => {
  const reads = jest.spyOn(Tensor.prototype, "dataSync");
  const items = jest.spyOn(Tensor.prototype, "item");
  const step = (clip: Clip, model: any, gradient: any) => {
    new AdamW(model, { learningRate: 0.1, clip }).update(model, gradient);
    const count = reads.mock.calls.length + items.mock.calls.length;
    reads.mockClear();
    items.mockClear();
    return count;
  };
  const gradient = { weight: ones([2, 3]), bias: ones([2]) };
  for (const clip of [{ globalNorm: 1 }, { norm: 1 }, { value: 0.5 }]) {
    expect(step(clip, new Linear(3, 2), gradient)).toBe(0);
  }
  expect(step({ globalNorm: 1 }, { w: ones([2]), k: 1 }, { w: ones([2]), k: 2 })).toBeGreaterThan(0);
  jest.restoreAllMocks();
});

test("a global norm over tensors of two dtypes and a number, by hand", () => {
  const model = { a: zeros([2]), b: zeros([1], { dtype: "float64" }), k: 0 };
  const gradient = { a: tensor([1, 2]), b: tensor([4], { dtype: "float64" }), k: -2 };
  // The norm is 5: everything is scaled by 2 / 5, as far as 1e-6 is nothing.
  new SGD(model, { learningRate: 1, clip: { globalNorm: 2 } }).update(model, gradient);
  expect([model.a.dtype, model.b.dtype]).toEqual(["float32", "float64"]);
  for (const [i, x] of [...(model.a.toArray() as number[]), model.b.item(), model.k].entries()) {
    expect(x).toBeCloseTo([-0.4, -0.8, -1.6, 0.8][i], 5);
  }
});

describe("a gradient that does not fit", () => {
  const update = (gradient: any) => {
    const model = { inner: new Linear(3, 2) };
    const before = model.inner.weight;
    const error = errorOf(() => new SGD(model, { learningRate: 1 }).update(model, gradient));
    expect(model.inner.weight).toBe(before);
    return [error.code, error.path];
  };

  test("is refused with its path, and nothing moves", () => {
    expect(update({})).toEqual(["PB7401", "inner.weight"]);
    expect(update(undefined)).toEqual(["PB7401", "inner.weight"]);
    expect(update({ inner: { weight: ones([2, 3]) } })).toEqual(["PB7401", "inner.bias"]);
    expect(update({ inner: { ...linearGradient(1), scale: ones([1]) } })).toEqual(["PB7401", "inner.scale"]);
    expect(update({ inner: linearGradient(1), outer: linearGradient(1) })).toEqual(["PB7401", "outer"]);
    expect(update({ inner: { weight: ones([3, 2]), bias: ones([2]) } })).toEqual(["PB7401", "inner.weight"]);
    expect(update({ inner: { weight: 1, bias: ones([2]) } })).toEqual(["PB7401", "inner.weight"]);
    expect(update({ inner: ones([2]) })).toEqual(["PB7401", "inner"]);
  });

  test("bare values and models without parameters are refused", () => {
    expect(errorOf(() => new SGD(ones([2]), { learningRate: 1 })).code).toBe("PB7403");
    expect(errorOf(() => new SGD(3, { learningRate: 1 })).code).toBe("PB7403");
    expect(errorOf(() => new SGD({ name: "x" }, { learningRate: 1 })).code).toBe("PB7403");
  });
});

test.each([
  ["learningRate", { learningRate: Number.NaN }],
  ["learningRate", { learningRate: -1 }],
  ["beta1", { learningRate: 1, beta1: -0.1 }],
  ["epsilon", { learningRate: 1, epsilon: Number.POSITIVE_INFINITY }],
  ["weightDecay", { learningRate: 1, groups: [{ match: () => true, weightDecay: -1 }] }],
])("a hyper-parameter out of range: %s", (name, options) => {
  const error = errorOf(() => new Adam({ w: ones([1]) }, options));
  expect(error.code).toBe("PB7402");
  expect(error.message).toContain(name);
});

test("integer tensors are left alone", () => {
  const steps = tensor([3], { dtype: "int32" });
  const model = { weight: ones([1]), steps };
  new AdamW(model, { learningRate: 0.1 }).update(model, { weight: ones([1]), steps: zeros([1], { dtype: "int32" }) });
  new AdamW(model, { learningRate: 0.1 }).update(model, { weight: ones([1]) } as any);
  expect(model.steps).toBe(steps);
});

test("groups: the first that matches a path counts; weight decay is off for biases and numbers", () => {
  const model = { inner: new Linear(3, 2), gain: 5 };
  model.inner.weight = ones([2, 3]);
  model.inner.bias = ones([2]);
  const zero = { inner: linearGradient(0), gain: 0 };
  const groups = [
    { match: (path: string) => path.endsWith("bias"), weightDecay: 0 },
    { match: (path: string) => path.startsWith("inner"), learningRate: 0.2 },
  ];
  new AdamW(model, { learningRate: 0.1, weightDecay: 0.5, groups }).update(model, zero);
  expect(model.inner.weight.slice(0, 0).item()).toBeCloseTo(0.9, 6);
  expect(model.inner.bias.toArray()).toEqual([1, 1]);
  expect(model.gain).toBe(5);
});

test("numbers are parameters: Adam on a spring, step by step by hand", () => {
  const spring = { k: 2 };
  const optimizer = new Adam(spring, { learningRate: 0.1, epsilon: 0 });
  optimizer.update(spring, { k: 4 });
  expect(spring.k).toBeCloseTo(1.9, 12); // the first step of Adam is the rate, whatever the gradient
  optimizer.update(spring, { k: -4 });
  const mean = (0.9 * 0.1 * 4 - 0.1 * 4) / (1 - 0.81);
  expect(spring.k).toBeCloseTo(1.9 - (0.1 * mean) / 4, 12);
});

test("bfloat16 parameters keep float32 state and are rounded once", () => {
  const model = { w: ones([4]).cast("bfloat16") };
  const wide = { w: ones([4]) };
  const [optimizer, reference] = [model, wide].map((m) => new Adam(m, { learningRate: 0.01 }));
  const gradient = tensor([1, -0.5, 0.25, 3]).cast("bfloat16");
  optimizer.update(model, { w: gradient });
  reference.update(wide, { w: gradient.cast("float32") });
  expect(model.w.dtype).toBe("bfloat16");
  expect(model.w.toArray()).toEqual(wide.w.cast("bfloat16").toArray());
  for (const leaves of Object.values(optimizer.state().slots))
    expect((leaves.get("w") as Tensor).dtype).toBe("float32");
});

describe("state", () => {
  const makers: [string, (model: object) => Optimizer<any>][] = [
    ["SGD", (m) => new SGD(m, { learningRate: 0.1, momentum: 0.9 })],
    ["AdamW", (m) => new AdamW(m, { learningRate: (step) => 0.1 / (1 + step) })],
    ["RMSProp", (m) => new RMSProp(m, { learningRate: 0.1, momentum: 0.9, centered: true })],
  ];
  test.each(makers)("%s goes on exactly from a state, on a copy of the model", (_, make) => {
    const gradientAt = (step: number) => ({ w: tensor([Math.sin(step), Math.cos(step)]), x: Math.sin(3 * step) });
    const run = { w: tensor([1, 2]), x: 3 };
    const optimizer = make(run);
    for (let step = 0; step < 3; step++) optimizer.update(run, gradientAt(step));
    const resumed = { ...run };
    const second = make(resumed);
    second.loadState(optimizer.state());
    for (let step = 3; step < 6; step++) {
      optimizer.update(run, gradientAt(step));
      second.update(resumed, gradientAt(step));
    }
    expect([resumed.w.toArray(), resumed.x, second.step]).toEqual([run.w.toArray(), run.x, 6]);
  });

  test("anything else is refused", () => {
    const optimizer = new SGD({ w: ones([1]) }, { learningRate: 1 });
    expect(() => optimizer.loadState({} as any)).toThrow(CheckpointError);
  });
});

describe("leaves and manifolds of others", () => {
  // A leaf type that knows nothing of Tensor: a pair of numbers.
  class Pair {
    constructor(
      readonly x: number,
      readonly y: number,
    ) {}
    get [vector]() {
      return pairVector;
    }
    get [pointwise]() {
      return undefined;
    }
  }
  const pairVector = {
    add: (a: Pair, b: Pair) => new Pair(a.x + b.x, a.y + b.y),
    subtract: (a: Pair, b: Pair) => new Pair(a.x - b.x, a.y - b.y),
    scale: (a: Pair, factor: number) => new Pair(a.x * factor, a.y * factor),
    dot: (a: Pair, b: Pair) => a.x * b.x + a.y * b.y,
    zero: () => new Pair(0, 0),
  };

  test("SGD with momentum and clipping moves any leaf", () => {
    const model = { p: new Pair(1, 1) };
    const optimizer = new SGD(model, { learningRate: 1, momentum: 0.5, clip: { globalNorm: 5 } });
    optimizer.update(model, { p: new Pair(3, 4) });
    optimizer.update(model, { p: new Pair(0, 0) });
    expect(model.p.x).toBeCloseTo(1 - 3 - 1.5, 5);
    expect(model.p.y).toBeCloseTo(1 - 4 - 2, 5);
    const adam = new Adam(model, { learningRate: 1 });
    expect(errorOf(() => adam.update(model, { p: new Pair(1, 1) })).code).toBe("PB7403");
  });

  test("a type that brings its own tangent is moved by its own move", () => {
    class Angle {
      cos = 1;
      sin = 0;
      get [manifold]() {
        return {
          zero: () => 0,
          project: () => 0,
          move(x: Angle, t: number) {
            const { cos, sin } = x;
            x.cos = cos * Math.cos(t) - sin * Math.sin(t);
            x.sin = sin * Math.cos(t) + cos * Math.sin(t);
          },
        };
      }
    }
    const model = { angle: new Angle(), gain: 1 };
    const optimizer = new SGD(model, { learningRate: 0.1, momentum: 0.9 });
    optimizer.update(model, { angle: 2, gain: 1 });
    optimizer.update(model, { angle: 0, gain: 0 });
    expect(Math.atan2(model.angle.sin, model.angle.cos)).toBeCloseTo(-0.2 - 0.18, 12);
    expect(model.gain).toBeCloseTo(1 - 0.1 - 0.09, 12);
  });
});

describe("master weights", () => {
  test("steps below a bfloat16's rounding add up, and travel with the state", () => {
    const run = (masterWeights: boolean) => {
      const model = { weight: tensor([1]).cast("bfloat16") };
      const optimizer = new SGD(model, { learningRate: 1e-3, masterWeights });
      for (let i = 0; i < 16; i++) optimizer.update(model, { weight: tensor([-1]).cast("bfloat16") });
      return { model, optimizer };
    };
    expect(run(false).model.weight.cast("float32").toArray()).toEqual([1]);
    const { model, optimizer } = run(true);
    expect(model.weight.dtype).toBe("bfloat16");
    expect(model.weight.cast("float32").toArray()).toEqual([1.015625]);
    const master = optimizer.state().slots.master!.get("weight") as Tensor;
    expect(master.item()).toBeCloseTo(1.016, 5);
    const again = new SGD(model, { learningRate: 1e-3, masterWeights: true });
    again.loadState(optimizer.state());
    again.update(model, { weight: tensor([-1]).cast("bfloat16") });
    expect((again.state().slots.master!.get("weight") as Tensor).item()).toBeCloseTo(1.017, 5);
  });
});
