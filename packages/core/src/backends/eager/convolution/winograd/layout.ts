/** What Winograd's code reads from memory: the words of a plan, shared by the TypeScript that writes them. Bytes, unless said otherwise. */

import { points } from "./transforms.ts";

export const plan = {
  channels: 0,
  rows: 1,
  /** Samples that are copied between zeros at a time, and the tiles of one. */
  samplesAtOnce: 2,
  tilesPerSample: 3,
  /** Tiles whose points are in memory at a time: a multiple of eight. */
  tilesAtOnce: 4,
  /** Groups of four tiles; see `group`. */
  groups: 5,
  /** The source, and a plane of it, in elements where they are extents. */
  source: 6,
  sourceSample: 7,
  sourceChannel: 8,
  sourceRow: 9,
  sourceRows: 10,
  sourceColumns: 11,
  /** Its copy, relative to the scratch memory; `copyStart` is where its first element goes. */
  copy: 12,
  copySample: 13,
  copyChannel: 14,
  copyRow: 15,
  copyStart: 16,
  /** The result, or the cotangents of an adjoint for the weight. */
  other: 17,
  otherSample: 18,
  otherChannel: 19,
  otherRow: 20,
  /** For the adjoint, whether cotangents are copied, and the copy: its rows are whole tiles. */
  otherIsCopied: 21,
  otherRows: 22,
  otherColumns: 23,
  otherCopy: 24,
  otherCopySample: 25,
  otherCopyChannel: 26,
  otherCopyRow: 27,
  /** Points: those of the weights (an address), of the inputs and of products or cotangents (relative to the scratch memory). */
  weights: 28,
  weightsPoint: 29,
  inputs: 30,
  inputsPoint: 31,
  products: 32,
  productsPoint: 33,
  words: 34,
} as const;

/** Four neighbouring tiles of the samples that are copied at a time. */
export const group = {
  /** Offsets of the four in the copy of the source, and in the result or the cotangents. */
  source: 0,
  other: 4,
  /** Whether all four are whole. */
  isWhole: 8,
  /** Rows and columns that lie inside the result, for each. */
  inside: 9,
  words: 13,
} as const;

/** Where in a task's scratch memory a transformation, a tile of a product, and four tiles of outputs have room. */
const transformation = points * points * 16;
export const room = { tile: transformation, edge: transformation + 128, copies: 1024 } as const;

/** Weights and cotangents are packed four channels side by side (as the rows of a product's tile), inputs eight. */
export const tile = { rows: 4, vectors: 2 } as const;
export const wide = 8;

export const pointCount = points * points;

/** Bytes from one point to the next, with a cache line between them so that they do not share the cache's sets. */
export const pointBytes = (elements: number): number => elements * 4 + 64;
