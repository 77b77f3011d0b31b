/** Derivatives of softmax, rotary embedding and dropout. */
import { registerDerivative } from "@pullback/autodiff";
import { isFloating } from "../dtype.ts";
import type { DropoutOptions } from "../operations/dropout.ts";
import { dropout, keep, keptElements } from "../operations/dropout.ts";
import type { RotaryAngles, RotaryOptions } from "../operations/rotary.ts";
import { alignPositions, requireRotary, rotaryAngles, rotaryEmbedding, rotate } from "../operations/rotary.ts";
import { softmaxAdjoint } from "../operations/softmax.ts";
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
