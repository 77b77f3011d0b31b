/**
 * Attention a block of queries at a time, so that only one block's scores are held. A block looks at the keys that its
 * queries can see by position, so a causal mask halves the work and a sliding window bounds it.
 */
import type { Tensor } from "../tensor/tensor.ts";
import { type AttentionOptions, traceAttention } from "./attention.ts";
import { concatenate } from "./joining.ts";

interface Stretch {
  readonly start: number;
  readonly stop: number;
}

export interface QueryBlock {
  readonly queries: Stretch;
  readonly keys: Stretch;
  /** As they are for the block: its mask, and where its first query stands among its keys. */
  readonly options: AttentionOptions;
}

/** Scores of all heads that are held at once. */
const mostScores = 2 ** 22;

/** One block where the scores are few, else blocks of equal length with at most `most` scores each. */
export function queryBlocks(q: Tensor, k: Tensor, options: AttentionOptions, most = mostScores): QueryBlock[] {
  const length = q.shape[q.rank - 2]!;
  const keys = k.shape[k.rank - 2]!;
  const perQuery = (q.size / Math.max(1, length * q.shape[q.rank - 1]!)) * keys;
  const whole = { queries: { start: 0, stop: length }, keys: { start: 0, stop: keys }, options };
  if (perQuery * length <= most || length < 2) return [whole];
  const count = Math.ceil(length / Math.max(1, Math.floor(most / perQuery)));
  const size = Math.ceil(length / count);
  const blocks: QueryBlock[] = [];
  for (let start = 0; start < length; start += size)
    blocks.push(blockOf({ start, stop: Math.min(length, start + size) }, length, keys, options));
  return blocks;
}

function blockOf(queries: Stretch, length: number, keys: number, options: AttentionOptions): QueryBlock {
  const { causal = false, window, mask } = options;
  const offset = options.queryOffset ?? keys - length;
  // At least one key, though it may be hidden: a query without any is the caller's to see.
  const ahead = causal ? 1 : (window ?? keys + Math.abs(offset) + length);
  const stop = Math.min(keys, Math.max(1, offset + queries.stop - 1 + ahead));
  const start = window === undefined ? 0 : Math.min(stop - 1, Math.max(0, offset + queries.start - window + 1));
  const own = mask && sliceMask(mask, queries, length, { start, stop }, keys);
  return {
    queries,
    keys: { start, stop },
    options: { ...options, mask: own, queryOffset: offset + queries.start - start },
  };
}

/** The part of a mask that broadcasts to a block's scores. */
function sliceMask(mask: Tensor, queries: Stretch, length: number, keys: Stretch, extent: number): Tensor {
  if (mask.rank === 0) return mask;
  const across = mask.shape[mask.rank - 1] === extent ? mask.slice("...", [keys.start, keys.stop]) : mask;
  if (mask.rank < 2 || mask.shape[mask.rank - 2] !== length) return across;
  return across.slice("...", [queries.start, queries.stop], undefined);
}

/** The operands of one block. */
export function sliceBlock(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { queries, keys, options }: QueryBlock,
): [q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions] {
  const rows = (x: Tensor, { start, stop }: Stretch) => x.slice("...", [start, stop], undefined);
  return [rows(q, queries), rows(k, keys), rows(v, keys), options];
}

/** The attention of all blocks. */
export function attendInBlocks(q: Tensor, k: Tensor, v: Tensor, blocks: readonly QueryBlock[]): Tensor {
  const [first, ...others] = blocks as [QueryBlock, ...QueryBlock[]];
  if (others.length === 0) return traceAttention(q, k, v, first.options).output;
  return concatenate(
    blocks.map((block) => traceAttention(...sliceBlock(q, k, v, block)).output),
    -2,
  );
}
