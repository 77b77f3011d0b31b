/** Derivatives of softmax, attention, rotary embedding and dropout. */
import { registerDerivative } from "@pullback/autodiff";
import { isFloating } from "../dtype.ts";
import type { AttentionOptions } from "../operations/attention.ts";
import {
  groupHeads,
  headsOf,
  scaledDotProductAttention,
  traceAttention,
  ungroupHeads,
} from "../operations/attention.ts";
import type { DropoutOptions } from "../operations/dropout.ts";
import { dropout, keep, keptElements } from "../operations/dropout.ts";
import type { RotaryAngles, RotaryOptions } from "../operations/rotary.ts";
import { alignPositions, requireRotary, rotaryAngles, rotaryEmbedding, rotate } from "../operations/rotary.ts";
import { softmaxAdjoint } from "../operations/softmax.ts";
import type { Shape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { totalTangent, wants } from "./cotangents.ts";

registerDerivative(Tensor.prototype.softmax, {
  vjp: (x: Tensor, axis = -1) => {
    const value = x.softmax(axis);
    return { value, pullback: (ct: Tensor) => softmaxAdjoint(value, ct, axis) };
  },
  jvp: (x: Tensor, axis = -1) => {
    const value = x.softmax(axis);
    // The Jacobian is symmetric.
    return { value, differential: (dx: Tensor) => softmaxAdjoint(value, dx, axis) };
  },
  wrt: ["this"],
});

registerDerivative(softmaxAdjoint, {
  vjp: (y: Tensor, ct: Tensor, axis = -1) => ({
    value: softmaxAdjoint(y, ct, axis),
    pullback: (g: Tensor, needs?: readonly boolean[]) => [
      wants(y, needs, 0) ? g.mul(ct.sub(ct.mul(y).sum(axis, true))).sub(ct.mul(g.mul(y).sum(axis, true))) : undefined,
      wants(ct, needs, 1) ? softmaxAdjoint(y, g, axis) : undefined,
    ],
  }),
  jvp: (y: Tensor, ct: Tensor, axis = -1) => {
    const value = softmaxAdjoint(y, ct, axis);
    return {
      value,
      differential: (dy: Tensor | undefined, dct: Tensor | undefined) =>
        totalTangent(
          value,
          dy?.mul(ct.sub(ct.mul(y).sum(axis, true))).sub(y.mul(dy.mul(ct).sum(axis, true))),
          dct === undefined ? undefined : softmaxAdjoint(y, dct, axis),
        ),
    };
  },
  wrt: [0, 1],
});

registerDerivative(Tensor.prototype.logSoftmax, {
  vjp: (x: Tensor, axis = -1) => {
    const value = x.logSoftmax(axis);
    return { value, pullback: (ct: Tensor) => ct.sub(value.exp().mul(ct.sum(axis, true))) };
  },
  jvp: (x: Tensor, axis = -1) => {
    const value = x.logSoftmax(axis);
    return { value, differential: (dx: Tensor) => dx.sub(value.exp().mul(dx).sum(axis, true)) };
  },
  wrt: ["this"],
});

registerDerivative(scaledDotProductAttention, {
  vjp: (q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}) => {
    const trace = traceAttention(q, k, v, options);
    return {
      value: trace.output,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => {
        const { queries, probabilities, saturation } = trace;
        const mask = options.mask;
        const wantsMask = mask !== undefined && wants(mask, needs, 3);
        const wantsScores = wants(q, needs, 0) || wants(k, needs, 1) || wantsMask;
        const grouped = groupHeads(ct, headsOf(k));
        const values = wants(v, needs, 2)
          ? probabilities.matmul(grouped, { transposeA: true }).sumTo(v.shape)
          : undefined;
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
      },
    };
  },
  jvp: (q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}) => {
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

registerDerivative(rotaryEmbedding, {
  vjp: (x: Tensor, positions: Tensor, options?: RotaryOptions) => {
    requireRotary(x, positions);
    const angles = rotaryAngles(x, alignPositions(x, positions), options);
    return { value: rotate(x, angles, 1), pullback: (ct: Tensor) => rotate(ct, angles, -1) };
  },
  jvp: (x: Tensor, positions: Tensor, options?: RotaryOptions) => {
    requireRotary(x, positions);
    const angles = rotaryAngles(x, alignPositions(x, positions), options);
    return { value: rotate(x, angles, 1), differential: (dx: Tensor) => rotate(dx, angles, 1) };
  },
  wrt: [0],
});

registerDerivative(rotate, {
  vjp: (x: Tensor, angles: RotaryAngles, sign: 1 | -1) => ({
    value: rotate(x, angles, sign),
    pullback: (ct: Tensor) => rotate(ct, angles, sign === 1 ? -1 : 1),
  }),
  jvp: (x: Tensor, angles: RotaryAngles, sign: 1 | -1) => ({
    value: rotate(x, angles, sign),
    differential: (dx: Tensor) => rotate(dx, angles, sign),
  }),
  wrt: [0],
});

registerDerivative(dropout, {
  vjp: (x: Tensor, rate: number, options?: DropoutOptions) => {
    if (rate === 0) return { value: x, pullback: (ct: Tensor) => ct };
    const kept = keptElements(x, rate, options);
    return { value: keep(x, kept, rate), pullback: (ct: Tensor) => keep(ct, kept, rate) };
  },
  jvp: (x: Tensor, rate: number, options?: DropoutOptions) => {
    if (rate === 0) return { value: x, differential: (dx: Tensor) => dx };
    const kept = keptElements(x, rate, options);
    return { value: keep(x, kept, rate), differential: (dx: Tensor) => keep(dx, kept, rate) };
  },
  wrt: [0],
  effects: "random",
});

registerDerivative(Tensor.prototype.cast, {
  vjp: (x: Tensor, dtype: Tensor["dtype"]) => ({
    value: x.cast(dtype),
    pullback: (ct: Tensor) => (isFloating(x.dtype) && isFloating(dtype) ? ct.cast(x.dtype) : undefined),
  }),
  jvp: (x: Tensor, dtype: Tensor["dtype"]) => ({
    value: x.cast(dtype),
    differential: (dx: Tensor) => (isFloating(dtype) ? dx.cast(dtype) : undefined),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.to, {
  vjp: (x: Tensor, device: string) => ({ value: x.to(device), pullback: (ct: Tensor) => ct.to(x.device) }),
  jvp: (x: Tensor, device: string) => ({ value: x.to(device), differential: (dx: Tensor) => dx.to(device) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.barrier, {
  vjp: (x: Tensor) => ({ value: x.barrier(), pullback: (ct: Tensor) => ct }),
  jvp: (x: Tensor) => ({ value: x.barrier(), differential: (dx: Tensor) => dx.barrier() }),
  wrt: ["this"],
});

/** The scores of all query heads: [..., heads, L, S]. */
function scoreShape(q: Tensor, k: Tensor): Shape {
  return [...q.shape.slice(0, -1), k.shape[k.rank - 2]!];
}
