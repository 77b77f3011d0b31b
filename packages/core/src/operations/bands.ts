/** Triangles, bands and diagonals of matrices in the last two axes. */
import { ShapeError } from "../errors.ts";
import { formatShape, normalizeAxis } from "../shape.ts";
import { zerosLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import { view } from "./layout.ts";
import { where } from "./where.ts";

function requireMatrix(operation: string, x: Tensor): [rows: number, columns: number] {
  if (x.rank < 2) throw new ShapeError(`${operation}: needs rank 2 or more, but the shape is ${formatShape(x.shape)}.`);
  return [x.shape[x.rank - 2]!, x.shape[x.rank - 1]!];
}

/** column - row, int32 [rows, columns]. */
function distance(x: Tensor, rows: number, columns: number): Tensor {
  const range = (count: number): Tensor => new Tensor(x.backend.arange(0, 1, count, "int32"), x.backend);
  return range(columns).sub(range(rows).expandDims(1));
}

export function tril(x: Tensor, k = 0): Tensor {
  const [rows, columns] = requireMatrix("tril", x);
  return where(distance(x, rows, columns).lessEqual(k), x, 0);
}

export function triu(x: Tensor, k = 0): Tensor {
  const [rows, columns] = requireMatrix("triu", x);
  return where(distance(x, rows, columns).greaterEqual(k), x, 0);
}

export function bandPart(x: Tensor, lower: number, upper: number): Tensor {
  const [rows, columns] = requireMatrix("bandPart", x);
  const offset = distance(x, rows, columns);
  const below = lower < 0 ? -rows : -lower;
  const above = upper < 0 ? columns : upper;
  return where(offset.greaterEqual(below).logicalAnd(offset.lessEqual(above)), x, 0);
}

/** A view of the diagonal `offset` of the axes axis1, axis2, as the last axis of the result. */
export function diagonal(x: Tensor, offset = 0, axis1 = 0, axis2 = 1): Tensor {
  const first = normalizeAxis("diagonal", axis1, x.rank);
  const second = normalizeAxis("diagonal", axis2, x.rank);
  if (first === second) throw new ShapeError(`diagonal: axes ${axis1} and ${axis2} are the same.`);
  const { shape, strides } = x.array;
  const row = Math.max(0, -offset);
  const column = Math.max(0, offset);
  const count = Math.max(0, Math.min(shape[first]! - row, shape[second]! - column));
  const start = count === 0 ? 0 : row * strides[first]! + column * strides[second]!;
  const kept = shape.map((_, axis) => axis).filter((axis) => axis !== first && axis !== second);
  return view(
    x,
    [...kept.map((axis) => shape[axis]!), count],
    [...kept.map((axis) => strides[axis]!), strides[first]! + strides[second]!],
    x.array.offset + start,
  );
}

/**
 * Zeros with x's last axis on the diagonal `offset` of two new last axes.
 * Laying rows of n + 1 elements end to end puts the first of each row on the diagonal of an n-wide matrix.
 */
export function diagEmbed(x: Tensor, offset = 0): Tensor {
  if (x.rank === 0) throw new ShapeError("diagEmbed: needs rank 1 or more.");
  const count = x.shape[x.rank - 1]!;
  const extent = count + Math.abs(offset);
  const lead = x.shape.slice(0, -1);
  const none = lead.map((): [number, number] => [0, 0]);
  const rows = x.expandDims(-1).pad([...none, [0, 0], [0, extent]]);
  const flat = rows.reshape([...lead, count * (extent + 1)]);
  const before = offset >= 0 ? offset : -offset * extent;
  const total = extent * extent;
  // The last row's tail runs past the matrix; it is cut off before the front is padded.
  const kept = Math.min(flat.shape[flat.rank - 1]!, total - before);
  return flat
    .slice("...", [0, kept])
    .pad([...none, [before, total - before - kept]])
    .reshape([...lead, extent, extent]);
}

/** Zeros of x's shape with ct on the diagonal: a square of ct's length, padded, its axes moved into place. */
export function ontoDiagonal(x: Tensor, ct: Tensor, offset: number, axis1: number, axis2: number): Tensor {
  const first = normalizeAxis("diagonal", axis1, x.rank);
  const second = normalizeAxis("diagonal", axis2, x.rank);
  const count = ct.shape[ct.rank - 1]!;
  const row = Math.max(0, -offset);
  const column = Math.max(0, offset);
  const none = ct.shape.slice(0, -1).map((): [number, number] => [0, 0]);
  if (count === 0) return zerosLike(x);
  return ct
    .diagEmbed()
    .pad([...none, [row, x.shape[first]! - count - row], [column, x.shape[second]! - count - column]])
    .moveAxis([-2, -1], [first, second]);
}

export function trace(x: Tensor): Tensor {
  requireMatrix("trace", x);
  return x.diagonal(0, -2, -1).sum(-1);
}

/** @differentiable */
export function withDiagonal(x: Tensor, values: Tensor): Tensor {
  const [rows, columns] = requireMatrix("withDiagonal", x);
  const count = Math.min(rows, columns);
  const lead = x.shape.slice(0, -2);
  const spread = values.broadcastTo([...lead, count]).diagEmbed();
  const none = lead.map((): [number, number] => [0, 0]);
  const full = spread.pad([...none, [0, rows - count], [0, columns - count]]);
  return where(distance(x, rows, columns).equal(0), full, x);
}
