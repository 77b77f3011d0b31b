import { describe, expect, test } from "@jest/globals";
import { arange, type Tensor } from "@pullback/core";
import { KeyValueCache, LayerCache } from "./cache.ts";
import { gemma3Config, layerPattern } from "./config.ts";

/** Keys that hold their own positions, `[1, 1, count, 1]`. */
const positions = (start: number, count: number): Tensor => arange(start, start + count).reshape([1, 1, count, 1]);
const seen = (cache: LayerCache, start: number, count: number): number[] => {
  const { keys, values } = cache.append(positions(start, count), positions(start, count).neg());
  expect([...values.dataSync()]).toEqual([...keys.neg().dataSync()]);
  return [...keys.dataSync()];
};
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

test("a global layer sees everything in order", () => {
  const cache = new LayerCache(undefined);
  expect(seen(cache, 0, 3)).toEqual(range(0, 3));
  for (let i = 3; i < 40; i++) expect(seen(cache, i, 1)).toEqual(range(0, i + 1));
  expect(seen(cache, 40, 50)).toEqual(range(0, 90));
});

describe("a local layer", () => {
  test("shows one token its window, in any order", () => {
    const cache = new LayerCache(5);
    for (let i = 0; i < 23; i++) {
      expect(seen(cache, i, 1).sort((a, b) => a - b)).toEqual(range(Math.max(0, i - 4), i + 1));
    }
  });

  test("shows a chunk the keys before it and its own, in order", () => {
    for (const first of [1, 2, 4, 5, 6, 11, 30]) {
      for (const second of [2, 4, 5, 9]) {
        const cache = new LayerCache(5);
        seen(cache, 0, first);
        expect(seen(cache, first, second)).toEqual(range(Math.max(0, first - 4), first + second));
        const end = first + second;
        expect(seen(cache, end, 1).sort((a, b) => a - b)).toEqual(range(Math.max(0, end - 4), end + 1));
      }
    }
  });

  test("holds no more than its window", () => {
    const cache = new LayerCache(5);
    for (let i = 0; i < 100; i += 10) seen(cache, i, 10);
    expect(cache.bytes).toBe(2 * 5 * 4);
  });
});

test("the bytes of a whole cache follow the formula", () => {
  const config = gemma3Config({
    vocabularySize: 10, hiddenSize: 8, feedForwardSize: 8, heads: 4, keyValueHeads: 2, headDim: 4, slidingWindow: 16,
    layers: layerPattern(6, 6),
  }); // biome-ignore format: a table
  const cache = new KeyValueCache(config, 100);
  for (const layer of cache.layers) {
    const chunk = arange(0, 2 * 100 * 4).reshape([1, 2, 100, 4]);
    layer.append(chunk, chunk);
  }
  expect(cache.length).toBe(100);
  expect(cache.bytes).toBe(8 * 2 * 4 * (1 * 100 + 5 * 16));
});
