/** Joining tensors along an axis and taking them apart. */
import type { NDArray } from "../backend/index.ts";
import { promote } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import type { Axes } from "../shape.ts";
import { formatShape, normalizeAxis, sameShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo, commonBackend } from "./operand.ts";
import { sliceAxis } from "./slicing.ts";

function arraysOf(xs: readonly Tensor[]): NDArray[] {
  let dtype = xs[0]!.dtype;
  for (const x of xs) dtype = promote(dtype, x.dtype);
  return xs.map((x) => castTo(x, dtype).array);
}

/**
 * Joins tensors along an existing axis. The shapes agree on every other axis; dtypes promote.
 * Differentiable in every tensor.
 * @throws ShapeError for an empty list or shapes that do not agree.
 */
export function concatenate(xs: Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new ShapeError("concatenate: needs at least one tensor.");
  const first = xs[0]!;
  const along = normalizeAxis("concatenate", axis, first.rank);
  for (const x of xs)
    if (x.rank !== first.rank || x.shape.some((extent, i) => i !== along && extent !== first.shape[i]))
      throw new ShapeError(
        `concatenate: shapes ${formatShape(first.shape)} and ${formatShape(x.shape)} differ beside axis ${along}.`,
      );
  if (xs.length === 1) return first;
  const backend = commonBackend("concatenate", xs);
  return new Tensor(backend.concatenate(arraysOf(xs), along), backend);
}

/**
 * Joins tensors of one shape along a new axis. Differentiable in every tensor.
 * @throws ShapeError for an empty list or shapes that differ.
 */
export function stack(xs: Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new ShapeError("stack: needs at least one tensor.");
  const first = xs[0]!;
  const along = normalizeAxis("stack", axis, first.rank + 1);
  for (const x of xs)
    if (!sameShape(x.shape, first.shape))
      throw new ShapeError(`stack: shapes ${formatShape(first.shape)} and ${formatShape(x.shape)} differ.`);
  return concatenate(
    xs.map((x) => x.expandDims(along)),
    along,
  );
}

export function unstack(x: Tensor, axis = 0): Tensor[] {
  const along = normalizeAxis("unstack", axis, x.rank);
  const parts: Tensor[] = [];
  for (let i = 0; i < x.shape[along]!; i++) parts.push(sliceAxis(x, along, i, i + 1).squeeze(along));
  return parts;
}

/** The sizes of the parts that `split` makes. */
export function partSizes(x: Tensor, parts: number | readonly number[], axis: number): number[] {
  const extent = x.shape[axis]!;
  if (typeof parts === "number") {
    if (!Number.isInteger(parts) || parts < 1 || extent % parts !== 0)
      throw new ShapeError(`split: axis ${axis} of ${formatShape(x.shape)} does not divide into ${parts} equal parts.`);
    return new Array<number>(parts).fill(extent / parts);
  }
  if (parts.some((size) => !Number.isInteger(size) || size < 0) || parts.reduce((a, b) => a + b, 0) !== extent)
    throw new ShapeError(
      `split: the sizes ${formatShape(parts)} do not add up to the extent ${extent} of axis ${axis} of ${formatShape(x.shape)}.`,
    );
  return [...parts];
}

export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  const along = normalizeAxis("split", axis, x.rank);
  let start = 0;
  return partSizes(x, parts, along).map((size) => {
    start += size;
    return sliceAxis(x, along, start - size, start);
  });
}

export function roll(x: Tensor, shift: Axes, axis?: Axes): Tensor {
  if (axis === undefined) {
    const total = (typeof shift === "number" ? [shift] : shift).reduce((a, b) => a + b, 0);
    return x.flatten().roll(total, 0).reshape(x.shape);
  }
  const shifts = typeof shift === "number" ? [shift] : shift;
  const axes = typeof axis === "number" ? [axis] : axis;
  if (shifts.length !== axes.length)
    throw new ShapeError(`roll: ${shifts.length} shifts for ${axes.length} axes; there must be one for each.`);
  let result = x;
  for (let i = 0; i < axes.length; i++) {
    const along = normalizeAxis("roll", axes[i]!, x.rank);
    const extent = x.shape[along]!;
    if (extent === 0) continue;
    const by = ((shifts[i]! % extent) + extent) % extent;
    if (by === 0) continue;
    result = concatenate(
      [sliceAxis(result, along, extent - by, extent), sliceAxis(result, along, 0, extent - by)],
      along,
    );
  }
  return result;
}
