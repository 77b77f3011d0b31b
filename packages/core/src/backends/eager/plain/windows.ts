/** Pooling windows by plain loops. */
import type { NDArray, WindowAxis } from "../../../backend/backend.ts";
import { rowMajor, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";

/** For each cell of each plane the position of its first maximum; a NaN wins. */
export function windowArgmax(engine: Engine, x: NDArray, windows: readonly WindowAxis[]): NDArray {
  engine.begin(x);
  const [samples, channels] = x.shape;
  const spatial = x.shape.slice(2);
  const out = engine.create("int32", [samples, channels, ...windows.map((axis) => axis.start.length)]);
  const from = engine.dense(x);
  const to = engine.window(out);
  const plane = sizeOf(spatial);
  const last = windows.length - 1;
  const row = windows[last];
  const rows = cellRows(spatial, windows);
  const step = row.step;
  for (let p = 0, at = 0; p < samples * channels; p++) {
    const base = p * plane;
    for (const starts of rows) {
      for (let j = 0; j < row.start.length; j++, at++) {
        let best = starts[0] + row.start[j];
        let most = from[base + best];
        for (let s = 0; s < starts.length && !Number.isNaN(most); s++) {
          const end = starts[s] + row.start[j] + row.count[j] * step;
          for (let i = starts[s] + row.start[j]; i < end; i += step) {
            const value = from[base + i];
            // The negation also takes a NaN.
            if (!(value <= most)) {
              most = value;
              best = i;
              if (Number.isNaN(value)) break;
            }
          }
        }
        to[at] = best;
      }
    }
  }
  return out;
}

/**
 * For each row of cells (the last axis runs within one) the positions in a plane where the rows of elements that it covers
 * begin, in row-major order.
 */
export function cellRows(spatial: readonly number[], windows: readonly WindowAxis[]): number[][] {
  const strides = rowMajor(spatial);
  let rows: number[][] = [[0]];
  for (let axis = 0; axis < windows.length - 1; axis++) {
    const { start, count, step } = windows[axis];
    rows = rows.flatMap((row) =>
      start.map((first, cell) =>
        row.flatMap((offset) =>
          Array.from({ length: count[cell] }, (_, i) => offset + (first + i * step) * strides[axis]),
        ),
      ),
    );
  }
  return rows;
}
