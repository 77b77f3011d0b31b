/** The position of the maximum of each pooling cell. */
import type { WindowAxis } from "../../backend/backend.ts";
import { sizeOf } from "../eager/arrays.ts";
import { reshaped } from "./kernels.ts";
import { argReduce } from "./reductions.ts";
import type { Info } from "./types.ts";
import type { Vocabulary } from "./vocabulary.ts";

/**
 * x [N, …spatial, C] (float32) to int32 positions in each plane, [N, …cells, C]. The elements that cells hold at one
 * place are gathered side by side, and the first maximum is found among the places; a cell that holds fewer repeats its
 * first element, which then cannot come first anywhere else.
 */
export function windowArgmax(w: Vocabulary, x: Info, windows: readonly WindowAxis[]): Info {
  const spatial = x.shape.slice(1, -1);
  const [n, channels] = [x.shape[0], x.shape[x.shape.length - 1]];
  const longest = windows.map(({ count }) => Math.max(...count));
  const cells = windows.map(({ start }) => start.length);
  const places = sizeOf(longest);
  const count = sizeOf(cells);
  // The plane position of place p of cell c, at p * count + c.
  const positions = new Int32Array(places * count);
  for (let p = 0; p < places; p++)
    for (let c = 0; c < count; c++) {
      let position = 0;
      let place = p;
      let cell = c;
      let stride = 1;
      let inside = true;
      let first = 0;
      for (let axis = windows.length - 1; axis >= 0; axis--) {
        const own = windows[axis];
        const at = cell % cells[axis];
        const k = place % longest[axis];
        inside &&= k < own.count[at];
        position += (own.start[at] + own.step * k) * stride;
        first += own.start[at] * stride;
        cell = (cell - at) / cells[axis];
        place = (place - k) / longest[axis];
        stride *= spatial[axis];
      }
      positions[p * count + c] = inside ? position : first;
    }
  const table = w.kernels.write(positions, [places * count], "int32");
  const planes = reshaped(x, [n, sizeOf(spatial), channels]);
  const beside = w.kernels.run("GatherV2", { x: planes, indices: table }, { axis: 1, batchDims: 0 });
  const best = argReduce(w, "argmax", reshaped(beside, [n, places, count * channels]), 1);
  // From the place in its cell to the position in the plane: table[place * count + cell].
  const cellOf = Int32Array.from({ length: count * channels }, (_, i) => Math.floor(i / channels));
  const own = w.kernels.write(cellOf, [1, count * channels], "int32");
  const entries = w.add(w.mul(reshaped(best, [n, count * channels]), count), own);
  const indices = reshaped(entries, [n * count * channels]);
  const found = w.kernels.run("GatherV2", { x: table, indices }, { axis: 0, batchDims: 0 });
  return reshaped(found, [n, ...cells, channels]);
}
