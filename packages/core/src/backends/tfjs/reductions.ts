/** Reductions, positions of extrema and scans. */
import type { ReduceOp, ScanOp } from "../../backend/backend.ts";
import { sizeOf } from "../eager/arrays.ts";
import { floatBinary } from "./elementwise.ts";
import { reshaped } from "./kernels.ts";
import type { Info } from "./types.ts";
import type { Vocabulary } from "./vocabulary.ts";

const kernels: Record<ReduceOp, string> = { sum: "Sum", prod: "Prod", max: "Max", min: "Min", all: "All", any: "Any" };
const neutral: Record<ReduceOp, number> = { sum: 0, prod: 1, max: -Infinity, min: Infinity, all: 1, any: 0 };

/** `axes` are sorted; the result keeps them with extent 1. */
export function reduce(w: Vocabulary, op: ReduceOp, x: Info, axes: readonly number[]): Info {
  if (axes.length === 0) return x;
  const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  if (sizeOf(x.shape) === 0) return w.fill(kept, neutral[op], x.dtype);
  if (op === "max" || op === "min") {
    const extremum = w.reduce(kernels[op], x, axes);
    if (x.dtype !== "float32") return extremum;
    // Kernels lose NaN, or keep it only where it comes first.
    return w.where(w.reduce("Any", w.isNaN(x), axes), Number.NaN, extremum);
  }
  return w.reduce(kernels[op], x, axes);
}

/** int32 index of the first extremum; the first NaN wins. */
export function argReduce(w: Vocabulary, op: "argmax" | "argmin", x: Info, axis: number): Info {
  const kernel = op === "argmax" ? "ArgMax" : "ArgMin";
  const kept = x.shape.map((extent, i) => (i === axis ? 1 : extent));
  const along = (of: Info, name: string): Info => reshaped(w.kernels.run(name, { x: of }, { axis }), kept);
  if (x.dtype !== "float32") return along(x, kernel);
  const missing = w.isNaN(x);
  const first = along(w.cast(missing, "float32"), "ArgMax");
  return w.where(w.reduce("Any", missing, [axis]), first, along(x, kernel));
}

/** A scan by doubling distances (Hillis and Steele 1986), for what engines have no kernel. */
function doubling(
  w: Vocabulary,
  x: Info,
  axis: number,
  neutralElement: number,
  join: (a: Info, b: Info) => Info,
): Info {
  const extent = x.shape[axis];
  let result = x;
  for (let distance = 1; distance < extent; distance *= 2) {
    const size = x.shape.map((own, i) => (i === axis ? own - distance : own));
    const kept = w.slice(
      result,
      x.shape.map(() => 0),
      size,
    );
    const widths = x.shape.map((_, i): [number, number] => (i === axis ? [distance, 0] : [0, 0]));
    result = join(result, w.pad(kept, widths, neutralElement));
  }
  return result;
}

/** Cumulative logSumExp, maxima or minima; `undefined` for sums and products, which have kernels. */
export function scan(w: Vocabulary, op: ScanOp, x: Info, axis: number, exclusive: boolean, reverse: boolean): Info {
  if (op === "cumsum" || op === "cumprod")
    return w.kernels.run(op === "cumsum" ? "Cumsum" : "Cumprod", { x }, { axis, exclusive, reverse });
  if (op === "logCumSumExp") return doubling(w, x, axis, -Infinity, (a, b) => floatBinary.logAddExp!(w, a, b));
  const highest = op === "cummax";
  const start = x.dtype === "float32" ? (highest ? -Infinity : Infinity) : highest ? -(2 ** 31) : 2 ** 31 - 1;
  return doubling(w, x, axis, start, highest ? w.maximum : w.minimum);
}
