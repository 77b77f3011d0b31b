/** How derivatives and optimizers, which know nothing of tensors, compute with them. */
import type { PointwiseLeaf, StorageLeaf, VectorLeaf } from "@pullback/autodiff";
import { isFloating, isHalf } from "../dtype.ts";
import { BackendError, ShapeError } from "../errors.ts";
import { stack, unstack } from "../operations/joining.ts";
import { castTo } from "../operations/operand.ts";
import { formatShape } from "../shape.ts";
import { onesLike, tensor, zerosLike } from "./creation.ts";
import type { Tensor } from "./tensor.ts";

export const tensorVector: VectorLeaf<Tensor> = {
  add: (a, b) => a.add(b),
  subtract: (a, b) => a.sub(b),
  scale: (a, factor) => a.mul(factor),
  dot: (a, b) => a.mul(b).sum().item(),
  zero: (a) => zerosLike(a),
  accumulate: (a, b) => (isHalf(a.dtype) && a.dtype === b.dtype ? castTo(a, "float32").add(b) : a.add(b)),
  rounded(cotangent, a, dtype) {
    if (!isFloating(a.dtype) || !isFloating(cotangent.dtype)) return cotangent;
    return castTo(cotangent, isHalf(a.dtype) && dtype !== undefined ? dtype : a.dtype);
  },
  one: (a) => {
    if (a.size !== 1)
      throw new ShapeError(
        `gradient: the result has shape ${formatShape(a.shape)}; it must have exactly one element.`,
        {
          hint: "Reduce it, for example with .sum() or .mean(), or use pullback(f) with a cotangent.",
        },
      );
    return onesLike(a);
  },
  differentiable: (a) => isFloating(a.dtype),
  size: (a) => a.size,
  unit(a, i) {
    const index: number[] = [];
    let rest = i;
    for (const extent of [...a.shape].reverse()) {
      index.unshift(rest % extent);
      rest = Math.floor(rest / extent);
    }
    return a.rank === 0 ? onesLike(a) : zerosLike(a).with(index, 1);
  },
  assemble(parts, a) {
    const tensors = parts.map((part) =>
      typeof part === "object" && "shape" in part ? part : tensor(part as number | number[], { dtype: a.dtype }),
    );
    return stack(tensors).reshape([...a.shape, ...(tensors[0] as Tensor).shape]);
  },
  disassemble(whole, a) {
    const part = whole.shape.slice(a.rank);
    return unstack(whole.reshape([a.size, ...part]));
  },
};

export const tensorPointwise: PointwiseLeaf<Tensor> = {
  multiply: (a, b) => a.mul(b),
  divide: (a, b) => a.div(b),
  sqrt: (a) => a.sqrt(),
  abs: (a) => a.abs(),
  sign: (a) => a.sign(),
  maximum: (a, b) => a.maximum(b),
  minimum: (a, b) => a.minimum(b),
};

/** How generated code frees temporaries: the storage carries the count, so that views of it are safe. */
export const tensorStorage: StorageLeaf<Tensor> = {
  own({ array: { storage } }, since) {
    const { holders, born } = storage;
    if (holders === undefined || born === undefined) return;
    if (holders > 0 || (holders === 0 && born >= since)) storage.holders = holders + 1;
  },
  hold({ array: { storage } }) {
    const { holders } = storage;
    if (holders !== undefined && holders > 0) storage.holders = holders + 1;
  },
  release({ array: { storage, shape }, backend }) {
    const { holders } = storage;
    if (holders === undefined || holders === 0) return;
    if (holders < 0)
      throw new BackendError(`A tensor of shape ${formatShape(shape)} was released twice.`, {
        hint: "This is a defect of the compiler; PULLBACK_RELEASE=off goes around it.",
      });
    storage.holders = holders - 1;
    if (holders > 1) return;
    storage.holders = -1;
    backend.release?.(storage);
  },
};
