/** A scalar counts as one element on axis 0 or -1, as in PyTorch: values, gradients and tangents. */
import { describe, expect, test } from "@jest/globals";
import { type DifferentiableFunction, valueWithDifferential, valueWithPullback } from "@pullback/autodiff";
import { type Tensor, tensor, withBackend } from "../index.ts";

type Along = DifferentiableFunction<(x: Tensor) => Tensor>;

/** At 2.5: what PyTorch gives, and the derivative. */
const floating: readonly (readonly [name: string, f: Along, value: number, slope: number])[] = [
  ["softmax", (x: Tensor) => x.softmax(0), 1, 0],
  ["softmax -1", (x: Tensor) => x.softmax(), 1, 0],
  ["logSoftmax", (x: Tensor) => x.logSoftmax(0), 0, 0],
  ["cumsum", (x: Tensor) => x.cumsum(0), 2.5, 1],
  ["cumsum -1", (x: Tensor) => x.cumsum(-1, { reverse: true }), 2.5, 1],
  ["cumsum exclusive", (x: Tensor) => x.cumsum(0, { exclusive: true }), 0, 0],
  ["cumprod", (x: Tensor) => x.cumprod(-1), 2.5, 1],
  ["cumprod of 0", (x: Tensor) => x.sub(2.5).cumprod(0), 0, 1],
  ["cumprod exclusive", (x: Tensor) => x.cumprod(0, { exclusive: true, reverse: true }), 1, 0],
  ["cummax", (x: Tensor) => x.cummax(0), 2.5, 1],
  ["cummin", (x: Tensor) => x.cummin(-1), 2.5, 1],
  ["logCumSumExp", (x: Tensor) => x.logCumSumExp(0), 2.5, 1],
  ["sum", (x: Tensor) => x.sum(0), 2.5, 1],
  ["sum of a list", (x: Tensor) => x.sum([-1], true), 2.5, 1],
  ["mean", (x: Tensor) => x.mean(-1), 2.5, 1],
  ["prod", (x: Tensor) => x.prod(0), 2.5, 1],
  ["max", (x: Tensor) => x.max(0), 2.5, 1],
  ["min", (x: Tensor) => x.min(-1), 2.5, 1],
  ["variance", (x: Tensor) => x.variance(0), 0, 0],
  ["logSumExp", (x: Tensor) => x.logSumExp(0), 2.5, 1],
  ["norm", (x: Tensor) => x.norm(0), 2.5, 1],
  ["sort", (x: Tensor) => x.sort(-1, true), 2.5, 1],
  ["topK", (x: Tensor) => x.topK(1, 0).values, 2.5, 1],
  ["flip", (x: Tensor) => x.flip(0), 2.5, 1],
  ["squeeze", (x: Tensor) => x.squeeze(0), 2.5, 1],
];

describe.each(["eager", "lazy"])("%s", (device) => {
  test.each(floating)("%s", (_, f, value, slope) =>
    withBackend(device, () => {
      const x = tensor(2.5);
      const backward = valueWithPullback(f)(x);
      expect([backward.value.shape, backward.value.item()]).toEqual([[], expect.closeTo(value, 6)]);
      const cotangent = backward.pullback(tensor(2));
      expect([cotangent.shape, cotangent.item()]).toEqual([[], expect.closeTo(2 * slope, 6)]);
      const tangent = valueWithDifferential(f)(x).differential(tensor(3));
      expect([tangent.shape, tangent.item()]).toEqual([[], expect.closeTo(3 * slope, 6)]);
    }),
  );

  test("positions, flags and counts", () =>
    withBackend(device, () => {
      const x = tensor(2.5);
      const found = [x.argmax(0), x.argmin(-1, true), x.argsort(), x.all(0), x.any(0), x.countNonzero(-1)];
      expect(found.map((t) => [t.shape, Number(t.item())])).toEqual([0, 0, 0, 1, 1, 1].map((n) => [[], n]));
      expect(x.topK(1).indices.shape).toEqual([]);
    }));
});
