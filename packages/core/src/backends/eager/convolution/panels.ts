/** Weights as the tiles read them: in panels of some rows, a tap's weights side by side. */
import type { TypedArray } from "../../../dtype.ts";
import { panelShapes } from "./product-module.ts";

/**
 * Packs `rows` rows, each `rowStride` elements after the other, whose columns are at the given offsets: panels of four
 * rows, then of two, then of one.
 */
export function packPanels(
  elements: TypedArray,
  from: number,
  rowStride: number,
  rows: number,
  columns: Int32Array,
  to: number,
): void {
  let at = to;
  let row = 0;
  for (const { rows: height } of panelShapes)
    for (; rows - row >= height; row += height) {
      const first = from + row * rowStride;
      for (let k = 0; k < columns.length; k++)
        for (let r = 0; r < height; r++) elements[at++] = elements[first + r * rowStride + columns[k]];
    }
}
