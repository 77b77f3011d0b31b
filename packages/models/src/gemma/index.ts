/** Gemma 2 and Gemma 3: models, checkpoints, generation. */
export { stateDict } from "@pullback/nn";
export { Attention } from "./attention.ts";
export { KeyValueCache, LayerCache } from "./cache.ts";
export { CharacterTokenizer } from "./character-tokenizer.ts";
export { type GemmaConfig, gemma2Config, gemma3Config, type LayerKind, layerPattern } from "./config.ts";
export { DecoderLayer } from "./decoder-layer.ts";
export { FeedForward } from "./feed-forward.ts";
export type { GenerateOptions } from "./generate.ts";
export { type GenerationDefaults, parseGenerationConfig, parseHubConfig } from "./hub-config.ts";
export { type LoadOptions, loadGemma } from "./loading.ts";
export { Gemma, type GemmaOptions, type HiddenStates, type LossOptions } from "./model.ts";
export { type ParameterCount, parameterCount } from "./parameter-count.ts";
export { gemmaSizes } from "./sizes.ts";
export type { Piece } from "./text-stream.ts";
export type { Tokenizer } from "./tokenizer.ts";
export type { Tokens } from "./tokens.ts";
