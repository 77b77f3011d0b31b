/** Attention and its cotangents in blocks of queries against the same over all scores at once, in float64. */
import { expect, test } from "@jest/globals";
import { derivativeOf } from "@pullback/autodiff";
import { cotangentsInBlocks } from "../derivatives/attention.ts";
import { scaledDotProductAttention, type Tensor, tensor } from "../index.ts";
import type { AttentionOptions } from "./attention.ts";
import { attendInBlocks, queryBlocks } from "./attention-blocks.ts";

function numbers(shape: readonly number[], seed: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i) + Math.cos(0.3 * seed * i));
  return tensor(values, { shape: [...shape], dtype: "float64" });
}

const [length, keys, heads, keyHeads, dim] = [7, 9, 4, 2, 3];
const q = numbers([2, heads, length, dim], 1);
const k = numbers([2, keyHeads, keys, dim], 2);
const v = numbers([2, keyHeads, keys, 2], 3);
const ct = numbers([2, heads, length, 2], 4);
const mask = numbers([heads, length, keys], 5).greater(-0.8);

const cases: [string, AttentionOptions][] = [
  ["everything", {}],
  ["causal", { causal: true }],
  ["causal from the first key", { causal: true, queryOffset: 0 }],
  ["causal from before the first key", { causal: true, queryOffset: -3 }],
  ["a window", { window: 2 }],
  ["a window behind", { window: 3, causal: true, softCap: 1.5 }],
  ["a window beyond the keys", { window: 2, queryOffset: 8 }],
  ["a mask", { mask }],
  ["a mask of keys", { mask: numbers([keys], 6).greater(-0.5), causal: true }],
  ["a mask of queries", { mask: numbers([length, 1], 7).greater(-0.5), scale: 0.3 }],
];

const close = (got: Tensor | undefined, want: Tensor | undefined) => {
  expect(got?.shape).toEqual(want?.shape);
  const [a, b] = [got!.dataSync(), want!.dataSync()];
  for (let i = 0; i < b.length; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(b[i]!)));
};

test.each(cases)("%s", (_, options) => {
  const rule = derivativeOf(scaledDotProductAttention)!.registered!;
  const { value, pullback } = rule.vjp(q, k, v, options);
  const whole = pullback(ct) as Tensor[];
  for (const rows of [1, 2, 3]) {
    const blocks = queryBlocks(q, k, options, 2 * heads * keys * rows);
    expect(blocks.length).toBe(Math.ceil(length / Math.ceil(length / Math.ceil(length / rows))));
    close(attendInBlocks(q, k, v, blocks), value as Tensor);
    const parts = cotangentsInBlocks(q, k, v, blocks, ct, undefined);
    for (const i of [0, 1, 2]) close(parts[i] as Tensor, whole[i]);
  }
});

test("a block of a causal or windowed attention looks only at keys that it can see", () => {
  const blocks = queryBlocks(q, k, { causal: true, window: 3 }, 2 * heads * keys * 2);
  expect(blocks.map((block) => [block.keys.start, block.keys.stop])).toEqual([
    [0, 4],
    [2, 6],
    [4, 8],
    [6, 9],
  ]);
});
