/** Layers that adapt others, and layers that stay quantised. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { valueWithGradient } from "@pullback/autodiff";
import { DTypeError, isQuantised, loadSafetensors, randn, randomKey, type Tensor } from "@pullback/core";
import { latestCheckpoint, loadCheckpoint } from "../checkpointing/index.ts";
import { meanSquaredError } from "../losses/index.ts";
import { Adam } from "../optimizers/index.ts";
import { copy, loadStateDict, namedParameters, stateDict } from "../parameters/index.ts";
import { fit } from "../training/index.ts";
import { Linear, LoRA, QuantisedLinear, Sequential, Tanh } from "./index.ts";

const key = randomKey;
const worst = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();

describe("LoRA", () => {
  const base = new Linear(5, 3, { key: key(1) });
  const x = randn([4, 5], { key: key(2) });

  test("changes nothing at first, and merges into one layer that computes the same", () => {
    const layer = new LoRA(base, { rank: 2, alpha: 8, key: key(3) });
    expect(layer.forward(x).toArray()).toEqual(base.forward(x).toArray());
    layer.up = randn([3, 2], { key: key(4) });
    const byHand = base.forward(x).add(x.matmul(layer.down.transpose()).matmul(layer.up.transpose()).mul(4));
    expect(worst(layer.forward(x), byHand)).toBeLessThan(1e-5);
    expect(worst(layer.merged().forward(x), byHand)).toBeLessThan(1e-5);
    expect(new LoRA(new Linear(5, 3, { bias: false }), { rank: 1 }).merged().bias).toBeUndefined();
  });

  test("has two parameters; the base is in the state dict, not in the tangent", () => {
    const layer = new LoRA(base, { rank: 2, key: key(3) });
    expect([...namedParameters(layer).keys()]).toEqual(["down", "up"]);
    expect([...stateDict(layer).keys()].sort()).toEqual(["base.bias", "base.weight", "down", "up"]);
    const { gradient } = valueWithGradient((l: LoRA, input: Tensor) => l.forward(input).square().sum())(layer, x);
    expect([...stateDict(gradient[0]).keys()]).toEqual(["down", "up"]);
    const fresh = new LoRA(new Linear(5, 3), { rank: 2 });
    loadStateDict(fresh, stateDict(layer));
    expect(fresh.forward(x).toArray()).toEqual(layer.forward(x).toArray());
  });

  test("drops out the adaptation's input while training", () => {
    const layer = new LoRA(base, { rank: 2, dropout: 1 });
    layer.up = randn([3, 2]);
    expect(layer.forward(x).toArray()).toEqual(base.forward(x).toArray());
    layer.dropout.training = false;
    expect(worst(layer.forward(x), base.forward(x))).toBeGreaterThan(0.01);
  });

  test("ranks are whole numbers", () => {
    expect(() => new LoRA(base, { rank: 0 })).toThrow(/rank is 0/);
  });
});

describe("QuantisedLinear", () => {
  const linear = new Linear(64, 8, { key: key(5) });
  const x = randn([3, 64], { key: key(6) });

  // Half a step of the coarsest block at most: max |w| / 127, / 7 (signed nibbles), and k-quants need 256 columns.
  test.each([
    ["q8_0", 127],
    ["int8c", 127],
    ["q4_0", 7],
    ["int4c", 7],
  ] as const)("%s is near what it was made of", (dtype, levels) => {
    const layer = QuantisedLinear.of(linear, dtype);
    expect([layer.weight.dtype, layer.weight.shape]).toEqual([dtype, [8, 64]]);
    const largest = linear.weight.abs().max().item() / levels;
    const bound = x.abs().sum(-1).max().item() * largest;
    expect(worst(layer.forward(x), linear.forward(x))).toBeLessThan(bound);
    expect(worst(layer.forward(x), x.matmul(layer.weight.cast("float32").transpose()).add(linear.bias!))).toBeLessThan(
      1e-4,
    );
  });

  test("the input's gradient goes back through the decoded weight, the bias has its own", () => {
    const layer = QuantisedLinear.of(linear, "q4_0");
    const weights = randn([3, 8], { key: key(13) });
    const loss = (l: QuantisedLinear, input: Tensor) => l.forward(input).mul(weights).sum();
    const [ofLayer, ofInput] = valueWithGradient(loss)(layer, x).gradient;
    expect(Object.keys(ofLayer)).toEqual(["bias"]);
    expect(worst(ofLayer.bias!, weights.sum(0))).toBeLessThan(1e-5);
    expect(worst(ofInput, weights.matmul(layer.weight.cast("float32")))).toBeLessThan(1e-5);
  });

  test("only the bias is a parameter", () => {
    const layer = QuantisedLinear.of(linear);
    expect([...namedParameters(layer).keys()]).toEqual(["bias"]);
    expect([...stateDict(layer).keys()].sort()).toEqual(["bias", "weight"]);
  });

  test("rows that do not fill blocks are refused", () => {
    expect(() => QuantisedLinear.of(new Linear(40, 2))).toThrow(DTypeError);
  });

  test("takes floating weights, or its own bytes, from a state dict", () => {
    const layer = QuantisedLinear.of(linear, "q4_0");
    const other = QuantisedLinear.of(new Linear(64, 8), "q4_0");
    loadStateDict(other, stateDict(linear));
    expect(other.weight.dtype).toBe("q4_0");
    expect(other.forward(x).toArray()).toEqual(layer.forward(x).toArray());
    expect(() => loadStateDict(other, stateDict(new Linear(32, 8)))).toThrow(/needs \[8,64\]/);
  });
});

describe("adapting a quantised network", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "adapting-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("learns through it, leaves it as it is, and goes on exactly from a checkpoint", async () => {
    const teacher = new Sequential(new Linear(32, 32, { key: key(7) }), new Tanh(), new Linear(32, 2, { key: key(8) }));
    const make = () =>
      new Sequential(
        new LoRA(QuantisedLinear.of(new Linear(32, 32, { key: key(9) })), { rank: 4, key: key(10) }),
        new Tanh(),
        new LoRA(QuantisedLinear.of(new Linear(32, 2, { key: key(11) }), "q4_0"), { rank: 2, key: key(12) }),
      );
    type Student = ReturnType<typeof make>;
    const batches = Array.from({ length: 40 }, (_, i) => {
      const input = randn([16, 32], { key: key(100 + i) });
      return { input, target: teacher.forward(input) };
    });
    const model = make();
    const untouched = copy(model);
    const run = (m: Student, maxSteps: number, checkpoint?: { folder: string }) =>
      fit(m, batches, {
        loss: (student: Student, { input, target }) => meanSquaredError(student.forward(input), target),
        optimizer: new Adam(m, { learningRate: 1e-2 }),
        maxSteps,
        progress: false,
        ...(checkpoint && { checkpoint }),
      });
    const { losses } = await run(model, 120);
    expect(losses.at(-1)!).toBeLessThan(losses[0] / 2);
    const bytes = (m: Student) =>
      [...stateDict(m)].filter(([, w]) => isQuantised(w.dtype)).map(([, w]) => w.dataSync());
    expect(bytes(model)).toEqual(bytes(untouched));
    expect(bytes(model)).toHaveLength(2);

    const resumed = make();
    await run(resumed, 50, { folder });
    const { tensors } = await loadSafetensors((await latestCheckpoint(folder))!);
    expect(tensors.get("layers.0.base.weight")).toMatchObject({ dtype: "uint8", shape: [32, 34] });
    const again = make();
    await loadCheckpoint((await latestCheckpoint(folder))!, {
      model: again,
      optimizer: new Adam(again, { learningRate: 1 }),
    });
    expect(bytes(again)).toEqual(bytes(untouched));
    expect((await run(make(), 120, { folder })).losses).toEqual(losses.slice(50));
  }, 60_000);
});
