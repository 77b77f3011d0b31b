/** The derivative of attention, whole or a block of queries at a time. */
import { registerDerivative } from "@pullback/autodiff";
import { isFloating } from "../dtype.ts";
import {
  type AttentionOptions,
  type AttentionTrace,
  groupHeads,
  headsOf,
  requireAttention,
  scaledDotProductAttention,
  traceAttention,
  ungroupHeads,
} from "../operations/attention.ts";
import { attendInBlocks, type QueryBlock, queryBlocks, sliceBlock } from "../operations/attention-blocks.ts";
import { concatenate } from "../operations/joining.ts";
import { softmaxAdjoint } from "../operations/softmax.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { wants } from "./cotangents.ts";

/** What q, k, v and the options contribute; absent where not asked for. */
type AttentionCotangents = [
  q: Tensor | undefined,
  k: Tensor | undefined,
  v: Tensor | undefined,
  options: { mask: Tensor } | undefined,
];

function cotangents(
  { queries, probabilities, saturation }: AttentionTrace,
  [q, k, v, options]: readonly [Tensor, Tensor, Tensor, AttentionOptions],
  ct: Tensor,
  needs: readonly boolean[] | undefined,
): AttentionCotangents {
  const mask = options.mask;
  const wantsMask = mask !== undefined && wants(mask, needs, 3);
  const wantsScores = wants(q, needs, 0) || wants(k, needs, 1) || wantsMask;
  const grouped = groupHeads(ct, headsOf(k));
  const values = wants(v, needs, 2) ? probabilities.matmul(grouped, { transposeA: true }).sumTo(v.shape) : undefined;
  if (!wantsScores) return [undefined, undefined, values, undefined];
  const scores = softmaxAdjoint(probabilities, grouped.matmul(v, { transposeB: true }));
  const products = saturation === undefined ? scores : scores.sub(scores.mul(saturation).mul(saturation));
  const scale = options.scale ?? 1 / Math.sqrt(q.shape[q.rank - 1]!);
  return [
    wants(q, needs, 0) ? ungroupHeads(products.matmul(k), q).mul(scale).sumTo(q.shape) : undefined,
    wants(k, needs, 1) ? products.matmul(queries, { transposeA: true }).sumTo(k.shape) : undefined,
    values,
    wantsMask ? { mask: ungroupHeads(scores, q).sumTo(mask.shape).cast(mask.dtype) } : undefined,
  ];
}

/** Block by block: each block's scores are computed again, and forgotten before the next. */
export function cotangentsInBlocks(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  blocks: readonly QueryBlock[],
  ct: Tensor,
  needs: readonly boolean[] | undefined,
): AttentionCotangents {
  const ofQueries: Tensor[] = [];
  let [ofKeys, ofValues]: (Tensor | undefined)[] = [];
  for (const block of blocks) {
    const operands = sliceBlock(q, k, v, block);
    const own = ct.slice("...", [block.queries.start, block.queries.stop], undefined);
    const [dq, dk, dv] = cotangents(traceAttention(...operands), operands, own, needs);
    if (dq !== undefined) ofQueries.push(dq);
    ofKeys = addedAt(ofKeys, dk, block, k);
    ofValues = addedAt(ofValues, dv, block, v);
  }
  return [ofQueries.length > 0 ? concatenate(ofQueries, -2) : undefined, ofKeys, ofValues, undefined];
}

/** The total with a part added at the keys of a block. */
function addedAt(
  total: Tensor | undefined,
  part: Tensor | undefined,
  { keys }: QueryBlock,
  whole: Tensor,
): Tensor | undefined {
  if (part === undefined) return total;
  const length = whole.shape[whole.rank - 2]!;
  const widths = whole.shape.map((_, axis): [number, number] =>
    axis === whole.rank - 2 ? [keys.start, length - keys.stop] : [0, 0],
  );
  const placed = keys.start === 0 && keys.stop === length ? part : part.pad(widths);
  return total === undefined ? placed : total.add(placed);
}

registerDerivative(scaledDotProductAttention, {
  vjp: (q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}) => {
    requireAttention(q, k, v);
    const blocks = queryBlocks(q, k, options);
    // The cotangent of a floating mask is as large as the scores.
    if (blocks.length > 1 && (options.mask === undefined || !isFloating(options.mask.dtype)))
      return {
        value: attendInBlocks(q, k, v, blocks),
        pullback: (ct: Tensor, needs?: readonly boolean[]) => cotangentsInBlocks(q, k, v, blocks, ct, needs),
      };
    const trace = traceAttention(q, k, v, options);
    return {
      value: trace.output,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => cotangents(trace, [q, k, v, options], ct, needs),
    };
  },
  jvp: (q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}) => {
    requireAttention(q, k, v);
    const trace = traceAttention(q, k, v, options);
    return {
      value: trace.output,
      differential: (
        dq: Tensor | undefined,
        dk: Tensor | undefined,
        dv: Tensor | undefined,
        dOptions: { mask?: Tensor } | undefined,
      ) => {
        const { queries, probabilities, saturation } = trace;
        const scale = options.scale ?? 1 / Math.sqrt(q.shape[q.rank - 1]!);
        const fromQ =
          dq === undefined ? undefined : groupHeads(dq.mul(scale), headsOf(k)).matmul(k, { transposeB: true });
        const fromK = dk === undefined ? undefined : queries.matmul(dk, { transposeB: true });
        const products = fromQ === undefined ? fromK : fromK === undefined ? fromQ : fromQ.add(fromK);
        const capped =
          products === undefined || saturation === undefined
            ? products
            : products.sub(products.mul(saturation).mul(saturation));
        const mask = options.mask;
        const dMask = mask !== undefined && isFloating(mask.dtype) ? dOptions?.mask : undefined;
        const fromMask = dMask === undefined ? undefined : groupHeads(dMask.broadcastTo(scoreShape(q, k)), headsOf(k));
        const scores = capped === undefined ? fromMask : fromMask === undefined ? capped : capped.add(fromMask);
        const moved = scores === undefined ? undefined : softmaxAdjoint(probabilities, scores).matmul(v);
        const mixed = dv === undefined ? undefined : probabilities.matmul(dv);
        const total = moved === undefined ? mixed : mixed === undefined ? moved : moved.add(mixed);
        return total === undefined ? undefined : ungroupHeads(total, q).cast(trace.output.dtype);
      },
    };
  },
  wrt: [0, 1, 2, 3],
});

/** The scores of all query heads: [..., heads, L, S]. */
function scoreShape(q: Tensor, k: Tensor): Shape {
  return [...q.shape.slice(0, -1), k.shape[k.rank - 2]!];
}
