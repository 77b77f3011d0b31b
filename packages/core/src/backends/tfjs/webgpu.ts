/**
 * What the WebGPU engine needs beyond graphics.ts. In version 4.22 its program for transposing is typed for float32
 * alone (and reductions and scans begin with it where their axis is not the last); its casts without loss give the
 * same data another name; its reversed scans have the extent in their text but not in the key under which they are
 * kept; and its exponentials, logarithms and sigmoids take NaN for infinity.
 */
import { GraphicsKernels } from "./graphics.ts";
import type { Attributes, Info } from "./types.ts";

type Inputs = Record<string, Info>;

const scans: ReadonlySet<string> = new Set(["Cumsum", "Cumprod"]);

/** Run on float32, which is as exact: integers are exact up to 2^24 on graphics processors anyway. */
const asFloats: ReadonlySet<string> = new Set([
  ...["Transpose", "Sum", "Prod", "Max", "Min", "Any", "All", "ArgMax", "ArgMin"],
  ...scans,
]);

const losesNaN: ReadonlySet<string> = new Set(["Exp", "Log", "Sigmoid"]);

export class WebGPUKernels extends GraphicsKernels {
  override run(kernel: string, inputs: Inputs | readonly Info[], attrs: Attributes = {}): Info {
    const { x } = inputs as Inputs;
    const own = (): Info => super.run(kernel, inputs, attrs);
    if (Array.isArray(inputs) || x === undefined) return own();
    const { words: w } = this;
    if (kernel === "Cast") {
      const result = own();
      return result.dataId === x.dataId && result.dtype === "float32" ? w.mul(result, 1) : result;
    }
    if (scans.has(kernel) && attrs.reverse === true) {
      const axes = [attrs.axis as number];
      return w.reverse(this.run(kernel, { x: w.reverse(x, axes) }, { ...attrs, reverse: false }), axes);
    }
    if (x.dtype === "float32") return losesNaN.has(kernel) ? w.where(w.isNaN(x), x, own()) : own();
    if (!asFloats.has(kernel)) return own();
    const result = this.run(kernel, { x: w.cast(x, "float32") }, attrs);
    return result.dtype === "float32" ? w.cast(result, x.dtype) : result;
  }
}
