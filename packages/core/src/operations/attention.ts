/** Scaled dot-product attention with grouped heads, causal and sliding-window masks, and soft-capped scores. */
import type { Int, NoDerivative } from "@pullback/autodiff";
import { isFloating } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { formatShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { attendInBlocks, queryBlocks } from "./attention-blocks.ts";
import { where } from "./where.ts";

export interface AttentionOptions {
  /** Broadcasts to [..., heads, L, S]. bool: true may attend; floating: added to the scores. */
  readonly mask?: Tensor | undefined;
  readonly causal?: boolean | undefined;
  /** Query at position p sees keys j > p - window, and j < p + window when not causal. */
  readonly window?: Int | undefined;
  readonly softCap?: NoDerivative<number> | undefined;
  /** Default 1 / sqrt(headDim). */
  readonly scale?: NoDerivative<number> | undefined;
  /** Position of query 0 among the keys. Default S - L: the last query stands at the last key. */
  readonly queryOffset?: Int | undefined;
}

/** The parts of one evaluation that its derivative reads again. Scores are [..., kvHeads, groups * L, S]. */
export interface AttentionTrace {
  readonly output: Tensor;
  /** Scaled queries [..., kvHeads, groups * L, d]. */
  readonly queries: Tensor;
  readonly probabilities: Tensor;
  /** tanh(score / softCap), when there is a soft cap. */
  readonly saturation: Tensor | undefined;
}

/** Number of heads; without a head axis there is one. */
export function headsOf(x: Tensor): number {
  return x.rank < 3 ? 1 : x.shape[x.rank - 3]!;
}

export function requireAttention(q: Tensor, k: Tensor, v: Tensor): void {
  const shapes = `q ${formatShape(q.shape)}, k ${formatShape(k.shape)}, v ${formatShape(v.shape)}`;
  for (const x of [q, k, v]) {
    if (!isFloating(x.dtype))
      throw new DTypeError(`scaledDotProductAttention: needs floating tensors, got ${x.dtype}.`);
    if (x.rank < 2)
      throw new ShapeError(
        `scaledDotProductAttention: operands are [..., heads, sequence, headDim] or [sequence, headDim], but got ${shapes}.`,
      );
  }
  const heads = headsOf(q);
  const keyHeads = headsOf(k);
  if (q.shape[q.rank - 1] !== k.shape[k.rank - 1])
    throw new ShapeError(`scaledDotProductAttention: head dimensions of queries and keys differ: ${shapes}.`);
  if (keyHeads !== headsOf(v) || k.shape[k.rank - 2] !== v.shape[v.rank - 2])
    throw new ShapeError(`scaledDotProductAttention: keys and values differ in heads or length: ${shapes}.`);
  if (keyHeads === 0 || heads % keyHeads !== 0)
    throw new ShapeError(`scaledDotProductAttention: ${heads} query heads do not share ${keyHeads} key heads evenly.`);
}

/** Which keys each query may see by position, bool [L, S]; undefined when it sees all of them. */
function visibleKeys(q: Tensor, length: number, keys: number, options: AttentionOptions): Tensor | undefined {
  const { causal = false, window } = options;
  const offset = options.queryOffset ?? keys - length;
  const last = offset + length - 1;
  const reachesAllAhead = !causal || offset >= keys - 1;
  const reachesAllBehind = window === undefined || last - window < 0;
  const reachesAllAround = causal || window === undefined || offset + window > keys - 1;
  if (reachesAllAhead && reachesAllBehind && reachesAllAround) return undefined;
  const backend = q.backend;
  const positions = new Tensor(backend.arange(offset, 1, length, "int32"), backend).expandDims(1);
  const distance = positions.sub(new Tensor(backend.arange(0, 1, keys, "int32"), backend));
  if (window === undefined) return distance.greaterEqual(0);
  const behind = distance.less(window);
  return behind.logicalAnd(causal ? distance.greaterEqual(0) : distance.greater(-window));
}

/** Whether some query may be left without any visible key by its position alone. */
function mayBeBlind(length: number, keys: number, options: AttentionOptions): boolean {
  const offset = options.queryOffset ?? keys - length;
  if (options.causal && offset < 0) return true;
  if (options.window === undefined) return keys === 0;
  return (
    offset - options.window >= keys - 1 ||
    offset + length - 1 - options.window >= keys - 1 ||
    offset + options.window <= 0
  );
}

/** Query heads that share a key head, laid one under the other: [..., kvHeads, groups * L, d]. */
export function groupHeads(x: Tensor, keyHeads: number): Tensor {
  const heads = headsOf(x);
  if (heads === keyHeads) return x;
  const rows = (heads / keyHeads) * x.shape[x.rank - 2]!;
  return x.reshape([...x.shape.slice(0, -3), keyHeads, rows, x.shape[x.rank - 1]!]);
}

/** The inverse of groupHeads for rows of `width` elements. */
export function ungroupHeads(x: Tensor, q: Tensor): Tensor {
  const heads = headsOf(q);
  if (headsOf(x) === heads) return x;
  return x.reshape([...x.shape.slice(0, -3), heads, q.shape[q.rank - 2]!, x.shape[x.rank - 1]!]);
}

/** Attention and what its derivative needs. */
export function traceAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): AttentionTrace {
  const keyHeads = headsOf(k);
  const length = q.shape[q.rank - 2]!;
  const keys = k.shape[k.rank - 2]!;
  const queries = groupHeads(q.mul(options.scale ?? 1 / Math.sqrt(q.shape[q.rank - 1]!)), keyHeads);
  const products = queries.matmul(k, { transposeB: true });
  const saturation = options.softCap === undefined ? undefined : products.div(options.softCap).tanh();
  const scores = ungroupHeads(saturation === undefined ? products : saturation.mul(options.softCap!), q);
  const visible = visibleKeys(q, length, keys, options);
  const placed = visible === undefined ? scores : where(visible, scores, -Infinity);
  const masked = applyMask(placed, options.mask);
  const distribution = masked.softmax(-1);
  // A row of -Infinity has no softmax; it attends to nothing and gives 0.
  const careful = options.mask !== undefined || mayBeBlind(length, keys, options);
  const weights = careful ? where(blindRows(masked), 0, distribution) : distribution;
  const probabilities = groupHeads(weights, keyHeads);
  return { output: ungroupHeads(probabilities.matmul(v), q), queries, probabilities, saturation };
}

function applyMask(scores: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return scores;
  return isFloating(mask.dtype) ? scores.add(mask) : where(mask, scores, -Infinity);
}

function blindRows(scores: Tensor): Tensor {
  return scores.equal(-Infinity).all(-1, true);
}

/**
 * softmax(q kᵀ scale) v, with consecutive query heads sharing a key head. Vaswani et al. 2017, eq. 1; grouped heads of
 * Ainslie et al. 2023; scores are scaled, then soft-capped, then masked.
 * q [..., heads, L, d], k [..., kvHeads, S, d], v [..., kvHeads, S, e]; the result is [..., heads, L, e].
 * A query that may attend to nothing gives 0 and no gradient. Differentiable in q, k, v and a floating mask. Where the
 * scores would be many they are computed a block of queries at a time, here and in the derivative.
 * @throws ShapeError when the shapes do not fit, DTypeError when an operand is not floating.
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  requireAttention(q, k, v);
  return attendInBlocks(q, k, v, queryBlocks(q, k, options));
}
