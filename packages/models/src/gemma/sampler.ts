/**
 * Chooses the next token from logits. The order is gemma_pytorch's: (repetition penalty,) temperature, softmax, top-p,
 * top-k, renormalise; min-p looks at ratios only, so its place does not matter.
 */

export interface SamplingOptions {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  /** Keeps the k most likely tokens; Infinity keeps all. */
  readonly topK: number;
  /** Keeps tokens until those before them hold more than this share of the probability; 1 keeps all. */
  readonly topP: number;
  /** Keeps tokens at least this fraction as likely as the most likely one; 0 keeps all. */
  readonly minP: number;
  /** Divides positive logits of tokens already seen, and multiplies negative ones (CTRL, arXiv 1909.05858, §4.1). */
  readonly repetitionPenalty: number;
}

/** The published settings of Gemma 2 and 3. */
export const samplingDefaults: SamplingOptions = {
  temperature: 1,
  topK: 64,
  topP: 0.95,
  minP: 0,
  repetitionPenalty: 1,
};

/** The tokens that remain after filtering, most likely first, with probabilities that sum to 1. */
export interface Candidates {
  readonly tokens: readonly number[];
  readonly probabilities: readonly number[];
}

/** `logits` with the penalty applied to every token of `seen`, once each. */
export function penalize(logits: Float32Array, seen: Iterable<number>, penalty: number): Float32Array {
  if (penalty === 1) return logits;
  const penalized = Float32Array.from(logits);
  for (const token of new Set(seen)) {
    const logit = logits[token]!;
    penalized[token] = logit > 0 ? logit / penalty : logit * penalty;
  }
  return penalized;
}

/** The most likely token; of equal ones the first. */
export function greedy(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** The distribution to draw from; `options.temperature` is positive. */
export function candidates(logits: Float32Array, options: SamplingOptions): Candidates {
  const weights = Float64Array.from(logits);
  const highest = logits[greedy(logits)]!;
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = Math.exp((weights[i]! - highest) / options.temperature);
    weights[i] = weight;
    total += weight;
  }

  // Sorting a whole vocabulary is slow and rarely needed: look at the likeliest 256, and at more while all of them stay.
  const limit = Math.min(options.topK, weights.length);
  for (let count = Math.min(256, limit); ; count = Math.min(4 * count, limit)) {
    const tokens = likeliest(weights, count);
    const kept = keep(tokens, weights, total, options);
    if (kept < count || count === limit) {
      const chosen = tokens.slice(0, kept);
      const sum = chosen.reduce((partial, token) => partial + weights[token]!, 0);
      return { tokens: chosen, probabilities: chosen.map((token) => weights[token]! / sum) };
    }
  }
}

/** How many of `tokens` (likeliest first) pass top-p and min-p; at least one does. */
function keep(tokens: readonly number[], weights: Float64Array, total: number, options: SamplingOptions): number {
  const floor = options.minP * weights[tokens[0]!]!;
  let before = 0;
  for (let i = 0; i < tokens.length; i++) {
    const weight = weights[tokens[i]!]!;
    if (i > 0 && (before / total > options.topP || weight < floor)) return i;
    before += weight;
  }
  return tokens.length;
}

/** The indices of the `count` largest weights, in falling order; equal ones keep theirs. */
function likeliest(weights: Float64Array, count: number): number[] {
  const falls = (a: number, b: number) => weights[b]! - weights[a]! || a - b;
  if (count * 4 >= weights.length) {
    return Array.from(weights.keys()).sort(falls).slice(0, count);
  }
  // A heap of the best so far, the worst of them on top.
  const heap: number[] = [];
  const sift = (start: number): void => {
    for (let i = start; ; ) {
      let child = 2 * i + 1;
      if (child >= heap.length) return;
      if (child + 1 < heap.length && falls(heap[child + 1]!, heap[child]!) > 0) child++;
      if (falls(heap[child]!, heap[i]!) <= 0) return;
      const index = heap[i]!;
      heap[i] = heap[child]!;
      heap[child] = index;
      i = child;
    }
  };
  for (let i = 0; i < weights.length; i++) {
    if (heap.length < count) {
      heap.push(i);
      if (heap.length === count) for (let j = count >> 1; j >= 0; j--) sift(j);
    } else if (weights[i]! > weights[heap[0]!]!) {
      heap[0] = i;
      sift(0);
    }
  }
  return heap.sort(falls);
}

/** Draws from `candidates` with `uniform` in [0, 1). */
export function draw({ tokens, probabilities }: Candidates, uniform: number): number {
  let cumulative = 0;
  for (let i = 0; i < tokens.length; i++) {
    cumulative += probabilities[i]!;
    if (uniform < cumulative) return tokens[i]!;
  }
  return tokens[tokens.length - 1]!;
}
