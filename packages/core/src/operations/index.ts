/** The operations that are free functions, and the types of operations' options and results. */
export { type AttentionOptions, scaledDotProductAttention } from "./attention.ts";
export type { Closeness } from "./binary.ts";
export { type DropoutOptions, dropout } from "./dropout.ts";
export { einsum } from "./einsum.ts";
export { embedding } from "./embedding.ts";
export { type OneHotOptions, scatterND } from "./gathering.ts";
export { concatenate, stack } from "./joining.ts";
export type { MatmulOptions } from "./matmul.ts";
export {
  type BatchNormResult,
  batchNorm,
  batchNormTraining,
  type ChannelOptions,
  groupNorm,
  instanceNorm,
  type LayerNormOptions,
  layerNorm,
  type RmsNormOptions,
  rmsNorm,
} from "./normalization.ts";
export type { Operand } from "./operand.ts";
export type { PadMode, PadOptions, PadWidths } from "./padding.ts";
export { type RotaryOptions, rotaryEmbedding } from "./rotary.ts";
export type { ScanOptions } from "./scan.ts";
export { cosineSimilarity } from "./similarity.ts";
export type { Index, Range } from "./slicing.ts";
export type { TopK, TopKOptions, Unique } from "./sorting.ts";
export type { Moments } from "./statistics.ts";
export { where } from "./where.ts";
