import { describe, expect, test } from "@jest/globals";
import { pointwise, vector } from "@pullback/autodiff";
import {
  AxisError,
  arange,
  BackendError,
  type DType,
  DTypeError,
  eye,
  full,
  IndexError,
  linspace,
  meshgrid,
  ones,
  onesLike,
  ShapeError,
  tensor,
  zeros,
  zerosLike,
} from "../index.ts";

/** The error that f throws. */
function caught(f: () => unknown): Error & { code: string } {
  try {
    f();
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error("nothing was thrown");
}

describe("making", () => {
  test("numbers give float32, booleans bool, typed arrays keep their type", () => {
    expect(tensor([[1, 2, 3]]).dtype).toBe("float32");
    expect(tensor([[1, 2, 3]]).shape).toEqual([1, 3]);
    expect(tensor([true, false]).dtype).toBe("bool");
    expect(tensor(new Float64Array(4), { shape: [2, 2] }).dtype).toBe("float64");
    expect(tensor(Int32Array.of(1)).dtype).toBe("int32");
    expect(tensor(Uint8Array.of(1)).dtype).toBe("uint8");
    expect(tensor(5).shape).toEqual([]);
    expect(tensor([]).shape).toEqual([0]);
    expect(tensor([], { shape: [0, 3] }).shape).toEqual([0, 3]);
  });

  test("the data is copied", () => {
    const host = Float32Array.of(1, 2);
    const x = tensor(host);
    host[0] = 9;
    expect(x.toArray()).toEqual([1, 2]);
  });

  test("float16 and bfloat16 keep 11 and 8 bits, rounding half to even, and take bit patterns", () => {
    expect(tensor([1.0009765625, 2049, 65504, 1e6, 6e-8], { dtype: "float16" }).toArray()).toEqual([
      1.0009765625,
      2048,
      65504,
      Infinity,
      2 ** -24,
    ]);
    expect(tensor([1.00390625, 1.01171875, -3], { dtype: "bfloat16" }).toArray()).toEqual([1, 1.015625, -3]);
    expect(tensor(Uint16Array.of(0x3f80, 0xc000), { dtype: "bfloat16" }).toArray()).toEqual([1, -2]);
    expect(tensor(Uint16Array.of(0x3c00, 0xc000), { dtype: "float16" }).toArray()).toEqual([1, -2]);
    expect(caught(() => tensor(Uint16Array.of(1)))).toBeInstanceOf(DTypeError);
  });

  test("ragged nesting and wrong sizes are refused", () => {
    expect(caught(() => tensor([[1, 2], [3]]))).toBeInstanceOf(ShapeError);
    expect(caught(() => tensor([1, [2]] as never))).toBeInstanceOf(ShapeError);
    expect(caught(() => tensor([1, 2, 3], { shape: [2, 2] }))).toBeInstanceOf(ShapeError);
    expect(caught(() => zeros([2, -1]))).toBeInstanceOf(ShapeError);
    expect(caught(() => zeros([1.5]))).toBeInstanceOf(ShapeError);
    expect(caught(() => arange(0, 1, 0))).toBeInstanceOf(ShapeError);
  });

  test("constants and ranges", () => {
    expect(full([2], 7, { dtype: "int32" }).toArray()).toEqual([7, 7]);
    expect(ones([]).item()).toBe(1);
    expect(arange(5, 0, -2).toArray()).toEqual([5, 3, 1]);
    expect(linspace(0, 1, 3).toArray()).toEqual([0, 0.5, 1]);
    expect(linspace(2, 5, 1).toArray()).toEqual([2]);
    expect(eye(2, 3).toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    const [i, j] = meshgrid(tensor([1, 2]), tensor([3, 4, 5]));
    expect(i!.toArray()).toEqual([
      [1, 1, 1],
      [2, 2, 2],
    ]);
    expect(j!.toArray()).toEqual([
      [3, 4, 5],
      [3, 4, 5],
    ]);
    expect(zerosLike(tensor([[1]], { dtype: "int32" })).dtype).toBe("int32");
    expect(
      onesLike(zeros([2, 2]))
        .sum()
        .item(),
    ).toBe(4);
  });
});

describe("reading", () => {
  test("copies, in row-major order, whatever the strides", async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const read = x.dataSync();
    read[0] = 9;
    expect(x.toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect([...x.transpose().dataSync()]).toEqual([1, 3, 2, 4]);
    expect([...(await x.flip(0).data())]).toEqual([3, 4, 1, 2]);
    expect([...tensor([1, 2]).broadcastTo([2, 2]).dataSync()]).toEqual([1, 2, 1, 2]);
  });

  test("item takes exactly one element", () => {
    expect(tensor([[4]]).item()).toBe(4);
    expect(tensor([true]).item()).toBe(1);
    expect(tensor([1.5], { dtype: "bfloat16" }).item()).toBe(1.5);
    expect(caught(() => tensor([1, 2]).item())).toBeInstanceOf(ShapeError);
    expect(caught(() => zeros([0]).item())).toBeInstanceOf(ShapeError);
  });

  test("toArray nests as the shape says", () => {
    expect(tensor([[true], [false]]).toArray()).toEqual([[true], [false]]);
    expect(zeros([2, 0]).toArray()).toEqual([[], []]);
    expect(tensor(3).toArray()).toBe(3);
  });

  test("prints small tensors whole and shortens large ones", () => {
    expect(
      String(
        tensor([
          [1, 2.5],
          [-3, NaN],
        ]),
      ),
    ).toBe("Tensor float32 [2, 2]\n[[  1, 2.5],\n [ -3, NaN]]");
    expect(String(tensor([true, false]))).toBe("Tensor bool [2]\n[ true, false]");
    expect(String(tensor(2, { dtype: "int32" }))).toBe("Tensor int32 []\n2");
    expect(String(zeros([0]))).toBe("Tensor float32 [0]\n[]");
    expect(String(arange(0, 1000, 1, { dtype: "int32" }))).toBe(
      "Tensor int32 [1000]\n[  0,   1,   2, …, 997, 998, 999]",
    );
    expect(String(zeros([100, 100])).length).toBeLessThan(400);
  });
});

describe("views", () => {
  const x = arange(0, 24, 1).reshape([2, 3, 4]);

  test("share memory wherever strides can say it", () => {
    const storage = x.array.storage;
    const views = [
      x.transpose(),
      x.swapAxes(0, 1),
      x.moveAxis(0, -1),
      x.slice(1, [0, 2]),
      x.slice("...", [undefined, undefined, -1]),
      x.flip(),
      x.expandDims(0).squeeze(),
      x.broadcastTo([5, 2, 3, 4]),
      x.reshape([6, 4]),
      x.diagonal(),
      x.transpose([1, 0, 2]).reshape([3, 2, 2, 2]),
      ...x.split(2, -1),
      ...x.unstack(1),
    ];
    for (const view of views) expect(view.array.storage).toBe(storage);
  });

  test("reshape copies where they cannot", () => {
    const merged = x.transpose([1, 0, 2]).reshape([6, 4]);
    expect(merged.array.storage).not.toBe(x.array.storage);
    expect(merged.slice(1).toArray()).toEqual([12, 13, 14, 15]);
  });

  test("nothing changes what a tensor holds", () => {
    const y = x.with([0, 0], -1);
    expect(y.slice(0, 0).toArray()).toEqual([-1, -1, -1, -1]);
    expect(x.slice(0, 0).toArray()).toEqual([0, 1, 2, 3]);
  });
});

describe("promotion", () => {
  const cases: [DType, DType, DType][] = [
    ["bool", "uint8", "uint8"],
    ["uint8", "int8", "int32"],
    ["int32", "float16", "float16"],
    ["float16", "bfloat16", "float32"],
    ["float32", "float64", "float64"],
    ["bool", "bool", "bool"],
  ];
  test.each(cases)("%s with %s is %s", (a, b, result) => {
    expect(ones([2], { dtype: a }).mul(ones([2], { dtype: b })).dtype).toBe(result);
    expect(ones([2], { dtype: b }).maximum(ones([2], { dtype: a })).dtype).toBe(result);
  });

  test("a number adopts the tensor's dtype where it can", () => {
    const dtypeWith = (dtype: DType, value: number): DType => ones([1], { dtype }).add(value).dtype;
    expect(dtypeWith("int32", 2)).toBe("int32");
    expect(dtypeWith("int32", 2.5)).toBe("float32");
    expect(dtypeWith("uint8", NaN)).toBe("float32");
    expect(dtypeWith("bool", 2)).toBe("int32");
    expect(dtypeWith("float64", 0.1)).toBe("float64");
    expect(dtypeWith("bfloat16", 0.1)).toBe("bfloat16");
    expect(ones([1], { dtype: "float64" }).add(0.1).item()).toBe(1.1);
  });

  test("floating functions of integers give float32; 8-bit sums give int32", () => {
    const x = tensor([1, 2], { dtype: "int32" });
    for (const y of [x.exp(), x.div(x), x.mean(), x.variance(), x.logSumExp(), x.norm(), x.sigmoid(), x.softmax()])
      expect(y.dtype).toBe("float32");
    expect(full([300], 1, { dtype: "uint8" }).sum().item()).toBe(300);
    expect(x.abs().dtype).toBe("int32");
  });

  test("16-bit means and variances are computed in float32", () => {
    const x = full([4096], 100, { dtype: "float16" });
    expect(x.mean().item()).toBe(100);
    expect(x.mean().dtype).toBe("float16");
    expect(x.variance().item()).toBe(0);
  });

  test("bool differences have no meaning", () => {
    expect(caught(() => tensor([true]).sub(tensor([false])))).toBeInstanceOf(DTypeError);
  });
});

describe("errors", () => {
  test("name the operation, both shapes and the caller's line", () => {
    const error = caught(() => zeros([2, 3]).add(zeros([4, 3])));
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.name).toBe("ShapeError");
    expect(error.code).toBe("PB6101");
    expect(error.message).toMatch(/add/);
    expect(error.message).toMatch(/\[2, 3\].*\[4, 3\]/);
    expect(error.message).toMatch(/tensor\.test\.ts:\d+:\d+/);
    expect(error.stack!.split("\n").find((line) => /^\s+at /.test(line))).toMatch(/tensor\.test\.ts/);
  });

  test("have a class each", () => {
    const x = zeros([2, 3]);
    expect(caught(() => x.sum(2))).toBeInstanceOf(AxisError);
    expect(caught(() => x.sum([0, -2]))).toBeInstanceOf(AxisError);
    expect(caught(() => x.slice(2))).toBeInstanceOf(IndexError);
    expect(caught(() => x.gather(tensor([3], { dtype: "int32" })).dataSync())).toBeInstanceOf(IndexError);
    expect(caught(() => x.gather(tensor([0])))).toBeInstanceOf(DTypeError);
    expect(caught(() => x.matmul(x))).toBeInstanceOf(ShapeError);
    expect(caught(() => x.reshape([4]))).toBeInstanceOf(ShapeError);
    expect(caught(() => zeros([0]).max())).toBeInstanceOf(ShapeError);
    expect(caught(() => x.cast("complex64" as never))).toBeInstanceOf(DTypeError);
    expect(caught(() => x.to("nowhere"))).toBeInstanceOf(BackendError);
    expect(caught(() => x.to("nowhere")).code).toBe("PB6105");
  });
});

describe("the protocol of derivatives", () => {
  const x = tensor([1, -2]);

  test("vector space operations", () => {
    const v = x[vector];
    expect(v.add(x, x).toArray()).toEqual([2, -4]);
    expect(v.subtract(x, x).toArray()).toEqual([0, 0]);
    expect(v.scale(x, 3).toArray()).toEqual([3, -6]);
    expect(v.dot(x, x)).toBe(5);
    expect(v.zero(x).toArray()).toEqual([0, 0]);
    expect(v.one!(tensor([[3]])).toArray()).toEqual([[1]]);
    expect(caught(() => v.one!(x))).toBeInstanceOf(ShapeError);
    expect(v.differentiable!(x)).toBe(true);
    expect(v.differentiable!(x.cast("int32"))).toBe(false);
  });

  test("pointwise operations", () => {
    const p = x[pointwise];
    expect(p.multiply(x, x).toArray()).toEqual([1, 4]);
    expect(p.divide(x, x).toArray()).toEqual([1, 1]);
    expect(p.abs(x).toArray()).toEqual([1, 2]);
    expect(p.sign(x).toArray()).toEqual([1, -1]);
    expect(p.sqrt(tensor([4])).toArray()).toEqual([2]);
    expect(p.maximum(x, p.abs(x)).toArray()).toEqual([1, 2]);
    expect(p.minimum(x, p.abs(x)).toArray()).toEqual([1, -2]);
  });
});
