/** Softmax, RMS normalisation (with their adjoints) and rotary embedding along the last axis, for every float dtype. */
import type { NDArray } from "../../../backend/backend.ts";
import type { TypedArray } from "../../../dtype.ts";
import type { Engine } from "../engine.ts";

/** Runs `row(from, to, start, extent)` for each row along the last axis. */
function alongRows(
  engine: Engine,
  x: NDArray,
  row: (from: TypedArray, to: TypedArray, start: number, extent: number) => void,
): NDArray {
  engine.begin(x);
  const out = engine.create(x.dtype, x.shape);
  const from = engine.dense(x);
  const to = engine.target(out);
  const extent = x.shape[x.shape.length - 1];
  for (let start = 0; start < to.length; start += extent) row(from, to, start, extent);
  return engine.finish(out, to);
}

function rowMaximum(from: TypedArray, start: number, extent: number): number {
  let maximum = -Infinity;
  for (let i = 0; i < extent; i++) maximum = Math.max(maximum, from[start + i]);
  return maximum;
}

/** The maximum is subtracted first. A row of -Infinity gives NaN, as the limit does not exist. */
export function softmax(engine: Engine, x: NDArray): NDArray {
  return alongRows(engine, x, (from, to, start, extent) => {
    const maximum = rowMaximum(from, start, extent);
    let sum = 0;
    for (let i = 0; i < extent; i++) sum += Math.exp(from[start + i] - maximum);
    for (let i = 0; i < extent; i++) to[start + i] = Math.exp(from[start + i] - maximum) / sum;
  });
}

export function logSoftmax(engine: Engine, x: NDArray): NDArray {
  return alongRows(engine, x, (from, to, start, extent) => {
    const maximum = rowMaximum(from, start, extent);
    let sum = 0;
    for (let i = 0; i < extent; i++) sum += Math.exp(from[start + i] - maximum);
    const logSum = Math.log(sum);
    for (let i = 0; i < extent; i++) to[start + i] = from[start + i] - maximum - logSum;
  });
}

export function softmaxAdjoint(engine: Engine, y: NDArray, ct: NDArray): NDArray {
  engine.begin(y, ct);
  const out = engine.create(y.dtype, y.shape);
  const probability = engine.dense(y);
  const cotangent = engine.dense(ct);
  const to = engine.target(out);
  const extent = y.shape[y.shape.length - 1];
  for (let start = 0; start < to.length; start += extent) {
    let inner = 0;
    for (let i = start; i < start + extent; i++) inner += probability[i] * cotangent[i];
    for (let i = start; i < start + extent; i++) to[i] = probability[i] * (cotangent[i] - inner);
  }
  return engine.finish(out, to);
}

function inverseRms(from: TypedArray, start: number, extent: number, epsilon: number): number {
  let squares = 0;
  for (let i = start; i < start + extent; i++) squares += from[i] * from[i];
  return 1 / Math.sqrt(squares / extent + epsilon);
}

export function rmsNorm(
  engine: Engine,
  x: NDArray,
  weight: NDArray | undefined,
  epsilon: number,
  offset: number,
): NDArray {
  engine.begin(x, weight);
  const out = engine.create(x.dtype, x.shape);
  const from = engine.dense(x);
  const scale = weight === undefined ? undefined : engine.dense(weight);
  const to = engine.target(out);
  const extent = x.shape[x.shape.length - 1];
  for (let start = 0; start < to.length; start += extent) {
    const inverse = inverseRms(from, start, extent, epsilon);
    for (let i = 0; i < extent; i++) {
      to[start + i] = from[start + i] * inverse * (scale === undefined ? 1 : scale[i] + offset);
    }
  }
  return engine.finish(out, to);
}

/**
 * With r = rsqrt(mean(x²) + epsilon) and g = ct * (weight + offset):
 * dx = r * (g - x * r² * mean(g * x)), dweight = sum over rows of ct * x * r.
 */
export function rmsNormAdjoint(
  engine: Engine,
  x: NDArray,
  weight: NDArray | undefined,
  epsilon: number,
  offset: number,
  ct: NDArray,
): { x: NDArray; weight: NDArray | undefined } {
  engine.begin(x, weight, ct);
  const out = engine.create(x.dtype, x.shape);
  const outWeight = weight === undefined ? undefined : engine.create(weight.dtype, weight.shape);
  const from = engine.dense(x);
  const cotangent = engine.dense(ct);
  const scale = weight === undefined ? undefined : engine.dense(weight);
  const to = engine.target(out);
  const extent = x.shape[x.shape.length - 1];
  const weightSum = new Float64Array(extent);
  for (let start = 0; start < to.length; start += extent) {
    const inverse = inverseRms(from, start, extent, epsilon);
    let projection = 0;
    for (let i = 0; i < extent; i++) {
      const g = scale === undefined ? cotangent[start + i] : cotangent[start + i] * (scale[i] + offset);
      projection += g * from[start + i];
      weightSum[i] += cotangent[start + i] * from[start + i] * inverse;
    }
    const pull = (inverse * inverse * projection) / extent;
    for (let i = 0; i < extent; i++) {
      const g = scale === undefined ? cotangent[start + i] : cotangent[start + i] * (scale[i] + offset);
      to[start + i] = inverse * (g - from[start + i] * pull);
    }
  }
  engine.finish(out, to);
  if (outWeight !== undefined) {
    const toWeight = engine.target(outWeight);
    toWeight.set(weightSum);
    engine.finish(outWeight, toWeight);
  }
  return { x: out, weight: outWeight };
}

/** Pairs (i, i + d/2) of each row turn by the angles of its position: Su et al., "RoFormer" (2021), half-split form. */
export function rotary(engine: Engine, x: NDArray, cos: NDArray, sin: NDArray, sign: 1 | -1): NDArray {
  engine.begin(x, cos, sin);
  const out = engine.create(x.dtype, x.shape);
  const from = engine.dense(x);
  const cosines = engine.dense(cos);
  const sines = engine.dense(sin);
  const to = engine.target(out);
  const extent = x.shape[x.shape.length - 1];
  const half = extent / 2;
  const angles = cosines.length;
  for (let start = 0, angle = 0; start < to.length; start += extent, angle = (angle + half) % angles) {
    for (let i = 0; i < half; i++) {
      const c = cosines[angle + i];
      const s = sign * sines[angle + i];
      const low = from[start + i];
      const high = from[start + half + i];
      to[start + i] = low * c - high * s;
      to[start + half + i] = high * c + low * s;
    }
  }
  return engine.finish(out, to);
}
