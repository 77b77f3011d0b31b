import { expect, test } from "@jest/globals";
import { BackendError, DTypeError, tensor, withBackend } from "@pullback/core";
import { BatchNorm, Linear, moveTo, Sequential, stateDict } from "../index.ts";

test("parameters and buffers move, and the model computes there", async () => {
  await withBackend("tfjs:cpu", () => 1);
  const model = new Sequential(new Linear(3, 2), new BatchNorm(2));
  const before = new Map([...stateDict(model)].map(([name, x]) => [name, x.toArray()]));
  expect(moveTo(model, "tfjs:cpu")).toBe(model);
  for (const [name, x] of stateDict(model)) {
    expect(x.device).toBe("tfjs:cpu");
    expect(x.toArray()).toEqual(before.get(name));
  }
  const output = model.forward(tensor([[1, 2, 3]]).to("tfjs:cpu"));
  expect(output.device).toBe("tfjs:cpu");
});

test("a model that cannot move stays as it was", () => {
  const model = { first: tensor([1]), second: tensor([1], { dtype: "float64" }) };
  expect(() => moveTo(model, "tfjs:cpu")).toThrow(DTypeError);
  expect(model.first.device).toBe("eager");
  expect(() => moveTo(model, "abacus")).toThrow(BackendError);
});
