/** Freezing, averaging and summaries. */
import { expect, test } from "@jest/globals";
import { move, tangent } from "@pullback/autodiff";
import { ones, randomKey, type Tensor, tensor, zeros } from "@pullback/core";
import { Dropout, Embedding, type Layer, Linear, Sequential } from "../layers/index.ts";
import { AdamW } from "../optimizers/index.ts";
import { copy, freeze, namedParameters, summary, unfreeze } from "./index.ts";

class Model implements Layer<Tensor, Tensor> {
  readonly embed = new Embedding(5, 4);
  readonly body = new Sequential(new Linear(4, 3), new Dropout(0.5), new Linear(3, 4));
  readonly unused = new Linear(2, 1, { bias: false });
  forward(tokens: Tensor): Tensor {
    return this.embed.attend(this.body.forward(this.embed.forward(tokens)));
  }
}

const everywhere = (model: Model, value: number) => tangent.map((x: Tensor) => ones(x.shape).mul(value), model as any);

test("frozen parameters do not move, not by weight decay either, until they are unfrozen", () => {
  const model = new Model();
  const before = new Map([...namedParameters(model)].map(([path, x]) => [path, (x as Tensor).toArray()]));
  expect(freeze(model.body.layers[0])).toBe(2);
  expect(freeze(model, (path) => path.endsWith("bias"))).toBe(2);
  const optimizer = new AdamW(model, { learningRate: 0.1, weightDecay: 0.5 });
  optimizer.update(model, everywhere(model, 1));
  const moved = [...namedParameters(model)].flatMap(([path, x]) =>
    JSON.stringify((x as Tensor).toArray()) === JSON.stringify(before.get(path)) ? [] : [path],
  );
  expect(moved).toEqual(["embed.weight", "body.layers.2.weight", "unused.weight"]);
  unfreeze(model);
  optimizer.update(model, everywhere(model, 1));
  expect(model.body.layers[0].bias!.toArray()).not.toEqual(before.get("body.layers.0.bias"));
  expect(() => freeze(model, (path) => path === "nowhere")).toThrow(/matches/);
  expect(() => freeze(model.embed.weight)).toThrow(/bare/);
});

test("an exponential moving average is one line of tangent algebra", () => {
  const model = { layer: { weight: zeros([2]) }, gain: 1 };
  const average = copy(model);
  model.layer.weight = tensor([1, 2]);
  model.gain = 3;
  move(average, tangent.scale(tangent.sub(model, average), 0.25));
  expect([average.layer.weight.toArray(), average.gain]).toEqual([[0.25, 0.5], 1.5]);
  const layers = new Model();
  const shadow = copy(layers);
  for (const [path, value] of namedParameters(layers))
    if (path === "embed.weight") expect(value).toBe(layers.embed.weight);
  layers.embed.weight = ones([5, 4]);
  shadow.embed.weight = zeros([5, 4]);
  move(shadow, tangent.scale(tangent.sub(layers, shadow), 0.5) as any);
  expect(shadow.embed.weight.sum().item()).toBe(10);
  expect(layers.embed.weight.sum().item()).toBe(20);
});

test("a summary lists layers with output shapes and parameters, and leaves the model as it was", () => {
  const model = new Model();
  freeze(model.unused);
  const text = summary(model, tensor([[1, 2, 3]], { dtype: "int32" }));
  expect(text.split("\n")).toEqual([
    "layer                        output     parameters",
    "───────────────────────────  ─────────  ──────────",
    "Model                        [1, 3, 5]          53",
    "  embed (Embedding)          [1, 3, 4]          20",
    "  body (Sequential)          [1, 3, 4]          31",
    "    body.layers.0 (Linear)   [1, 3, 3]          15",
    "    body.layers.1 (Dropout)  [1, 3, 3]           0",
    "    body.layers.2 (Linear)   [1, 3, 4]          16",
    "  unused (Linear)            -                   2",
    "",
    "53 parameters, 2 of them frozen, 0.000202 MiB",
  ]);
  expect(model.body.layers[1].training).toBe(true);
  expect(Object.hasOwn(model, "forward")).toBe(false);
  expect(new Linear(2, 2, { key: randomKey(1) }).forward(ones([1, 2])).shape).toEqual([1, 2]);
});
