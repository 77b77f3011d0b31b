/** Convolution against plain loops in float64, and its adjoints by what an adjoint is. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { NDArray, Sliding } from "../../../backend/backend.ts";
import { sizeOf } from "../arrays.ts";
import { EagerBackend } from "../eager-backend.ts";

const backend = new EagerBackend();

/** Numbers in [-1, 1) that depend on the seed. */
function noise(seed: number): () => number {
  let state = (seed ^ 0x2545f491) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
}

function random(shape: readonly number[], dtype: "float32" | "float64", next: () => number): NDArray {
  const values = Array.from({ length: sizeOf(shape) }, next);
  return backend.fromHost(dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values), dtype, shape);
}

/** Every index tuple of a shape. */
function* indices(shape: readonly number[]): Generator<number[]> {
  for (let i = 0; i < sizeOf(shape); i++) {
    const index: number[] = [];
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
    }
    yield index;
  }
}

const at = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((flat, i, axis) => flat * shape[axis] + i, 0);

/** The definition of cross-correlation, term by term, for every `step`-th element: [position, value]. */
function reference(x: NDArray, w: NDArray, sliding: Sliding, step: number): [number, number][] {
  const { stride, dilation, padding, groups } = sliding;
  const [source, weight] = [backend.readSync(x), backend.readSync(w)];
  const spatial = x.shape.slice(2);
  const kernel = w.shape.slice(2);
  const out = spatial.map((extent, i) =>
    Math.floor((extent + padding[i][0] + padding[i][1] - dilation[i] * (kernel[i] - 1) - 1) / stride[i] + 1),
  );
  const result: [number, number][] = [];
  let position = -1;
  for (const [n, o, ...cell] of indices([x.shape[0], w.shape[0], ...out])) {
    if (++position % step !== 0) continue;
    let sum = 0;
    for (const [c, ...tap] of indices(w.shape.slice(1))) {
      const place = cell.map((p, i) => p * stride[i] - padding[i][0] + tap[i] * dilation[i]);
      if (place.some((p, i) => p < 0 || p >= spatial[i])) continue;
      const channel = Math.floor(o / (w.shape[0] / groups)) * w.shape[1] + c;
      sum += weight[at(w.shape, [o, c, ...tap])] * source[at(x.shape, [n, channel, ...place])];
    }
    result.push([position, sum]);
  }
  return result;
}

function dot(a: NDArray, b: NDArray): number {
  const [x, y] = [backend.readSync(a), backend.readSync(b)];
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

function check(x: NDArray, w: NDArray, sliding: Sliding, next: () => number, step = 1): void {
  const dtype = x.dtype as "float32" | "float64";
  const y = backend.convolve(x, w, sliding);
  const depth = sizeOf(w.shape.slice(1));
  const tolerance = (dtype === "float64" ? 1e-14 : 4e-7) * (depth + 4);
  const want = reference(x, w, sliding, step);
  const got = backend.readSync(y);
  expect(got.length).toBe(sizeOf(y.shape));
  want.forEach(([i, value]) => {
    if (!(Math.abs(got[i] - value) <= tolerance))
      throw new Error(`element ${i}: got ${got[i]}, want ${value}; ${JSON.stringify([x.shape, w.shape, sliding])}`);
  });
  const ct = random(y.shape, dtype, next);
  const product = dot(ct, y);
  const scale = tolerance * 4 * Math.sqrt(got.length) * (1 + Math.abs(product));
  const dx = backend.convolveInputAdjoint(ct, w, sliding, x.shape.slice(2));
  const dw = backend.convolveWeightAdjoint(x, ct, sliding, w.shape.slice(2));
  expect(dx.shape).toEqual(x.shape);
  expect(dw.shape).toEqual(w.shape);
  // Adjoint in one operand, whatever the other is.
  const x2 = random(x.shape, dtype, next);
  const w2 = random(w.shape, dtype, next);
  expect(Math.abs(dot(dx, x2) - dot(ct, backend.convolve(x2, w, sliding)))).toBeLessThanOrEqual(scale);
  expect(Math.abs(dot(dw, w2) - dot(ct, backend.convolve(x, w2, sliding)))).toBeLessThanOrEqual(scale);
}

/** The adjoints of a float32 convolution against those in float64, element by element. */
function checkAdjoints(x: NDArray, w: NDArray, sliding: Sliding, next: () => number): void {
  const wide = (values: NDArray) =>
    backend.fromHost(Float64Array.from(backend.readSync(values)), "float64", values.shape);
  const ct = random(backend.convolve(x, w, sliding).shape, "float32", next);
  const near = (got: NDArray, want: NDArray, terms: number): void => {
    const [a, b] = [backend.readSync(got), backend.readSync(want)];
    let largest = 0;
    for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(b[i] - a[i]));
    expect(largest).toBeLessThanOrEqual(4e-7 * (terms + 4));
  };
  const [outer, inner] = [x.shape.slice(2), w.shape.slice(2)];
  near(
    backend.convolveInputAdjoint(ct, w, sliding, outer),
    backend.convolveInputAdjoint(wide(ct), wide(w), sliding, outer),
    9 * w.shape[0],
  );
  near(
    backend.convolveWeightAdjoint(x, ct, sliding, inner),
    backend.convolveWeightAdjoint(wide(x), wide(ct), sliding, inner),
    sizeOf(ct.shape) / ct.shape[1],
  );
}

