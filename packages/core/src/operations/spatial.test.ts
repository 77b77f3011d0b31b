/** What the reference numbers do not show of convolution, pooling and resizing: edges, dtypes and refusals. */
import { describe, expect, test } from "@jest/globals";
import {
  arange,
  avgPool2d,
  conv1d,
  conv2d,
  convTranspose2d,
  DTypeError,
  depthToSpace,
  dilation2d,
  fractionalMaxPool2d,
  full,
  maxPool1d,
  maxPool2d,
  ones,
  randn,
  randomKey,
  resize,
  ShapeError,
  spaceToDepth,
  tensor,
  zeros,
} from "../index.ts";

const row = (...values: number[]) => tensor(values, { shape: [1, 1, values.length] });

describe("pooling", () => {
  test("a NaN wins, padding never does", () => {
    expect(maxPool1d(row(1, Number.NaN, 3, 2), 2).toArray()).toEqual([[[Number.NaN, 3]]]);
    expect(maxPool1d(row(-5, -7, -9), 3, { stride: 1, padding: 1 }).toArray()).toEqual([[[-5, -5, -7]]]);
  });

  test("infinities in other cells do no harm", () => {
    const x = row(Infinity, 1, 2, 3).reshape([1, 1, 2, 2]);
    expect(avgPool2d(x, 1).toArray()).toEqual([
      [
        [
          [Infinity, 1],
          [2, 3],
        ],
      ],
    ]);
  });

  test("half precision rounds once", () => {
    const x = full([1, 1, 4, 4], 1.0009765625, { dtype: "float16" });
    const mean = avgPool2d(x, 4);
    expect([mean.dtype, mean.item()]).toEqual(["float16", 1.0009765625]);
    expect(conv2d(x, ones([1, 1, 2, 2], { dtype: "bfloat16" })).dtype).toBe("float32");
  });

  test("fractional cells cover the input, the same for one key", () => {
    const x = arange(0, 49, 1).reshape([1, 1, 7, 7]);
    const pooled = fractionalMaxPool2d(x, 4, { key: randomKey(3) });
    expect(pooled.shape).toEqual([1, 1, 4, 4]);
    expect(fractionalMaxPool2d(x, 4, { key: randomKey(3) }).toArray()).toEqual(pooled.toArray());
    expect(pooled.max().item()).toBe(48);
    expect(fractionalMaxPool2d(x, 7, { key: randomKey(5) }).toArray()).toEqual(x.toArray());
  });
});

describe("resizing and blocks", () => {
  test.each(["bilinear", "bicubic", "lanczos3", "lanczos5", "gaussian", "mitchell", "area"] as const)(
    "%s keeps a constant image, grown and shrunk",
    (mode) => {
      const x = full([1, 2, 5, 6], 2.5);
      for (const antialias of [false, true])
        for (const size of [
          [3, 4],
          [11, 7],
        ] as const) {
          const error = resize(x, size, { mode, antialias }).sub(2.5).abs().max().item();
          expect(error).toBeLessThan(1e-6);
        }
    },
  );

  test("area takes the mean of what it covers", () => {
    const x = arange(0, 16, 1).reshape([1, 1, 4, 4]);
    expect(resize(x, [2, 2], { mode: "area" }).toArray()).toEqual([
      [
        [
          [2.5, 4.5],
          [10.5, 12.5],
        ],
      ],
    ]);
  });

  test("depthToSpace undoes spaceToDepth", () => {
    const x = randn([2, 3, 4, 6], { key: randomKey(0) });
    for (const mode of ["DCR", "CRD"] as const)
      expect(depthToSpace(spaceToDepth(x, 2, { mode }), 2, { mode }).toArray()).toEqual(x.toArray());
  });
});

describe("refusals", () => {
  const refused = (f: () => unknown, type: abstract new (...args: never[]) => Error, text: RegExp): void => {
    expect(f).toThrow(type);
    expect(f).toThrow(text);
  };
  const x = zeros([1, 4, 5, 5]);

  test("of convolutions", () => {
    refused(() => conv2d(x, zeros([2, 3, 3, 3])), ShapeError, /conv2d.*\[1, 4, 5, 5\].*\[2, 3, 3, 3\].*4 channels/);
    refused(() => conv2d(zeros([4, 5, 5]), zeros([2, 4, 3, 3])), ShapeError, /conv2d.*\[4, 5, 5\]/);
    refused(() => conv2d(x, zeros([3, 2, 3, 3]), undefined, { groups: 2 }), ShapeError, /3 channels.*2 groups/);
    refused(() => conv2d(x, zeros([2, 4, 6, 6])), ShapeError, /conv2d.*spans 6/);
    refused(() => conv2d(x, zeros([2, 4, 3, 3]), zeros([3])), ShapeError, /bias.*\[3\].*\[2\]/);
    refused(() => conv2d(x, zeros([2, 4, 3, 3]), undefined, { stride: 0 }), ShapeError, /stride 0/);
    refused(() => conv2d(x, zeros([2, 4, 3, 3]), undefined, { padding: [1] }), ShapeError, /padding/);
    refused(() => conv1d(zeros([1, 1, 3], { dtype: "int32" }), zeros([1, 1, 1])), DTypeError, /conv1d.*int32/);
    refused(
      () => convTranspose2d(x, zeros([4, 1, 3, 3]), undefined, { stride: 2, outputPadding: 2 }),
      ShapeError,
      /outputPadding 2/,
    );
  });

  test("of the others", () => {
    refused(() => maxPool2d(x, 2, { padding: 2 }), ShapeError, /more than half/);
    refused(() => maxPool2d(x, 6), ShapeError, /maxPool2d.*spans 6/);
    refused(() => resize(x, [0, 3]), ShapeError, /resize/);
    refused(() => resize(x, [2, 3], { mode: "cubic" as "bicubic" }), ShapeError, /resize.*cubic/);
    refused(() => depthToSpace(x, 3), ShapeError, /depthToSpace.*4 channels/);
    refused(() => spaceToDepth(x, 2), ShapeError, /spaceToDepth.*5 × 5/);
    refused(() => dilation2d(x, zeros([3, 2, 2])), ShapeError, /dilation2d.*\[3, 2, 2\]/);
    refused(() => maxPool2d(x, 2, { layout: "NHWC" as "channelsLast" }), ShapeError, /NHWC/);
  });
});
