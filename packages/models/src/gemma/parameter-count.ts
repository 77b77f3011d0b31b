/** How many parameters a configuration has, without allocating them. */
import { stateDict } from "@pullback/nn";
import type { GemmaConfig } from "./config.ts";
import { unfilled } from "./initialization.ts";
import { Gemma } from "./model.ts";

export interface ParameterCount {
  /** The embedding, which is the output matrix too. */
  readonly embedding: number;
  readonly other: number;
  readonly total: number;
  /** Tensors in a checkpoint. */
  readonly tensors: number;
}

export function parameterCount(config: GemmaConfig): ParameterCount {
  const weights = stateDict(new Gemma(config, { initialize: unfilled("float32") }));
  let total = 0;
  for (const weight of weights.values()) total += weight.size;
  const embedding = config.vocabularySize * config.hiddenSize;
  return { embedding, other: total - embedding, total, tensors: weights.size };
}
