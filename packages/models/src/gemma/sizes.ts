/** The published sizes. Source: gemma_pytorch's config.py and the JAX library's _gemma.py (270M), which agree. */
import { type GemmaConfig, gemma2Config, gemma3Config, layerPattern } from "./config.ts";

/** Vocabulary sizes are the rows of the Hub's embedding; multimodal sizes are described by their text part. */
export const gemmaSizes = {
  "gemma-2-2b": gemma2Config({ stopTokens: [1, 107] }),
  "gemma-2-9b": gemma2Config({
    hiddenSize: 3584, feedForwardSize: 14336, heads: 16, keyValueHeads: 8, layers: layerPattern(42, 2), stopTokens: [1, 107],
  }),
  "gemma-2-27b": gemma2Config({
    hiddenSize: 4608, feedForwardSize: 36864, heads: 32, keyValueHeads: 16, headDim: 128, queryScalar: 144,
    layers: layerPattern(46, 2), stopTokens: [1, 107],
  }),
  "gemma-3-270m": gemma3Config({
    hiddenSize: 640, feedForwardSize: 2048, layers: layerPattern(18, 6), stopTokens: [1, 106],
  }),
  "gemma-3-1b": gemma3Config({ stopTokens: [1, 106] }),
  "gemma-3-4b": gemma3Config({
    vocabularySize: 262208, hiddenSize: 2560, feedForwardSize: 10240, heads: 8, keyValueHeads: 4,
    layers: layerPattern(34, 6), slidingWindow: 1024, ropeScalingFactor: 8, contextLength: 131072, stopTokens: [1, 106],
  }),
  "gemma-3-12b": gemma3Config({
    vocabularySize: 262208, hiddenSize: 3840, feedForwardSize: 15360, heads: 16, keyValueHeads: 8,
    layers: layerPattern(48, 6), slidingWindow: 1024, ropeScalingFactor: 8, contextLength: 131072, stopTokens: [1, 106],
  }),
  "gemma-3-27b": gemma3Config({
    vocabularySize: 262208, hiddenSize: 5376, feedForwardSize: 21504, heads: 32, keyValueHeads: 16, headDim: 128,
    queryScalar: 168, layers: layerPattern(62, 6), slidingWindow: 1024, ropeScalingFactor: 8, contextLength: 131072,
    stopTokens: [1, 106],
  }),
} satisfies Record<string, GemmaConfig>; // biome-ignore format: a table
