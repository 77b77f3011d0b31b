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
import { Tensor } from "../tensor/tensor.ts";
import { wants } from "./cotangents.ts";

registerDerivative(Tensor.prototype.softmax, {
  vjp: (x: Tensor, axis = -1) => {
    const value = x.softmax(axis);
    return { value, pullback: (ct: Tensor) => softmaxAdjoint(value, ct, axis) };
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
  wrt: [0, 1],
});

registerDerivative(Tensor.prototype.logSoftmax, {
  vjp: (x: Tensor, axis = -1) => {
    const value = x.logSoftmax(axis);
    return { value, pullback: (ct: Tensor) => ct.sub(value.exp().mul(ct.sum(axis, true))) };
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
  wrt: [0, 1, 2, 3],
});

registerDerivative(rotaryEmbedding, {
  vjp: (x: Tensor, positions: Tensor, options?: RotaryOptions) => {
    requireRotary(x, positions);
    const angles = rotaryAngles(x, alignPositions(x, positions), options);
    return { value: rotate(x, angles, 1), pullback: (ct: Tensor) => rotate(ct, angles, -1) };
  },
  wrt: [0],
});

registerDerivative(rotate, {
  vjp: (x: Tensor, angles: RotaryAngles, sign: 1 | -1) => ({
    value: rotate(x, angles, sign),
    pullback: (ct: Tensor) => rotate(ct, angles, sign === 1 ? -1 : 1),
  }),
  wrt: [0],
});

registerDerivative(dropout, {
  vjp: (x: Tensor, rate: number, options?: DropoutOptions) => {
    if (rate === 0) return { value: x, pullback: (ct: Tensor) => ct };
    const kept = keptElements(x, rate, options);
    return { value: keep(x, kept, rate), pullback: (ct: Tensor) => keep(ct, kept, rate) };
  },
  wrt: [0],
  effects: "random",
});

registerDerivative(Tensor.prototype.cast, {
  vjp: (x: Tensor, dtype: Tensor["dtype"]) => ({
    value: x.cast(dtype),
    pullback: (ct: Tensor) => (isFloating(x.dtype) && isFloating(dtype) ? ct.cast(x.dtype) : undefined),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.to, {
  vjp: (x: Tensor, device: string) => ({ value: x.to(device), pullback: (ct: Tensor) => ct.to(x.device) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.barrier, {
  vjp: (x: Tensor) => ({ value: x.barrier(), pullback: (ct: Tensor) => ct }),
  wrt: ["this"],
});
