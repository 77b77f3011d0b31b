/** The operations that are free functions, and the types of operations' options and results. */
export { type AttentionOptions, scaledDotProductAttention } from "./attention.ts";
export type { Closeness } from "./binary.ts";
export {
  type ConvolutionOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type TransposedConvolutionOptions,
} from "./convolution.ts";
export { type DepthSpaceOptions, depthToSpace, spaceToDepth } from "./depth-space.ts";
export { type DropoutOptions, dropout } from "./dropout.ts";
export { einsum } from "./einsum.ts";
export { embedding } from "./embedding.ts";
export { type Complex, type FourierOptions, fft, ifft, irfft, rfft } from "./fourier.ts";
export { type OneHotOptions, scatterND } from "./gathering.ts";
export { concatenate, stack } from "./joining.ts";
export {
  type CholeskyOptions,
  cholesky,
  det,
  type Eigh,
  eigh,
  inverse,
  logdet,
  type Qr,
  type QrOptions,
  qr,
  type SignedLogDet,
  type Svd,
  slogdet,
  solve,
  svd,
  type TriangularSolveOptions,
  triangularSolve,
} from "./linear-algebra.ts";
export type { MatmulOptions } from "./matmul.ts";
export { dilation2d, erosion2d, type MorphologyOptions } from "./morphology.ts";
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
export {
  type AdaptivePoolOptions,
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type FractionalPoolOptions,
  fractionalMaxPool2d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from "./pooling.ts";
export { type ResizeMode, type ResizeOptions, resize } from "./resize.ts";
export { type RotaryOptions, rotaryEmbedding } from "./rotary.ts";
export type { ScanOptions } from "./scan.ts";
export { cosineSimilarity } from "./similarity.ts";
export type { Index, Range } from "./slicing.ts";
export type { TopK, TopKOptions, Unique } from "./sorting.ts";
export type { Moments } from "./statistics.ts";
export { where } from "./where.ts";
export type { Padding, PerAxis, SpatialLayout } from "./windows.ts";
