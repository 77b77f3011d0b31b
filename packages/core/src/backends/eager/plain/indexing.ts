/** Copies, joins, gathers and scatters for every dtype. They move elements as they are stored. */
import type { NDArray } from "../../../backend/backend.ts";
import { IndexError } from "../../../errors.ts";
import { around, isContiguous, isHalf, isInteger, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { toBfloat16, toFloat16 } from "./half.ts";
import { copyStrided, scatterStrided } from "./strided.ts";

export function contiguous(engine: Engine, x: NDArray): NDArray {
  engine.begin(x);
  const out = engine.create(x.dtype, x.shape);
  copyStrided(engine.elements(x), engine.base(x), x.shape, x.strides, engine.elements(out), engine.base(out));
  return out;
}

export function concatenate(engine: Engine, xs: readonly NDArray[], axis: number): NDArray {
  engine.begin();
  for (const x of xs) engine.use(x);
  const shape = [...xs[0].shape];
  shape[axis] = xs.reduce((total, x) => total + x.shape[axis], 0);
  const out = engine.create(xs[0].dtype, shape);
  const to = engine.elements(out);
  let base = engine.base(out);
  for (const x of xs) {
    copyInto(engine, x, to, base, out.strides);
    base += x.shape[axis] * out.strides[axis];
  }
  return out;
}

/** Copies `x` to the region of `to` that begins at `base` and has `strides`. */
function copyInto(
  engine: Engine,
  x: NDArray,
  to: ReturnType<Engine["elements"]>,
  base: number,
  strides: readonly number[],
): void {
  const raw = stored(engine, x);
  scatterStrided(raw, to, base, x.shape, strides);
}

/** The elements in row-major order, as they are stored (half types as patterns). */
function stored(engine: Engine, x: NDArray): ReturnType<Engine["elements"]> {
  if (x.dtype !== "float16" && x.dtype !== "bfloat16") return engine.dense(x);
  const patterns = new Uint16Array(sizeOf(x.shape));
  copyStrided(engine.elements(x), engine.base(x), x.shape, x.strides, patterns, 0);
  return patterns;
}

export function pad(
  engine: Engine,
  x: NDArray,
  widths: readonly (readonly [number, number])[],
  value: number,
): NDArray {
  engine.begin(x);
  const out = engine.create(
    x.dtype,
    x.shape.map((extent, axis) => extent + widths[axis][0] + widths[axis][1]),
  );
  const window = engine.window(out);
  window.fill(pattern(value, x.dtype));
  const start = widths.reduce((at, [before], axis) => at + before * out.strides[axis], 0);
  copyInto(engine, x, window, start, out.strides);
  return out;
}

/** A number as it is stored. */
function pattern(value: number, dtype: NDArray["dtype"]): number {
  if (dtype === "float16") return toFloat16(value);
  if (dtype === "bfloat16") return toBfloat16(value);
  if (dtype === "bool") return value !== 0 ? 1 : 0;
  return value;
}

/** An index into an axis of `extent`, counting from the end when negative. Throws IndexError. */
export function resolveIndex(index: number, extent: number, operation: string): number {
  const resolved = index < 0 ? index + extent : index;
  if (!(resolved >= 0 && resolved < extent)) {
    throw new IndexError(`${operation}: index ${index} is outside an axis of ${extent} elements.`, {
      hint: `Valid indices run from ${-extent} to ${extent - 1}.`,
    });
  }
  return resolved;
}

export function gather(engine: Engine, x: NDArray, indices: NDArray, axis: number): NDArray {
  engine.begin(x, indices);
  const { outer, extent, inner } = around(x.shape, axis);
  const count = sizeOf(indices.shape);
  const out = engine.create(x.dtype, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]);
  const from = stored(engine, x);
  const at = engine.dense(indices);
  const to = engine.window(out);
  for (let i = 0; i < count; i++) {
    const index = resolveIndex(at[i], extent, "gather");
    for (let o = 0; o < outer; o++) {
      const start = (o * extent + index) * inner;
      const target = (o * count + i) * inner;
      for (let k = 0; k < inner; k++) to[target + k] = from[start + k];
    }
  }
  return out;
}

export function gatherAdjoint(engine: Engine, source: NDArray, indices: NDArray, axis: number, size: number): NDArray {
  engine.begin(source, indices);
  const count = sizeOf(indices.shape);
  const shape = [...source.shape.slice(0, axis), size, ...source.shape.slice(axis + indices.shape.length)];
  const { outer, inner } = around(shape, axis);
  const out = engine.create(source.dtype, shape);
  const from = engine.dense(source);
  const at = engine.dense(indices);
  const to = engine.target(out);
  to.fill(0);
  for (let i = 0; i < count; i++) {
    const index = resolveIndex(at[i], size, "gatherAdjoint");
    for (let o = 0; o < outer; o++) {
      const start = (o * count + i) * inner;
      const target = (o * size + index) * inner;
      // A sum of bool says whether any term holds, as `add` does.
      if (source.dtype === "bool") for (let k = 0; k < inner; k++) to[target + k] |= from[start + k];
      else for (let k = 0; k < inner; k++) to[target + k] += from[start + k];
    }
  }
  return engine.finish(out, to);
}

export function takeAlongAxis(engine: Engine, x: NDArray, indices: NDArray, axis: number): NDArray {
  engine.begin(x, indices);
  const { outer, extent, inner } = around(x.shape, axis);
  const count = indices.shape[axis];
  const out = engine.create(x.dtype, indices.shape);
  const from = stored(engine, x);
  const at = engine.dense(indices);
  const to = engine.window(out);
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < count; k++) {
      for (let i = 0; i < inner; i++) {
        const place = (o * count + k) * inner + i;
        to[place] = from[(o * extent + resolveIndex(at[place], extent, "takeAlongAxis")) * inner + i];
      }
    }
  }
  return out;
}

export function scatterAdd(engine: Engine, x: NDArray, indices: NDArray, source: NDArray, axis: number): NDArray {
  engine.begin(x, indices, source);
  const { outer, extent, inner } = around(x.shape, axis);
  const count = indices.shape[axis];
  const out = engine.create(x.dtype, x.shape);
  const at = engine.dense(indices);
  const from = engine.dense(source);
  const to = engine.target(out);
  const wraps = isInteger(x.dtype);
  if (isContiguous(x) && !isHalf(x.dtype)) engine.move(x, out);
  else to.set(engine.dense(x));
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < count; k++) {
      for (let i = 0; i < inner; i++) {
        const place = (o * count + k) * inner + i;
        const target = (o * extent + resolveIndex(at[place], extent, "scatterAdd")) * inner + i;
        if (x.dtype === "bool") to[target] |= from[place];
        else to[target] = wraps ? (to[target] + from[place]) | 0 : to[target] + from[place];
      }
    }
  }
  return engine.finish(out, to);
}

export function sliceUpdate(
  engine: Engine,
  x: NDArray,
  starts: readonly number[],
  steps: readonly number[],
  value: NDArray,
): NDArray {
  engine.begin(x, value);
  const out = engine.create(x.dtype, x.shape);
  const to = engine.elements(out);
  const base = engine.base(out);
  copyStrided(engine.elements(x), engine.base(x), x.shape, x.strides, to, base);
  const start = starts.reduce((at, index, axis) => at + index * out.strides[axis], base);
  const strides = steps.map((step, axis) => step * out.strides[axis]);
  copyInto(engine, value, to, start, strides);
  return out;
}
