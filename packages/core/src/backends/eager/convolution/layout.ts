/** What the convolution code reads from memory: the words of a plan, shared by the TypeScript that writes them. */

/** Where operands, result and tables are, and how far it is from one sample, group or channel to the next (bytes). */
export const plan = {
  groups: 0,
  source: 1,
  sourceSample: 2,
  sourceGroup: 3,
  /** Whether samples are copied into scratch memory first, between zeros. */
  isCopied: 4,
  channels: 5,
  fromChannel: 6,
  toChannel: 7,
  /** Pairs of byte offsets: a row of the source, and its place in the copy. */
  rowPairs: 8,
  rowCount: 9,
  /** Triples: where in a row of the source a phase begins, where in the row's copy, and how many elements it has. */
  phases: 10,
  phaseCount: 11,
  fromStep: 12,
  /** The other operand: panels of weights, or cotangents. */
  other: 13,
  otherSample: 14,
  otherGroup: 15,
  to: 16,
  toSample: 17,
  toGroup: 18,
  toRow: 19,
  /** Rows of the left operand in a group. */
  rows: 20,
  productCount: 21,
  products: 22,
} as const;

/** One product of a plan: its sums run over `depth` taps, its positions are rows of `width`. */
export const product = {
  /** Added to `other`, and to it for each group. */
  panels: 0,
  panelsGroup: 1,
  depth: 2,
  taps: 3,
  /** For each row of positions the byte offset in the source, and in the result. */
  rowTable: 4,
  outTable: 5,
  rowCount: 6,
  width: 7,
  /** Bytes from one position of the result to the next. */
  toStep: 8,
  words: 9,
} as const;
