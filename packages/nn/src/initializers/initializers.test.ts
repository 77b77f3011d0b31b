/** The moments and bounds that each initializer promises. */
import { describe, expect, test } from "@jest/globals";
import { eye, randomKey } from "@pullback/core";
import { glorotNormal, glorotUniform, heNormal, heUniform, leCunNormal, leCunUniform, orthogonal } from "./index.ts";

describe("spread", () => {
  // [out, in, kernel]: fan in 60 · 3, fan out 40 · 3.
  const shape = [40, 60, 3];
  test.each([
    ["glorotUniform", glorotUniform, 2 / 300, Math.sqrt(6 / 300)],
    ["heUniform", heUniform, 2 / 180, Math.sqrt(6 / 180)],
    ["leCunUniform", leCunUniform, 1 / 180, Math.sqrt(3 / 180)],
    ["glorotNormal", glorotNormal, 2 / 300, undefined],
    ["heNormal", heNormal, 2 / 180, undefined],
    ["leCunNormal", leCunNormal, 1 / 180, undefined],
  ] as const)("%s", (_, initializer, variance, bound) => {
    const x = initializer(shape, { key: randomKey(1) });
    expect(x.shape).toEqual(shape);
    expect(Math.abs(x.mean().item())).toBeLessThan(0.05 * Math.sqrt(variance));
    expect(Math.abs(x.variance().item() / variance - 1)).toBeLessThan(0.05);
    // Cut off at two deviations of the normal before it was cut.
    const limit = bound ?? (2 * Math.sqrt(variance)) / 0.8796;
    expect(x.abs().max().item()).toBeLessThanOrEqual(limit * 1.0001);
    expect(x.abs().max().item()).toBeGreaterThan(limit * 0.95);
  });
});

test("orthogonal: the fewer of rows and columns are orthonormal, times the gain", () => {
  for (const [shape, gram] of [
    [[3, 7], true],
    [[7, 3], false],
    [[4, 2, 2], true],
  ] as const) {
    const x = orthogonal(shape, { gain: 2, key: randomKey(3) }).reshape([shape[0], -1]);
    const product = gram ? x.matmul(x, { transposeB: true }) : x.matmul(x, { transposeA: true });
    expect(product.sub(eye(product.shape[0]).mul(4)).abs().max().item()).toBeLessThan(1e-5);
  }
});
