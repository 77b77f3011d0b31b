/** Text out of a model, token by token. */
import { type RandomKey, rand, randomKey, type Tensor } from "@pullback/core";
import { ConfigError, TokenizerError } from "../errors.ts";
import { KeyValueCache } from "./cache.ts";
import type { GenerationDefaults } from "./hub-config.ts";
import type { Gemma } from "./model.ts";
import { candidates, draw, greedy, penalize, type SamplingOptions, samplingDefaults } from "./sampler.ts";
import { type Piece, TextStream } from "./text-stream.ts";

/** Whatever is absent is taken from the checkpoint's generation_config, then from `samplingDefaults`. */
export interface GenerateOptions {
  /** Tokens to generate at most. */
  readonly maxTokens?: number;
  /** 0 takes the most likely token. */
  readonly temperature?: number;
  /** Keeps the k most likely tokens; Infinity keeps all. */
  readonly topK?: number;
  /** Keeps tokens until those before them hold more than this share of the probability; 1 keeps all. */
  readonly topP?: number;
  /** Keeps tokens at least this fraction as likely as the most likely one. */
  readonly minP?: number;
  /** Over 1, makes tokens of the prompt and of the answer less likely; 1 is off. */
  readonly repetitionPenalty?: number;
  /** Makes the answer reproducible; without it the default generator (`setSeed`) draws. */
  readonly seed?: number;
  /** Token ids and texts that end the answer, and are not part of it; `[]` never stops. */
  readonly stop?: readonly (number | string)[];
  /** Ends generation with the platform's AbortError. */
  readonly signal?: AbortSignal;
  /** Tokens seen before; the prompt follows them, and the cache goes on growing by it and by the answer. */
  readonly cache?: KeyValueCache;
}

/** Queries that a prompt is cut into, which bounds the memory of its attention scores. */
const chunkLength = 512;

/**
 * What `Gemma.generate` does: reads the prompt in chunks, then draws one token after the other.
 *
 * @throws TokenizerError PB8201 for a text prompt without tokenizer, ConfigError PB8103 for options out of range,
 *   IndexError for a token outside the vocabulary, AbortError
 */
export async function* generate(
  model: Gemma,
  prompt: string | readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<Piece, void, undefined> {
  const sampling = samplingOptions(options, model.generation);
  const maxTokens = options.maxTokens ?? model.generation.maxTokens ?? 256;
  const stop = options.stop ?? model.generation.stop ?? model.config.stopTokens;
  const stopTokens = new Set(stop.filter((one) => typeof one === "number"));
  const text = new TextStream(
    model.tokenizer,
    stop.filter((one) => typeof one === "string"),
  );
  const uniform = uniformNumbers(options.seed);
  const cache = options.cache ?? new KeyValueCache(model.config);

  const seen = [...encode(model, prompt, cache)];
  let logits = prefill(model, seen, cache);
  for (let count = 0; count < maxTokens; count++) {
    await nextTask();
    options.signal?.throwIfAborted();
    const known = ((await logits.data()) as Float32Array).subarray(0, model.config.generatedTokens);
    const scores = penalize(known, seen, sampling.repetitionPenalty);
    const token =
      sampling.temperature === 0 ? greedy(scores) : draw(candidates(scores, sampling), await uniform(count));
    if (stopTokens.has(token)) break;
    seen.push(token);
    yield* text.push(token);
    if (text.stopped) return;
    if (count + 1 < maxTokens || options.cache !== undefined) logits = model.extend([[token]], cache);
  }
  yield* text.flush();
}

function encode(model: Gemma, prompt: string | readonly number[], cache: KeyValueCache): readonly number[] {
  if (typeof prompt === "string" && model.tokenizer === undefined) {
    throw new TokenizerError("a text prompt needs a tokenizer, and this model has none", {
      code: "PB8201",
      hint: "Give token ids, or set model.tokenizer.",
    });
  }
  const tokens = typeof prompt === "string" ? model.tokenizer!.encode(prompt, { bos: cache.length === 0 }) : prompt;
  if (tokens.length > 0) return tokens;
  throw new ConfigError("the prompt is empty", { code: "PB8103", hint: "Begin with the beginning-of-sequence token." });
}

/** Runs the prompt through the model; the logits `[1, vocabulary]` of the token after it. */
function prefill(model: Gemma, tokens: readonly number[], cache: KeyValueCache): Tensor {
  let logits = model.extend([tokens.slice(0, chunkLength)], cache);
  for (let start = chunkLength; start < tokens.length; start += chunkLength) {
    logits = model.extend([tokens.slice(start, start + chunkLength)], cache);
  }
  return logits;
}

function samplingOptions(options: GenerateOptions, defaults: GenerationDefaults): SamplingOptions {
  const chosen = {} as Record<keyof SamplingOptions, number>;
  for (const name of Object.keys(samplingDefaults) as (keyof SamplingOptions)[]) {
    chosen[name] = options[name] ?? defaults[name] ?? samplingDefaults[name];
  }
  const valid: Record<keyof SamplingOptions, boolean> = {
    temperature: chosen.temperature >= 0,
    topK: chosen.topK >= 1 && (Number.isInteger(chosen.topK) || chosen.topK === Infinity),
    topP: chosen.topP > 0 && chosen.topP <= 1,
    minP: chosen.minP >= 0 && chosen.minP <= 1,
    repetitionPenalty: chosen.repetitionPenalty > 0,
  };
  for (const name of Object.keys(valid) as (keyof SamplingOptions)[]) {
    if (valid[name]) continue;
    throw new ConfigError(`${name} = ${chosen[name]} is out of range`, {
      code: "PB8103",
      hint: "temperature >= 0, topK >= 1, 0 < topP <= 1, 0 <= minP <= 1, repetitionPenalty > 0.",
    });
  }
  return chosen;
}

/** Numbers in [0, 1), the i-th of a seed always the same. */
function uniformNumbers(seed: number | undefined): (index: number) => Promise<number> {
  const key: RandomKey | undefined = seed === undefined ? undefined : randomKey(seed);
  return async (index) => {
    const drawn = key === undefined ? rand([1]) : rand([1], { key: key.foldIn(index) });
    return (await drawn.data())[0]!;
  };
}

/** Lets signals, timers and finalizers run: a promise alone would not. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
