/** A cotangent has its primal's dtype; integers, booleans and what is not needed have none. */
import { describe, expect, test } from "@jest/globals";
import { type AnyFunction, derivativeOf } from "@pullback/autodiff";
import * as core from "../index.ts";
import { type DType, full, onesLike, Tensor, tensor } from "../index.ts";

function vjp(
  target: unknown,
  ...args: unknown[]
): { value: Tensor; pullback: (ct: Tensor, needs?: boolean[]) => unknown } {
  return derivativeOf(target as AnyFunction)!.registered!.vjp(...args);
}

const half = (shape: number[], dtype: DType): Tensor => full(shape, 0.5, { dtype });

describe("dtypes of cotangents", () => {
  const binary = [
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "maximum",
    "hypot",
    "atan2",
    "logAddExp",
    "squaredDifference",
  ] as const;
  const pairs: [DType, DType][] = [
    ["float32", "float64"],
    ["float16", "float32"],
    ["bfloat16", "float16"],
    ["bfloat16", "bfloat16"],
  ];
  for (const name of binary)
    test.each(pairs)(`${name} of %s and %s`, (a, b) => {
      const { value, pullback } = vjp(Tensor.prototype[name], half([2, 3], a), half([3], b));
      const [left, right] = pullback(onesLike(value)) as [Tensor, Tensor];
      expect([left.dtype, left.shape]).toEqual([a, [2, 3]]);
      expect([right.dtype, right.shape]).toEqual([b, [3]]);
    });

  test("an integer operand has none, and a number has a number", () => {
    const { value, pullback } = vjp(Tensor.prototype.mul, half([2], "float32"), tensor([1, 2], { dtype: "int32" }));
    const [left, right] = pullback(onesLike(value)) as [Tensor, undefined];
    expect(left.toArray()).toEqual([1, 2]);
    expect(right).toBeUndefined();
    const scaled = vjp(Tensor.prototype.mul, tensor([1, 2]), 3);
    expect((scaled.pullback(onesLike(scaled.value)) as unknown[])[1]).toBe(3);
    expect(scaled.pullback(onesLike(scaled.value), [false, false])).toEqual([undefined, undefined]);
  });

  const unary: [string, (x: Tensor) => unknown[]][] = [
    ["tanh", (x) => [x]],
    ["sum", (x) => [x, 0]],
    ["mean", (x) => [x]],
    ["variance", (x) => [x, 0, true]],
    ["logSumExp", (x) => [x, 0]],
    ["softmax", (x) => [x]],
    ["logSoftmax", (x) => [x]],
    ["max", (x) => [x, 1]],
    ["norm", (x) => [x]],
    ["gelu", (x) => [x, "tanh"]],
    ["softCap", (x) => [x, 30]],
    ["slice", (x) => [x, 0]],
    [
      "pad",
      (x) => [
        x,
        [
          [1, 0],
          [0, 1],
        ],
      ],
    ],
    ["cumprod", (x) => [x, 0]],
  ];
  for (const [name, args] of unary)
    test.each(["bfloat16", "float16", "float64"] as const)(`${name} of %s`, (dtype) => {
      const x = half([2, 4], dtype);
      const { value, pullback } = vjp(Tensor.prototype[name as "tanh"], ...args(x));
      expect(value.dtype).toBe(dtype);
      const cotangent = pullback(onesLike(value)) as Tensor;
      expect([cotangent.dtype, cotangent.shape]).toEqual([dtype, [2, 4]]);
    });

  test.each(["bfloat16", "float64"] as const)("neural primitives of %s", (dtype) => {
    const x = half([2, 4, 6], dtype);
    const weight = half([6], "float32");
    const norm = vjp(core.rmsNorm, x, weight, { offset: 1 });
    const [dx, dw] = norm.pullback(onesLike(norm.value)) as [Tensor, Tensor];
    expect([dx.dtype, dw.dtype]).toEqual([dtype, "float32"]);
    const attention = vjp(core.scaledDotProductAttention, x, x, x, { causal: true });
    expect(attention.value.dtype).toBe(dtype);
    for (const part of (attention.pullback(onesLike(attention.value)) as Tensor[]).slice(0, 3))
      expect([part.dtype, part.shape]).toEqual([dtype, [2, 4, 6]]);
    const product = vjp(Tensor.prototype.matmul, x, half([6, 3], "float32"));
    const [left, right] = product.pullback(onesLike(product.value)) as [Tensor, Tensor];
    expect([left.dtype, right.dtype]).toEqual([dtype, "float32"]);
  });

  test("casting to an integer ends the derivative", () => {
    const { value, pullback } = vjp(Tensor.prototype.cast, half([2], "float32"), "int32");
    expect(value.dtype).toBe("int32");
    expect(pullback(onesLike(value))).toBeUndefined();
  });
});
