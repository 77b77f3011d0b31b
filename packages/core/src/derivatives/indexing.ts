/** Derivatives of indexing, gathering and scattering. */
import { registerDerivative } from "@pullback/autodiff";
import { ontoDiagonal } from "../operations/bands.ts";
import { embedding } from "../operations/embedding.ts";
import { gatherAdjoint, scatterND } from "../operations/gathering.ts";
import type { Operand } from "../operations/operand.ts";
import { type Index, slice } from "../operations/slicing.ts";
import type { Shape } from "../shape.ts";
import { normalizeAxis } from "../shape.ts";
import { zerosLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import { cotangentOf, type OperandTangent, wants } from "./cotangents.ts";

registerDerivative(slice, {
  vjp: (x: Tensor, index: readonly Index[]) => ({
    value: slice(x, index),
    pullback: (ct: Tensor) => zerosLike(x).with(index, ct),
  }),
  jvp: (x: Tensor, index: readonly Index[]) => ({
    value: slice(x, index),
    differential: (dx: Tensor) => slice(dx, index),
  }),
  wrt: [0],
});

// Of the list, since arguments that are spread into a registered operation cannot be differentiated again.
registerDerivative(Tensor.prototype.slice, {
  vjp: (x: Tensor, ...index: Index[]) => ({
    value: slice(x, index),
    pullback: (ct: Tensor) => zerosLike(x).with(index, ct),
  }),
  jvp: (x: Tensor, ...index: Index[]) => ({
    value: slice(x, index),
    differential: (dx: Tensor) => slice(dx, index),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.with, {
  vjp: (x: Tensor, index: readonly Index[], value: Operand) => ({
    value: x.with(index, value),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => [
      wants(x, needs, 0) ? cotangentOf(x, ct.with(index, 0)) : undefined,
      wants(value, needs, 1) ? cotangentOfWritten(value, slice(ct, index)) : undefined,
    ],
  }),
  jvp: (x: Tensor, index: readonly Index[], written: Operand) => {
    const value = x.with(index, written);
    return {
      value,
      differential: (dx: Tensor | undefined, dv: OperandTangent) =>
        (dx ?? zerosLike(value)).with(index, dv ?? 0).cast(value.dtype),
    };
  },
  wrt: ["this", 1],
});

/** A written value may have leading axes of extent 1 that the region lacks. */
function cotangentOfWritten(value: Operand, ct: Tensor): Tensor | number {
  if (typeof value !== "object" || value.rank <= ct.rank) return cotangentOf(value, ct);
  return cotangentOf(value, ct.reshape([...new Array<number>(value.rank - ct.rank).fill(1), ...ct.shape]));
}

registerDerivative(Tensor.prototype.gather, {
  vjp: (x: Tensor, indices: Tensor, axis = 0) => ({
    value: x.gather(indices, axis),
    pullback: (ct: Tensor) => {
      const along = normalizeAxis("gather", axis, x.rank);
      return gatherAdjoint(ct, indices, along, x.shape[along]!);
    },
  }),
  jvp: (x: Tensor, indices: Tensor, axis = 0) => ({
    value: x.gather(indices, axis),
    differential: (dx: Tensor) => dx.gather(indices, axis),
  }),
  wrt: ["this"],
});

registerDerivative(gatherAdjoint, {
  vjp: (source: Tensor, indices: Tensor, axis: number, size: number) => ({
    value: gatherAdjoint(source, indices, axis, size),
    pullback: (ct: Tensor) => ct.gather(indices, axis),
  }),
  jvp: (source: Tensor, indices: Tensor, axis: number, size: number) => ({
    value: gatherAdjoint(source, indices, axis, size),
    differential: (dx: Tensor) => gatherAdjoint(dx, indices, axis, size),
  }),
  wrt: [0],
});

registerDerivative(embedding, {
  vjp: (indices: Tensor, weight: Tensor) => ({
    value: embedding(indices, weight),
    pullback: (ct: Tensor) => gatherAdjoint(ct, indices, 0, weight.shape[0]!),
  }),
  jvp: (indices: Tensor, weight: Tensor) => ({
    value: embedding(indices, weight),
    differential: (dx: Tensor) => embedding(indices, dx),
  }),
  wrt: [1],
});

/** x and the indices broadcast against each other beside `axis`; what was stretched is summed. */
registerDerivative(Tensor.prototype.takeAlongAxis, {
  vjp: (x: Tensor, indices: Tensor, axis: number) => ({
    value: x.takeAlongAxis(indices, axis),
    pullback: (ct: Tensor) => {
      const along = normalizeAxis("takeAlongAxis", axis, x.rank);
      const stretched = ct.shape.map((extent, i) => (i === along ? x.shape[along]! : extent));
      const base = zerosLike(x)
        .sumTo(x.shape.map(() => 1))
        .broadcastTo(stretched);
      return base.scatterAdd(indices.broadcastTo(ct.shape), ct, along).sumTo(x.shape);
    },
  }),
  jvp: (x: Tensor, indices: Tensor, axis: number) => ({
    value: x.takeAlongAxis(indices, axis),
    differential: (dx: Tensor) => dx.takeAlongAxis(indices, axis),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.scatterAdd, {
  vjp: (x: Tensor, indices: Tensor, source: Tensor, axis = 0) => ({
    value: x.scatterAdd(indices, source, axis),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => [
      wants(x, needs, 0) ? ct : undefined,
      wants(source, needs, 1) ? ct.takeAlongAxis(indices, axis).cast(source.dtype) : undefined,
    ],
  }),
  jvp: (x: Tensor, indices: Tensor, source: Tensor, axis = 0) => {
    const value = x.scatterAdd(indices, source, axis);
    return {
      value,
      differential: (dx: Tensor | undefined, ds: Tensor | undefined) =>
        ds === undefined ? dx : (dx ?? zerosLike(value)).scatterAdd(indices, ds, axis).cast(value.dtype),
    };
  },
  wrt: ["this", 1],
});

registerDerivative(Tensor.prototype.indexAdd, {
  vjp: (x: Tensor, indices: Tensor, source: Tensor, axis = 0) => ({
    value: x.indexAdd(indices, source, axis),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => [
      wants(x, needs, 0) ? ct : undefined,
      wants(source, needs, 1) ? ct.gather(indices, axis).cast(source.dtype) : undefined,
    ],
  }),
  jvp: (x: Tensor, indices: Tensor, source: Tensor, axis = 0) => {
    const value = x.indexAdd(indices, source, axis);
    return {
      value,
      differential: (dx: Tensor | undefined, ds: Tensor | undefined) =>
        ds === undefined ? dx : (dx ?? zerosLike(value)).indexAdd(indices, ds, axis).cast(value.dtype),
    };
  },
  wrt: ["this", 1],
});

registerDerivative(Tensor.prototype.gatherND, {
  vjp: (x: Tensor, indices: Tensor) => ({
    value: x.gatherND(indices),
    pullback: (ct: Tensor) => scatterND(indices, ct, x.shape),
  }),
  jvp: (x: Tensor, indices: Tensor) => ({
    value: x.gatherND(indices),
    differential: (dx: Tensor) => dx.gatherND(indices),
  }),
  wrt: ["this"],
});

registerDerivative(scatterND, {
  vjp: (indices: Tensor, updates: Tensor, shape: Shape) => ({
    value: scatterND(indices, updates, shape),
    pullback: (ct: Tensor) => ct.gatherND(indices),
  }),
  jvp: (indices: Tensor, updates: Tensor, shape: Shape) => ({
    value: scatterND(indices, updates, shape),
    differential: (dx: Tensor) => scatterND(indices, dx, shape),
  }),
  wrt: [1],
});

registerDerivative(Tensor.prototype.booleanMask, {
  vjp: (x: Tensor, mask: Tensor, axis = 0) => ({
    value: x.booleanMask(mask, axis),
    pullback: (ct: Tensor) => {
      const along = normalizeAxis("booleanMask", axis, x.rank);
      const positions = mask.flatten().nonzero().reshape([-1]);
      return gatherAdjoint(ct, positions, along, mask.size).reshape(x.shape);
    },
  }),
  jvp: (x: Tensor, mask: Tensor, axis = 0) => ({
    value: x.booleanMask(mask, axis),
    differential: (dx: Tensor) => dx.booleanMask(mask, axis),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.tril, {
  vjp: (x: Tensor, k = 0) => ({ value: x.tril(k), pullback: (ct: Tensor) => ct.tril(k) }),
  jvp: (x: Tensor, k = 0) => ({ value: x.tril(k), differential: (dx: Tensor) => dx.tril(k) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.triu, {
  vjp: (x: Tensor, k = 0) => ({ value: x.triu(k), pullback: (ct: Tensor) => ct.triu(k) }),
  jvp: (x: Tensor, k = 0) => ({ value: x.triu(k), differential: (dx: Tensor) => dx.triu(k) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.bandPart, {
  vjp: (x: Tensor, lower: number, upper: number) => ({
    value: x.bandPart(lower, upper),
    pullback: (ct: Tensor) => ct.bandPart(lower, upper),
  }),
  jvp: (x: Tensor, lower: number, upper: number) => ({
    value: x.bandPart(lower, upper),
    differential: (dx: Tensor) => dx.bandPart(lower, upper),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.diagonal, {
  vjp: (x: Tensor, offset = 0, axis1 = 0, axis2 = 1) => ({
    value: x.diagonal(offset, axis1, axis2),
    pullback: (ct: Tensor) => ontoDiagonal(x, ct, offset, axis1, axis2),
  }),
  jvp: (x: Tensor, offset = 0, axis1 = 0, axis2 = 1) => ({
    value: x.diagonal(offset, axis1, axis2),
    differential: (dx: Tensor) => dx.diagonal(offset, axis1, axis2),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.diagEmbed, {
  vjp: (x: Tensor, offset = 0) => ({
    value: x.diagEmbed(offset),
    pullback: (ct: Tensor) => ct.diagonal(offset, -2, -1),
  }),
  jvp: (x: Tensor, offset = 0) => ({ value: x.diagEmbed(offset), differential: (dx: Tensor) => dx.diagEmbed(offset) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.trace, {
  vjp: (x: Tensor) => ({
    value: x.trace(),
    pullback: (ct: Tensor) => {
      const count = Math.min(x.shape[x.rank - 2]!, x.shape[x.rank - 1]!);
      return ontoDiagonal(x, ct.expandDims(-1).broadcastTo([...ct.shape, count]), 0, -2, -1);
    },
  }),
  jvp: (x: Tensor) => ({ value: x.trace(), differential: (dx: Tensor) => dx.trace() }),
  wrt: ["this"],
});
