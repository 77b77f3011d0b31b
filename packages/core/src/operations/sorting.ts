/** Sorting and searching. */
import { ShapeError } from "../errors.ts";
import { formatShape, normalizeAxis } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo, commonType } from "./operand.ts";
import { sliceAxis } from "./slicing.ts";

export function argsort(x: Tensor, axis = -1, descending = false): Tensor {
  const row = x.rank === 0 ? x.reshape([1]) : x;
  const along = normalizeAxis("argsort", axis, row.rank);
  const order = new Tensor(x.backend.argsort(row.array, along, descending), x.backend);
  return x.rank === 0 ? order.reshape([]) : order;
}

export function sort(x: Tensor, axis = -1, descending = false): Tensor {
  return x.takeAlongAxis(x.argsort(axis, descending), axis);
}

export interface TopK {
  readonly values: Tensor;
  readonly indices: Tensor;
}

export interface TopKOptions {
  readonly largest?: boolean;
}

export function topK(x: Tensor, k: number, axis = -1, options?: TopKOptions): TopK {
  if (x.rank === 0 && k === 1) {
    const row = topK(x.reshape([1]), k, axis, options);
    return { values: row.values.reshape([]), indices: row.indices.reshape([]) };
  }
  const along = normalizeAxis("topK", axis, x.rank);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[along]!)
    throw new ShapeError(`topK: k = ${k} must lie between 0 and the extent ${x.shape[along]} of axis ${along}.`);
  const indices = sliceAxis(x.argsort(along, options?.largest ?? true), along, 0, k);
  return { values: x.takeAlongAxis(indices, along), indices };
}

export interface Unique {
  readonly values: Tensor;
  /** Position in `values` of each element of the flattened tensor. */
  readonly inverse: Tensor;
  readonly counts: Tensor;
}

/** The distinct elements in ascending order: neighbours in sorted order that differ start a new one. */
export function unique(x: Tensor): Unique {
  const flat = x.flatten();
  const size = flat.size;
  const order = flat.argsort();
  const sorted = flat.gather(order);
  const first = new Tensor(x.backend.full([Math.min(size, 1)], 1, "bool"), x.backend);
  const starts =
    size < 2 ? first : joined(first, sliceAxis(sorted, 0, 1, size).notEqual(sliceAxis(sorted, 0, 0, size - 1)));
  const group = starts.cumsum(0).sub(1);
  const values = sorted.gather(starts.nonzero().reshape([-1]));
  const zero = new Tensor(x.backend.full([size], 0, "int32"), x.backend);
  const inverse = zero.scatterAdd(order, group);
  const none = new Tensor(x.backend.full([values.size], 0, "int32"), x.backend);
  const one = new Tensor(x.backend.full([size], 1, "int32"), x.backend);
  return { values, inverse, counts: none.scatterAdd(group, one) };
}

function joined(a: Tensor, b: Tensor): Tensor {
  return new Tensor(a.backend.concatenate([a.array, b.array], 0), a.backend);
}

/** For each value the first index i with x[i] >= value (> when `right`): the number of elements below it. */
export function searchSorted(x: Tensor, values: Tensor, right = false): Tensor {
  if (x.rank !== 1)
    throw new ShapeError(`searchSorted: the receiver must be 1-D, but has shape ${formatShape(x.shape)}.`);
  const dtype = commonType(x, values);
  const row = castTo(x, dtype);
  const probe = castTo(values, dtype).expandDims(-1);
  return (right ? row.lessEqual(probe) : row.less(probe)).sum(-1);
}
