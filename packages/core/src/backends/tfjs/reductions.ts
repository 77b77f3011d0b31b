/** Reductions, positions of extrema and scans. */
import type { ReduceOp, ScanOp } from "../../backend/backend.ts";
import { sizeOf } from "../eager/arrays.ts";
import { floatBinary, integerBinary } from "./elementwise.ts";
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
function doubling(w: Vocabulary, x: Info, axis: number, join: (a: Info, b: Info) => Info): Info {
  const extent = x.shape[axis];
  let result = x;
  for (let distance = 1; distance < extent; distance *= 2) {
    const before = result;
    const from = (start: number, count: number): Info =>
      w.slice(
        before,
        x.shape.map((_, i) => (i === axis ? start : 0)),
        x.shape.map((own, i) => (i === axis ? count : own)),
      );
    const rest = extent - distance;
    result = w.concat([from(0, distance), join(from(distance, rest), from(0, rest))], axis);
  }
  return result;
}

/** Cumulative sums and products by their kernels, logSumExp, maxima and minima by doubling. */
export function scan(w: Vocabulary, op: ScanOp, x: Info, axis: number, exclusive: boolean, reverse: boolean): Info {
  if (op === "cumsum" || op === "cumprod")
    return w.kernels.run(op === "cumsum" ? "Cumsum" : "Cumprod", { x }, { axis, exclusive, reverse });
  if (op === "logCumSumExp") return doubling(w, x, axis, (a, b) => floatBinary.logAddExp!(w, a, b));
  const name = op === "cummax" ? "maximum" : "minimum";
  const join = x.dtype === "float32" ? floatBinary[name]! : integerBinary[name]!;
  return doubling(w, x, axis, (a, b) => join(w, a, b));
}
