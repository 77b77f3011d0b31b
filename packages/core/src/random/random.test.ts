import { describe, expect, test } from "@jest/globals";
import {
  bernoulli,
  categorical,
  dropout,
  generatorState,
  ones,
  permutation,
  rand,
  randn,
  randomInt,
  randomKey,
  randomNormal,
  randomUniform,
  ShapeError,
  setGeneratorState,
  setSeed,
  tensor,
  truncatedNormal,
} from "../index.ts";
import { threefry2x32 } from "./key.ts";

describe("Threefry-2x32", () => {
  // The known answers of the authors' Random123 library.
  test.each([
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0],
  ])("key %i %i, counter %i %i", (k0, k1, c0, c1, x0, x1) => {
    expect(threefry2x32(k0, k1, c0, c1)).toEqual([x0, x1]);
  });
});

describe("keys", () => {
  test("split and foldIn give distinct keys, always the same ones", () => {
    const key = randomKey(7);
    const all = [
      ...key.split(4),
      key.foldIn(0),
      key.foldIn(1),
      key.foldIn(2 ** 40),
      key,
      randomKey(-7),
      randomKey(2 ** 40 + 7),
    ];
    expect(new Set(all.map(({ k0, k1 }) => `${k0} ${k1}`)).size).toBe(all.length);
    expect(key.split(4)).toEqual(randomKey(7).split(4));
  });

  test("the same key gives the same numbers, another one others", () => {
    const key = randomKey(3);
    expect(rand([5], { key }).toArray()).toEqual(rand([5], { key }).toArray());
    expect(rand([5], { key }).toArray()).not.toEqual(rand([5], { key: key.foldIn(1) }).toArray());
  });
});

describe("the default generator", () => {
  test("starts over with its seed and moves on with each draw", () => {
    setSeed(11);
    const first = randn([4]).toArray();
    const second = randn([4]).toArray();
    expect(second).not.toEqual(first);
    setSeed(11);
    expect(randn([4]).toArray()).toEqual(first);
    const state = generatorState();
    expect(randn([4]).toArray()).toEqual(second);
    setGeneratorState(state);
    expect(randn([4]).toArray()).toEqual(second);
  });
});

describe("distributions", () => {
  const key = randomKey(42);
  const n = 20000;

  /** Bounds at five standard errors: a right generator fails once in about two million seeds, and the seed is fixed. */
  function expectMean(x: ReturnType<typeof rand>, mean: number, std: number): void {
    expect(Math.abs(x.cast("float64").mean().item() - mean)).toBeLessThan((5 * std) / Math.sqrt(x.size));
  }

  test.each(["float32", "float64"] as const)("rand %s is uniform in [0, 1)", (dtype) => {
    const x = rand([n], { key, dtype });
    expect(x.dtype).toBe(dtype);
    expect(x.min().item()).toBeGreaterThanOrEqual(0);
    expect(x.max().item()).toBeLessThan(1);
    expectMean(x, 0.5, Math.sqrt(1 / 12));
    expectMean(x.square(), 1 / 3, Math.sqrt(4 / 45));
  });

  test("float64 uses more than 32 bits", () => {
    const scaled = rand([100], { key, dtype: "float64" }).mul(2 ** 32);
    expect(scaled.equal(scaled.floor()).all().item()).toBe(0);
  });

  test("randn is standard normal", () => {
    const x = randn([n], { key });
    expectMean(x, 0, 1);
    expectMean(x.square(), 1, Math.SQRT2);
    expectMean(x.pow(4), 3, Math.sqrt(96));
    expect(x.isFinite().all().item()).toBe(1);
    expectMean(randomNormal([n], 3, 0.5, { key }), 3, 0.5);
  });

  test("truncatedNormal stays within two standard deviations", () => {
    const x = truncatedNormal([n], 1, 2, { key });
    expect(x.sub(1).abs().max().item()).toBeLessThanOrEqual(4);
    // The standard deviation of a normal cut off at two: 0.87962566.
    expectMean(x, 1, 1.7593);
    expectMean(x.sub(1).square(), 4 * 0.773741, 4 * 0.9);
  });

  test("randomUniform and randomInt keep to their ranges", () => {
    const x = randomUniform([n], -2, 4, { key });
    expect(x.min().item()).toBeGreaterThanOrEqual(-2);
    expect(x.max().item()).toBeLessThan(4);
    const dice = randomInt([n], 1, 7, { key });
    expect(dice.dtype).toBe("int32");
    for (let face = 1; face <= 6; face++) expectMean(dice.equal(face).cast("float32"), 1 / 6, Math.sqrt(5) / 6);
    expect(dice.min().item()).toBe(1);
    expect(dice.max().item()).toBe(6);
    expect(() => randomInt([1], 3, 3)).toThrow(ShapeError);
  });

  test("permutation holds every number once", () => {
    const order = permutation(100, { key });
    expect(order.dtype).toBe("int32");
    expect(order.sort().toArray()).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(order.toArray()).not.toEqual(order.sort().toArray());
  });

  test("bernoulli and categorical follow their probabilities", () => {
    expectMean(bernoulli(0.3, [n], { key }).cast("float32"), 0.3, Math.sqrt(0.21));
    expect(bernoulli(tensor([0, 1]), undefined, { key }).toArray()).toEqual([false, true]);
    const logits = tensor([0.1, 0.2, 0.7]).log().broadcastTo([n, 3]);
    const drawn = categorical(logits, -1, { key });
    expect(drawn.shape).toEqual([n]);
    [0.1, 0.2, 0.7].forEach((p, i) => {
      expectMean(drawn.equal(i).cast("float32"), p, Math.sqrt(p * (1 - p)));
    });
  });

  test("dropout keeps the mean, and scales what it keeps", () => {
    const x = dropout(ones([n]), 0.25, { key });
    expect([...new Set(x.dataSync())].sort()).toEqual([0, Math.fround(4 / 3)]);
    expectMean(x, 1, Math.sqrt(1 / 3));
    expect(dropout(ones([3]), 0).toArray()).toEqual([1, 1, 1]);
    expect(dropout(ones([3]), 1).toArray()).toEqual([0, 0, 0]);
    expect(() => dropout(ones([3]), 1.5)).toThrow(ShapeError);
  });
});
