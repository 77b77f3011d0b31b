/** Reading and adding at positions that tensors of indices name. */
import { DTypeError, ShapeError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import {
  broadcastShapes,
  checkShape,
  formatShape,
  normalizeAxis,
  rowMajorStrides,
  sameShape,
  sizeOf,
} from "../shape.ts";
import { tensorOn } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import { alongScalar, castTo, commonBackend, requireSameBackend } from "./operand.ts";
import { where } from "./where.ts";

/** Indices as int32. @throws DTypeError when they are floating or bool. */
export function requireIndices(operation: string, indices: Tensor): Tensor {
  if (indices.dtype === "int32") return indices;
  if (indices.dtype === "uint8" || indices.dtype === "int8") return castTo(indices, "int32");
  throw new DTypeError(`${operation}: indices must be int32, but are ${indices.dtype}.`, {
    hint: 'Write tensor([...], { dtype: "int32" }) or x.cast("int32").',
  });
}

export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  const along = normalizeAxis("gather", axis, x.rank);
  const positions = requireIndices("gather", indices);
  const backend = requireSameBackend("gather", x, positions);
  return new Tensor(backend.gather(x.array, positions.array, along), backend);
}

/** The adjoint of gather: zeros with extent `size` on `axis`, plus `source` added at the indices. */
export function gatherAdjoint(source: Tensor, indices: Tensor, axis: number, size: number): Tensor {
  const backend = requireSameBackend("gather", source, indices);
  return new Tensor(backend.gatherAdjoint(source.array, requireIndices("gather", indices).array, axis, size), backend);
}

/** Indices broadcast against `x` beside `axis`, as NumPy's take_along_axis allows. */
function alongAxis(operation: string, x: Tensor, indices: Tensor, axis: number): [Tensor, Tensor] {
  if (indices.rank !== x.rank)
    throw new ShapeError(
      `${operation}: indices of shape ${formatShape(indices.shape)} and a tensor of shape ${formatShape(x.shape)} ` +
        "must have the same rank.",
    );
  const beside = (shape: Shape): number[] => shape.map((extent, i) => (i === axis ? 1 : extent));
  const common = broadcastShapes(operation, beside(x.shape), beside(indices.shape));
  const withExtent = (extent: number): number[] => common.map((other, i) => (i === axis ? extent : other));
  return [x.broadcastTo(withExtent(x.shape[axis]!)), indices.broadcastTo(withExtent(indices.shape[axis]!))];
}

export function takeAlongAxis(x: Tensor, indices: Tensor, axis: number): Tensor {
  if (x.rank === 0 && indices.rank === 0)
    return alongScalar(x, (row) => takeAlongAxis(row, indices.reshape([1]), axis));
  const along = normalizeAxis("takeAlongAxis", axis, x.rank);
  const backend = requireSameBackend("takeAlongAxis", x, indices);
  const [source, positions] = alongAxis("takeAlongAxis", x, requireIndices("takeAlongAxis", indices), along);
  return new Tensor(backend.takeAlongAxis(source.array, positions.array, along), backend);
}

export function scatterAdd(x: Tensor, indices: Tensor, source: Tensor, axis = 0): Tensor {
  if (x.rank === 0 && indices.rank === 0 && source.rank === 0)
    return alongScalar(x, (row) => scatterAdd(row, indices.reshape([1]), source.reshape([1]), axis));
  const along = normalizeAxis("scatterAdd", axis, x.rank);
  const backend = commonBackend("scatterAdd", [x, indices, source]);
  const positions = requireIndices("scatterAdd", indices);
  const fits =
    sameShape(positions.shape, source.shape) &&
    source.rank === x.rank &&
    source.shape.every((extent, i) => i === along || extent === x.shape[i]);
  if (!fits)
    throw new ShapeError(
      `scatterAdd: indices ${formatShape(indices.shape)} and source ${formatShape(source.shape)} must have one shape, ` +
        `equal to ${formatShape(x.shape)} beside axis ${along}.`,
    );
  return new Tensor(backend.scatterAdd(x.array, positions.array, castTo(source, x.dtype).array, along), backend);
}

