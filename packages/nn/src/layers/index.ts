/** Layers: ordinary classes whose fields are tensors and other layers. */
export { Dropout } from "./dropout.ts";
export { Embedding } from "./embedding.ts";
export { GeGLU, SwiGLU } from "./gated.ts";
export type { Layer } from "./layer.ts";
export { Linear, type LinearOptions } from "./linear.ts";
export { LayerNorm, type LayerNormOptions, RMSNorm, type RMSNormOptions } from "./normalization.ts";
export { Sequential } from "./sequential.ts";
