/** Every loss against PyTorch, in value; cross-entropy also in its registered derivative. */
import { describe, expect, test } from "@jest/globals";
import { derivativeOf } from "@pullback/autodiff";
import { type Tensor, tensor } from "@pullback/core";
import { centralGradient, distance } from "../../testdata/central.ts";
import { expectClose, onBackends } from "../../testdata/golden.ts";
import * as losses from "./index.ts";

const { vjp } = derivativeOf(losses.crossEntropy)!.registered!;

await onBackends("losses", (golden) => {
  test("there are cases for every loss", () => {
    const elsewhere = ["sampleTeacher", "sampledDistillationLoss"];
    const names = Object.keys(losses).filter((name) => !elsewhere.includes(name));
    expect([...new Set(golden.cases.map((c) => c.op))].sort()).toEqual(names.sort());
  });

  test.each(golden.cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
    const value: Tensor = (losses as Record<string, any>)[c.op](...golden.resolve(c.args));
    expectClose(value, golden.tensors.get(c.outputs[0].ref)!, c.tolerance.value);
  });

  describe("the derivative of cross-entropy", () => {
    const cases = golden.cases.filter((c) => c.op === "crossEntropy" && c.wrt !== undefined);

    test.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
      const args = golden.resolve(c.args);
      const { pullback } = vjp(...args);
      const cotangent = golden.tensors.get(c.cotangents[0])!;
      const both = pullback(cotangent);
      const wanted = [0, 1].map((i) => c.wrt.includes(c.args[i].$));
      for (const i of [0, 1]) {
        if (!wanted[i]) continue;
        expectClose(both[i], golden.tensors.get(c.gradients[c.wrt.indexOf(c.args[i].$)])!, c.tolerance.gradient);
      }
      const onlyLogits = pullback(cotangent, [true, false]);
      expectClose(onlyLogits[0], both[0], { rtol: 0, atol: 0 });
      expect(onlyLogits[1]).toBeUndefined();
    });
  });
});

describe("the derivative of cross-entropy, without references", () => {
  test.each<[losses.CrossEntropyOptions]>([
    [{}],
    [{ axis: 1, labelSmoothing: 0.3 }],
    [{ axis: 1, reduction: "sum" as const }],
    [{ weight: tensor([0.5, 2, 1], { dtype: "float64" }), labelSmoothing: 0.2 }],
    [{ ignoreIndex: 2, weight: tensor([0.5, 2, 1], { dtype: "float64" }) }],
  ])("labels, against central differences, %j", (options) => {
    const data = Float64Array.from({ length: 18 }, (_, i) => Math.sin(i * 1.7) * 2);
    const logits = tensor(data, { shape: [2, 3, 3] });
    const labels = tensor(
      [0, 2, -100, 1, 1, 2].map((y) => (options.ignoreIndex === 2 && y < 0 ? 0 : y)),
      {
        shape: [2, 3],
        dtype: "int32",
      },
    );
    const [gradient] = vjp(logits, labels, options).pullback(tensor(1, { dtype: "float64" }));
    const expected = centralGradient((x) => losses.crossEntropy(x, labels, options), logits);
    expect(distance(gradient, expected)).toBeLessThan(1e-8);
  });

  test("when every label is ignored the mean is NaN, the sum 0 and the gradient 0", () => {
    const logits = tensor([
      [1, 2],
      [3, 4],
    ]);
    const labels = tensor([-100, -100], { dtype: "int32" });
    expect(losses.crossEntropy(logits, labels).item()).toBeNaN();
    expect(losses.crossEntropy(logits, labels, { reduction: "sum" }).item()).toBe(0);
    const [gradient] = vjp(logits, labels).pullback(tensor(1));
    expect(gradient.abs().max().item()).toBe(0);
  });

  test("bfloat16 logits are computed in float32 and rounded once", () => {
    const logits = tensor(Array.from({ length: 600 }, (_, i) => Math.cos(i)))
      .reshape([300, 2])
      .cast("bfloat16");
    const labels = tensor(new Int32Array(300));
    const wide = logits.cast("float32");
    const loss = losses.crossEntropy(logits, labels);
    expect(loss.dtype).toBe("bfloat16");
    expectClose(loss, losses.crossEntropy(wide, labels).cast("bfloat16"), { rtol: 0, atol: 0 });
    const [gradient] = vjp(logits, labels).pullback(tensor(1).cast("bfloat16"));
    const [expected] = vjp(wide, labels).pullback(tensor(1));
    expectClose(gradient, expected.cast("bfloat16"), { rtol: 0, atol: 0 });
  });
});

test("targets that do not fit are a ShapeError that names both shapes", () => {
  const logits = tensor([
    [1, 2],
    [3, 4],
  ]);
  expect(() => losses.crossEntropy(logits, tensor(new Int32Array(3)))).toThrow(/\[3\].*\[2,2\]/);
  expect(() => losses.crossEntropy(logits, tensor([1, 2]))).toThrow(/distributions/);
  expect(() => losses.crossEntropy(logits, tensor([0, 5], { dtype: "int32" }))).toThrow(/5/);
});
