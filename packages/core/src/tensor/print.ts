/** Tensors as readable text: aligned columns, long axes shortened. */
import type { DType } from "../dtype.ts";
import type { Shape } from "../shape.ts";
import { formatShape, rowMajorStrides, sizeOf } from "../shape.ts";

/** Tensors of more elements show only the first and last entries of each axis. */
const threshold = 200;
const edge = 3;

function formatNumber(value: number, integral: boolean): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (integral) return String(value);
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e7)) return value.toExponential(4);
  return value.toFixed(4).replace(/\.?0+$/, "") || "0";
}

/** For example `Tensor float32 [2, 2]\n[[1, 2],\n [3, 4]]`. */
export function formatTensor(dtype: DType, shape: Shape, elements: ArrayLike<number>): string {
  const shorten = sizeOf(shape) > threshold;
  const integral = dtype === "int32" || dtype === "int8" || dtype === "uint8";
  const text = (i: number): string =>
    dtype === "bool" ? String(elements[i] !== 0) : formatNumber(elements[i]!, integral);
  const shown = (extent: number): (number | undefined)[] =>
    shorten && extent > 2 * edge + 1
      ? [...range(0, edge), undefined, ...range(extent - edge, extent)]
      : range(0, extent);
  const strides = rowMajorStrides(shape);
  const cells = new Map<number, string>();
  const collect = (axis: number, start: number): void => {
    if (axis === shape.length) cells.set(start, text(start));
    else for (const i of shown(shape[axis]!)) if (i !== undefined) collect(axis + 1, start + i * strides[axis]!);
  };
  collect(0, 0);
  const width = Math.max(0, ...[...cells.values()].map((cell) => cell.length));
  const render = (axis: number, start: number): string => {
    if (axis === shape.length) return shape.length === 0 ? cells.get(start)! : cells.get(start)!.padStart(width);
    const parts = shown(shape[axis]!).map((i) =>
      i === undefined ? "…" : render(axis + 1, start + i * strides[axis]!),
    );
    const separator =
      axis === shape.length - 1 ? ", " : `,${"\n".repeat(shape.length - 1 - axis)}${" ".repeat(axis + 1)}`;
    return `[${parts.join(separator)}]`;
  };
  return `Tensor ${dtype} ${formatShape(shape)}\n${render(0, 0)}`;
}

function range(start: number, stop: number): number[] {
  return Array.from({ length: stop - start }, (_, i) => start + i);
}