export function indexAdd(x: Tensor, indices: Tensor, source: Tensor, axis = 0): Tensor {
  const along = normalizeAxis("indexAdd", axis, x.rank);
  if (indices.rank !== 1)
    throw new ShapeError(`indexAdd: indices must be 1-D, but have shape ${formatShape(indices.shape)}.`);
  const expected = x.shape.map((extent, i) => (i === along ? indices.shape[0]! : extent));
  if (!sameShape(source.shape, expected))
    throw new ShapeError(`indexAdd: the source has shape ${formatShape(source.shape)}, not ${formatShape(expected)}.`);
  const spread = x.shape.map((_, i) => (i === along ? indices.shape[0]! : 1));
  return scatterAdd(x, indices.reshape(spread).broadcastTo(expected), source, along);
}

/** The flat positions (into the leading `k` axes of `shape`) that the last axis of `indices` names. */
function flatPositions(operation: string, indices: Tensor, shape: Shape): Tensor {
  const positions = requireIndices(operation, indices);
  const depth = positions.shape[positions.rank - 1];
  if (depth === undefined || depth > shape.length)
    throw new ShapeError(
      `${operation}: the last axis of indices ${formatShape(indices.shape)} names more axes than ${formatShape(shape)} has.`,
    );
  const extents = shape.slice(0, depth);
  const sizes = tensorOn(indices.backend, [...extents], { dtype: "int32" });
  const wrapped = where(positions.less(0), positions.add(sizes), positions);
  return wrapped.mul(tensorOn(indices.backend, rowMajorStrides(extents), { dtype: "int32" })).sum(-1);
}

export function gatherND(x: Tensor, indices: Tensor): Tensor {
  const flat = flatPositions("gatherND", indices, x.shape);
  const depth = indices.shape[indices.rank - 1]!;
  return x.reshape([sizeOf(x.shape.slice(0, depth)), ...x.shape.slice(depth)]).gather(flat, 0);
}

/**
 * Zeros of `shape` plus `updates` added at `indices` ([…, k], naming the leading k axes). Repeated positions add up.
 * Differentiable in `updates`.
 * @throws ShapeError when the updates do not have the shape `indices.shape[:-1] + shape[k:]`.
 */
export function scatterND(indices: Tensor, updates: Tensor, shape: Shape): Tensor {
  checkShape("scatterND", shape);
  const flat = flatPositions("scatterND", indices, shape);
  const depth = indices.shape[indices.rank - 1]!;
  const rest = shape.slice(depth);
  const expected = [...flat.shape, ...rest];
  if (!sameShape(updates.shape, expected))
    throw new ShapeError(`scatterND: updates have shape ${formatShape(updates.shape)}, not ${formatShape(expected)}.`);
  const rows = updates.reshape([flat.size, ...rest]);
  const { backend, dtype } = updates;
  const base = new Tensor(backend.full([sizeOf(shape.slice(0, depth)), ...rest], 0, dtype), backend);
  return base.indexAdd(flat.reshape([flat.size]), rows).reshape(shape);
}

export function nonzero(x: Tensor): Tensor {
  return new Tensor(x.backend.nonzero(castTo(x, "bool").array), x.backend);
}

export function booleanMask(x: Tensor, mask: Tensor, axis = 0): Tensor {
  const along = normalizeAxis("booleanMask", axis, x.rank);
  if (mask.rank === 0 || !sameShape(mask.shape, x.shape.slice(along, along + mask.rank)))
    throw new ShapeError(
      `booleanMask: the mask ${formatShape(mask.shape)} does not match ${formatShape(x.shape)} from axis ${along} on.`,
    );
  const merged = x.reshape([...x.shape.slice(0, along), mask.size, ...x.shape.slice(along + mask.rank)]);
  return merged.gather(positionsOf(mask), along);
}

/** The flat positions at which a mask holds. */
function positionsOf(mask: Tensor): Tensor {
  return nonzero(mask.flatten()).reshape([-1]);
}

export interface OneHotOptions {
  readonly on?: number;
  readonly off?: number;
  readonly axis?: number;
}

export function oneHot(x: Tensor, depth: number, { on = 1, off = 0, axis = -1 }: OneHotOptions = {}): Tensor {
  const positions = requireIndices("oneHot", x);
  checkShape("oneHot", [depth]);
  const along = normalizeAxis("oneHot", axis, x.rank + 1);
  const shape = new Array<number>(x.rank + 1).fill(1);
  shape[along] = depth;
  const classes = new Tensor(x.backend.arange(0, 1, depth, "int32"), x.backend).reshape(shape);
  const hit = positions.expandDims(along).equal(classes);
  return on === 1 && off === 0 ? castTo(hit, "float32") : where(hit, on, off);
}