const small = fc.record({
  seed: fc.integer(),
  dtype: fc.constantFrom<"float32" | "float64">("float32", "float64"),
  samples: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 3 }),
  outputs: fc.integer({ min: 1, max: 4 }),
  axes: fc.array(
    fc.record({
      extent: fc.integer({ min: 1, max: 9 }),
      kernel: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      dilation: fc.integer({ min: 1, max: 2 }),
      before: fc.integer({ min: 0, max: 2 }),
      after: fc.integer({ min: -1, max: 2 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

describe("convolution", () => {
  test("equals the definition, and its adjoints are adjoint", () => {
    fc.assert(
      fc.property(small, ({ seed, dtype, samples, groups, inputs, outputs, axes }) => {
        fc.pre(axes.every((a) => a.extent + a.before + a.after > a.dilation * (a.kernel - 1)));
        const next = noise(seed);
        const x = random([samples, groups * inputs, ...axes.map((a) => a.extent)], dtype, next);
        const w = random([groups * outputs, inputs, ...axes.map((a) => a.kernel)], dtype, next);
        const sliding = {
          stride: axes.map((a) => a.stride),
          dilation: axes.map((a) => a.dilation),
          padding: axes.map((a) => [a.before, a.after] as const),
          groups,
        };
        check(x, w, sliding, next);
      }),
      { numRuns: 60 },
    );
  });

  test.each(["float32", "float64"] as const)("of %s larger than the blocks of the product", (dtype) => {
    const next = noise(7);
    // Dilated, so that no other kernel takes it.
    const sliding = {
      stride: [1, 1],
      dilation: [1, 2],
      padding: [
        [1, 1],
        [2, 2],
      ] as const,
      groups: 1,
    };
    // 34² positions, 9 · 33 taps, 130 rows: one more than a block each way.
    check(random([1, 33, 34, 34], dtype, next), random([130, 33, 3, 3], dtype, next), sliding, next, 997);
  });

  test("of 3 × 3 taps, in tiles", () => {
    const channels = fc.constantFrom(8, 12, 13, 20, 36);
    const zeros = fc.integer({ min: 0, max: 2 });
    const tiled = fc.record({
      seed: fc.integer(),
      samples: fc.integer({ min: 1, max: 5 }),
      inputs: channels,
      outputs: channels,
      height: fc.integer({ min: 4, max: 14 }),
      width: fc.integer({ min: 4, max: 14 }),
      padding: fc.tuple(fc.tuple(zeros, zeros), fc.tuple(zeros, zeros)),
    });
    fc.assert(
      fc.property(tiled, ({ seed, samples, inputs, outputs, height, width, padding }) => {
        const next = noise(seed);
        const x = random([samples, inputs, height, width], "float32", next);
        const w = random([outputs, inputs, 3, 3], "float32", next);
        check(x, w, { stride: [1, 1], dilation: [1, 1], padding, groups: 1 }, next, 97);
        checkAdjoints(x, w, { stride: [1, 1], dilation: [1, 1], padding, groups: 1 }, next);
      }),
      { numRuns: 15 },
    );
  });

  test("of transposed views", () => {
    const next = noise(3);
    const x = random([2, 6, 5, 3], "float32", next);
    const last: NDArray = { ...x, shape: [2, 3, 6, 5], strides: [90, 1, 15, 3] };
    const sliding = {
      stride: [2, 1],
      dilation: [1, 1],
      padding: [
        [0, 1],
        [1, 1],
      ] as const,
      groups: 1,
    };
    check(last, random([4, 3, 2, 3], "float32", next), sliding, next);
  });

  test("of nothing", () => {
    const sliding = { stride: [1], dilation: [1], padding: [[1, 1]] as const, groups: 1 };
    const empty = backend.full([0, 2, 4], 0, "float32");
    const w = backend.full([3, 2, 3], 1, "float32");
    expect(backend.convolve(empty, w, sliding).shape).toEqual([0, 3, 4]);
    const dw = backend.convolveWeightAdjoint(empty, backend.full([0, 3, 4], 0, "float32"), sliding, [3]);
    expect(Array.from(backend.readSync(dw))).toEqual(new Array(18).fill(0));
    const none = backend.convolve(
      backend.full([1, 0, 4], 0, "float32"),
      backend.full([3, 0, 3], 0, "float32"),
      sliding,
    );
    expect(Array.from(backend.readSync(none))).toEqual(new Array(12).fill(0));
  });

  test("scratch memory is given back", () => {
    const next = noise(5);
    const x = random([2, 8, 16, 16], "float32", next);
    const w = random([8, 8, 3, 3], "float32", next);
    const sliding = {
      stride: [2, 2],
      dilation: [1, 1],
      padding: [
        [1, 1],
        [1, 1],
      ] as const,
      groups: 1,
    };
    const y = backend.convolve(x, w, sliding);
    const before = backend.memoryStats().arena;
    for (let i = 0; i < 200; i++) {
      const dx = backend.convolveInputAdjoint(y, w, sliding, [16, 16]);
      backend.release(dx.storage);
    }
    expect(backend.memoryStats().arena).toBe(before);
  });
});
