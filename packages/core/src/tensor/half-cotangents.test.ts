/** Cotangents of half-precision tensors: summed up in float32 inside a derivative, rounded once where they leave it. */
import { describe, expect, test } from "@jest/globals";
import { gradient, moved, pullback, tangent, valueWithGradient, valueWithPullback } from "@pullback/autodiff";
import { type Tensor, tensor } from "../index.ts";

const half = (values: number[], dtype: "float16" | "bfloat16") => tensor(values, { dtype });

/** 1 and many small terms, each of which alone is lost beside 1 in half precision. */
const terms = 64;
const step = { float16: 2 ** -12, bfloat16: 2 ** -9 } as const;

/** The derivative is 1 + terms · step in every element; a sum in half precision would stay at 1. */
function many(x: Tensor, small: number): Tensor {
  let sum = x.sum();
  for (let i = 0; i < terms; i++) sum = sum.add(x.mul(small).sum());
  return sum;
}

class Layer {
  constructor(
    public weight: Tensor,
    public bias: Tensor,
    public idle: Tensor,
  ) {}
}

describe.each(["float16", "bfloat16"] as const)("%s", (dtype) => {
  const small = step[dtype];
  const expected = 1 + terms * small;
  const loss = (x: Tensor) => many(x, small);

  test("sums in float32 and rounds once", () => {
    const x = half([0.5, -0.25], dtype);
    const found = gradient(loss)(x);
    expect(found.dtype).toBe(dtype);
    // Both powers of two: exact in half precision.
    expect(found.toArray()).toEqual([expected, expected]);
    const { value, pullback: back } = valueWithPullback(loss)(x);
    expect([value.dtype, back(tensor(1, { dtype })).dtype]).toEqual([dtype, dtype]);
    expect(back(tensor(1, { dtype })).toArray()).toEqual([expected, expected]);
  });

  test("gradientDtype keeps float32", () => {
    const x = half([0.5, -0.25], dtype);
    // One term more is no number of half precision any more.
    const finer = (t: Tensor) => many(t, small).add(t.mul(small * 0.5).sum());
    const kept = gradient(finer, { gradientDtype: "float32" })(x);
    expect([kept.dtype, kept.toArray()]).toEqual(["float32", [expected + small * 0.5, expected + small * 0.5]]);
    expect(gradient(finer)(x).dtype).toBe(dtype);
    const both = valueWithGradient((a: Tensor, b: Tensor) => a.mul(b).sum(), { gradientDtype: "float32" })(x, x);
    expect([both.value.dtype, ...both.gradient.map((g) => g.dtype)]).toEqual([dtype, "float32", "float32"]);
    const one = pullback(finer, { gradientDtype: "float32", wrt: 0 })(x)(tensor(1, { dtype }));
    expect(one.dtype).toBe("float32");
    expect(valueWithPullback(finer, { gradientDtype: "float32" })(x).pullback(tensor(1, { dtype })).dtype).toBe(
      "float32",
    );
  });

  test("in models, zeros included; float32 stays as it is, and moving keeps the dtype", () => {
    const layer = new Layer(half([1, 2], dtype), tensor([3, 4]), half([5], dtype));
    const of = (m: Layer) => many(m.weight, small).cast("float32").add(m.bias.sum()).sum();
    const plain = gradient(of)(layer);
    expect([plain.weight.dtype, plain.bias.dtype, plain.idle.dtype]).toEqual([dtype, "float32", dtype]);
    const kept = gradient(of, { gradientDtype: "float32" })(layer);
    expect([kept.weight.dtype, kept.bias.dtype, kept.idle.dtype]).toEqual(["float32", "float32", "float32"]);
    expect(kept.weight.toArray()).toEqual([expected, expected]);
    const next = moved(layer, tangent.scale(kept, -1));
    expect([next.weight.dtype, next.bias.dtype, next.idle.dtype]).toEqual([dtype, "float32", dtype]);
  });
});

test("another precision is a typed error; float32 and numbers are what they are", () => {
  const square = (x: Tensor) => x.mul(x).sum();
  const wrong = () => gradient(square, { gradientDtype: "float16" as "float32" });
  expect(wrong).toThrow(expect.objectContaining({ code: "PB2013" }));
  const found = gradient(square, { gradientDtype: "float32" })(tensor([1, 2]));
  expect([found.dtype, found.toArray()]).toEqual(["float32", [2, 4]]);
  expect(gradient(square, { gradientDtype: "float32" })(tensor([1, 2], { dtype: "float64" })).dtype).toBe("float64");
  expect(gradient((x: number) => x * x, { gradientDtype: "float32" })(3)).toBe(6);
});
