/** Padding, constant or read from the tensor itself. */
import { promoteWithNumber } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { formatShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo } from "./operand.ts";

export type PadMode = "constant" | "reflect" | "symmetric" | "edge" | "wrap";
/** Elements added before and after each axis. */
export type PadWidths = readonly (readonly [before: number, after: number])[];

export interface PadOptions {
  readonly mode?: PadMode;
  readonly value?: number;
}

/** The position in 0 … extent - 1 that padding reads at `i`, which may lie outside. */
function sourceOf(i: number, extent: number, mode: PadMode): number {
  if (mode === "edge") return Math.min(Math.max(i, 0), extent - 1);
  const wrap = (period: number): number => ((i % period) + period) % period;
  if (mode === "wrap") return wrap(extent);
  if (mode === "symmetric") {
    const place = wrap(2 * extent);
    return place < extent ? place : 2 * extent - 1 - place;
  }
  if (extent === 1) return 0;
  const place = wrap(2 * extent - 2);
  return place < extent ? place : 2 * extent - 2 - place;
}

export function pad(x: Tensor, widths: PadWidths, { mode = "constant", value = 0 }: PadOptions = {}): Tensor {
  if (widths.length !== x.rank)
    throw new ShapeError(
      `pad: ${widths.length} pairs of widths for shape ${formatShape(x.shape)}; one per axis is needed.`,
    );
  for (const [before, after] of widths)
    if (!Number.isInteger(before) || !Number.isInteger(after) || before < 0 || after < 0)
      throw new ShapeError(`pad: the widths [${before}, ${after}] must be whole numbers, 0 or more.`);
  if (mode === "constant") {
    const operand = castTo(
      x,
      promoteWithNumber(x.dtype, value) === "float32" ? promoteWithNumber(x.dtype, value) : x.dtype,
    );
    return new Tensor(operand.backend.pad(operand.array, widths, value), operand.backend);
  }
  let result = x;
  widths.forEach(([before, after], axis) => {
    if (before === 0 && after === 0) return;
    const extent = x.shape[axis]!;
    if (extent === 0)
      throw new ShapeError(`pad: axis ${axis} of ${formatShape(x.shape)} is empty; "${mode}" has nothing to read.`);
    const indices = sourcePositions(x, axis, before, after, mode);
    result = result.gather(indices, axis);
  });
  return result;
}

/** For each position of the padded axis the position of x that it reads, int32. */
export function sourcePositions(x: Tensor, axis: number, before: number, after: number, mode: PadMode): Tensor {
  const extent = x.shape[axis]!;
  const positions = Int32Array.from({ length: before + extent + after }, (_, i) => sourceOf(i - before, extent, mode));
  return new Tensor(x.backend.fromHost(positions, "int32", [positions.length]), x.backend);
}
