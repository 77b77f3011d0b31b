/** Parameter counts of the reports: Gemma 2 Table 2 (embeddings as the Hub stores them) and Gemma 3 Table 1, computed. */
import { expect, test } from "@jest/globals";
import { memoryStats } from "@pullback/core";
import { parameterCount } from "./parameter-count.ts";
import { gemmaSizes } from "./sizes.ts";

test.each([
  ["gemma-2-2b", 589_824_000, 2_024_517_888, 288],
  ["gemma-2-9b", 917_504_000, 8_324_201_984, 464],
  ["gemma-2-27b", 1_179_648_000, 26_047_480_320, 508],
  ["gemma-3-270m", 167_772_160, 100_326_016, 236],
  ["gemma-3-1b", 301_989_888, 697_896_064, 340],
  ["gemma-3-4b", 671_252_480, 3_209_010_688, 444],
  ["gemma-3-12b", 1_006_878_720, 10_759_155_456, 626],
  ["gemma-3-27b", 1_409_630_208, 25_599_716_096, 808],
] as const)("%s", (name, embedding, other, tensors) => {
  const before = memoryStats().live;
  expect(parameterCount(gemmaSizes[name])).toEqual({ embedding, other, total: embedding + other, tensors });
  expect(memoryStats().live - before).toBeLessThan(64e6);
});
