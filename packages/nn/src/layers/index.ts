/** Layers: ordinary classes whose fields are tensors and other layers. */
export {
  CELU,
  ELU,
  GELU,
  HardSigmoid,
  HardSwish,
  HardTanh,
  Lambda,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  PReLU,
  ReLU,
  ReLU6,
  SELU,
  Sigmoid,
  SiLU,
  SoftCap,
  Softmax,
  Softplus,
  Softsign,
  Tanh,
} from "./activations.ts";
export { MultiHeadAttention, type MultiHeadAttentionOptions } from "./attention.ts";
export { Bidirectional, type BidirectionalOptions, type Direction } from "./bidirectional.ts";
export { Bilinear } from "./bilinear.ts";
export {
  BatchNorm,
  type BatchNormOptions,
  type ChannelNormOptions,
  GroupNorm,
  InstanceNorm,
} from "./channel-normalization.ts";
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvOptions,
  DepthwiseConv2d,
  type DepthwiseOptions,
  SeparableConv1d,
  SeparableConv2d,
  type SeparableOptions,
} from "./convolution.ts";
export { Dropout } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export { GeGLU, SwiGLU } from "./gated.ts";
export type { Layer } from "./layer.ts";
export { Linear, type LinearOptions } from "./linear.ts";
export { LoRA, type LoRAOptions } from "./lora.ts";
export { AlphaDropout, GaussianDropout, GaussianNoise } from "./noise.ts";
export { LayerNorm, type LayerNormOptions, RMSNorm, type RMSNormOptions } from "./normalization.ts";
export {
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  FractionalMaxPool2d,
  GlobalAvgPool1d,
  GlobalAvgPool2d,
  GlobalAvgPool3d,
  GlobalMaxPool1d,
  GlobalMaxPool2d,
  GlobalMaxPool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
} from "./pooling.ts";
export { LearnedPositions, RotaryPositions, SinusoidalPositions } from "./positions.ts";
export { QuantisedLinear } from "./quantised-linear.ts";
export { GRU, LSTM, type RecurrentLayer, type RecurrentResult, SimpleRNN } from "./recurrent.ts";
export { GRUCell, LSTMCell, type LSTMState, SimpleRNNCell, type SimpleRNNOptions } from "./recurrent-cells.ts";
export type { HiddenState, RecurrentOptions } from "./recurrent-weights.ts";
export { Sequential } from "./sequential.ts";
export { Flatten, Padding, type PaddingOptions, Reshape } from "./shaping.ts";
export { Dilation2d, Erosion2d, UpSampling, type UpSamplingOptions } from "./spatial.ts";
export {
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeOptions,
} from "./transposed-convolution.ts";
