/** What the reference numbers leave out: forward mode, second order, labels that are no classes. */
import { describe, expect, test } from "@jest/globals";
import { differential, gradient, hessianVectorProduct } from "@pullback/autodiff";
import { type Tensor, tensor } from "@pullback/core";
import { type CrossEntropyOptions, crossEntropy } from "./index.ts";

const numbers = (from: number) =>
  tensor(
    Float64Array.from({ length: 12 }, (_, i) => 2 * Math.sin(from + 1.7 * i)),
    { shape: [3, 4] },
  );
const logits = () => numbers(1);
const direction = () => numbers(2);
const labels = tensor([2, -100, 0], { dtype: "int32" });
const options: [string, CrossEntropyOptions][] = [
  ["mean", {}],
  ["sum, smoothed", { reduction: "sum", labelSmoothing: 0.1 }],
  ["none, weighted", { reduction: "none", weight: tensor([1, 2, 0.5, 3], { dtype: "float64" }) }],
];

describe.each(options)("%s", (_, given) => {
  const h = 1e-5;

  test("the differential is the slope along a direction", () => {
    const loss = (x: Tensor) => crossEntropy(x, labels, given);
    const [x, v] = [logits(), direction()];
    const slope = loss(x.add(v.mul(h)))
      .sub(loss(x.sub(v.mul(h))))
      .div(2 * h);
    const found = differential((z: Tensor) => crossEntropy(z, labels, given))(x)(v);
    expect(found.shape).toEqual(slope.shape);
    expect(found.sub(slope).abs().max().item()).toBeLessThan(1e-8);
  });

  test("the Hessian times a direction is the slope of the gradient", () => {
    const [x, v] = [logits(), direction()];
    const g = gradient((z: Tensor) => crossEntropy(z, labels, given).sum());
    const slope = g(x.add(v.mul(h)))
      .sub(g(x.sub(v.mul(h))))
      .div(2 * h);
    const found = hessianVectorProduct((z: Tensor) => crossEntropy(z, labels, given).sum())(x, v);
    expect(found.sub(slope).abs().max().item()).toBeLessThan(1e-8);
  });
});

test.each([4, -1])("label %i is refused by name", (label) => {
  const wrong = tensor([0, label, 1], { dtype: "int32" });
  expect(() => crossEntropy(logits(), wrong).item()).toThrow(
    expect.objectContaining({ code: "PB6104", message: expect.stringContaining(`label ${label} at position 1`) }),
  );
});
