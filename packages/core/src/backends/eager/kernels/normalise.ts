/** Softmax, RMS normalisation and rotary embedding of float32 arrays in generated code. */
import type { NDArray } from "../../../backend/backend.ts";
import { sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { shares } from "../threads/index.ts";
import type { ModuleBuilder, SharedModule } from "../wasm/index.ts";
import type { CopyKernels } from "./copy.ts";
import {
  rmsNormAdjointModule,
  rmsNormModule,
  rotaryModule,
  softmaxAdjointModule,
  softmaxModule,
} from "./normalise-modules.ts";

/** Elements below which a thread's share of the rows is not worth its while. */
const leastElements = 2 ** 14;

/** Partial sums of a weight's cotangent at most, and rows in each at least: the same for any number of threads. */
const mostPartials = 16;
const leastRows = 32;

export class NormaliseKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly built: {
    softmax?: SharedModule;
    logSoftmax?: SharedModule;
    softmaxAdjoint?: SharedModule;
    rmsNorm?: SharedModule;
    rmsNormWeighted?: SharedModule;
    rmsNormAdjoint?: SharedModule;
    rmsNormAdjointWeighted?: SharedModule;
    rotary?: SharedModule;
  } = {};

  constructor(engine: Engine, copies: CopyKernels) {
    this.engine = engine;
    this.copies = copies;
  }

  /** Whether the kernels apply; if not, the plain ones serve. */
  serves(x: NDArray): boolean {
    return x.dtype === "float32" && sizeOf(x.shape) > 0;
  }

  /** Half rows of whole vectors only. */
  servesRotary(x: NDArray): boolean {
    return this.serves(x) && x.shape[x.shape.length - 1] % 8 === 0;
  }

  softmax(x: NDArray, logarithm: boolean): NDArray {
    const key = logarithm ? "logSoftmax" : "softmax";
    this.built[key] ??= this.build(softmaxModule(logarithm));
    const from = this.dense(x);
    this.engine.begin(from);
    const out = this.engine.create("float32", x.shape);
    const [source, to] = [this.engine.address(from), this.engine.resultAddress(out)];
    this.overRows(this.built[key], x, (at) => [source + at, to + at]);
    this.engine.discard(from, x);
    return this.engine.collect(out);
  }

  softmaxAdjoint(y: NDArray, ct: NDArray): NDArray {
    this.built.softmaxAdjoint ??= this.build(softmaxAdjointModule());
    const engine = this.engine;
    const probability = this.dense(y);
    const cotangent = this.dense(ct);
    engine.begin(probability, cotangent);
    const out = engine.create("float32", y.shape);
    const [a, b, to] = [engine.address(probability), engine.address(cotangent), engine.resultAddress(out)];
    this.overRows(this.built.softmaxAdjoint, y, (at) => [a + at, b + at, to + at]);
    engine.discard(probability, y);
    engine.discard(cotangent, ct);
    return engine.collect(out);
  }

  rmsNorm(x: NDArray, weight: NDArray | undefined, epsilon: number, offset: number): NDArray {
    const engine = this.engine;
    const key = weight === undefined ? "rmsNorm" : "rmsNormWeighted";
    this.built[key] ??= this.build(rmsNormModule(weight !== undefined));
    const from = this.dense(x);
    const scale = weight === undefined ? undefined : this.dense(weight);
    engine.begin(from, scale);
    const out = engine.create("float32", x.shape);
    const scaleAt = scale === undefined ? 0 : engine.address(scale);
    const [source, to] = [engine.address(from), engine.resultAddress(out)];
    this.overRows(this.built[key], x, (at) => [source + at, scaleAt, to + at], epsilon, offset);
    engine.discard(from, x);
    if (scale !== undefined && weight !== undefined) engine.discard(scale, weight);
    return engine.collect(out);
  }

  rmsNormAdjoint(
    x: NDArray,
    weight: NDArray | undefined,
    epsilon: number,
    offset: number,
    ct: NDArray,
  ): { x: NDArray; weight: NDArray | undefined } {
    const engine = this.engine;
    const key = weight === undefined ? "rmsNormAdjoint" : "rmsNormAdjointWeighted";
    this.built[key] ??= this.build(rmsNormAdjointModule(weight !== undefined));
    const from = this.dense(x);
    const scale = weight === undefined ? undefined : this.dense(weight);
    const cotangent = this.dense(ct);
    engine.begin(from, scale, cotangent);
    const out = engine.create("float32", x.shape);
    const outWeight = weight === undefined ? undefined : engine.create("float32", weight.shape);
    const { rows, rowBytes } = rowsOf(x);
    const parts = shares(rows, isFree(rowBytes) ? mostPartials : 1, 1, leastRows);
    // A cache line between two sums, and slack for whole vectors.
    const sumStride = Math.ceil((2 * rowBytes) / 64) * 64 + 64;
    const sumBytes = sumStride * parts.length;
    const sums = engine.arena.scratch(sumBytes);
    engine.clear(sums, sumBytes);
    const scaleAt = scale === undefined ? 0 : engine.address(scale);
    const [a, c, to] = [engine.address(from), engine.address(cotangent), engine.resultAddress(out)];
    const module = this.built[key];
    const tasks = parts.map(({ start, size }, p) => {
      const at = start * rowBytes;
      return [a + at, scaleAt, c + at, to + at, sums + p * sumStride, size, rowBytes, epsilon, offset];
    });
    if (rows * rowBytes >= 8 * leastElements) engine.pool.run(module, "run", tasks);
    else for (const task of tasks) module.functions.run(...task);
    engine.collect(out);
    if (outWeight !== undefined) {
      module.functions.weightSums(sums, engine.resultAddress(outWeight), rowBytes, sumStride, parts.length);
      engine.collect(outWeight);
    }
    engine.arena.freeScratch(sums, sumBytes);
    engine.discard(from, x);
    engine.discard(cotangent, ct);
    if (scale !== undefined && weight !== undefined) engine.discard(scale, weight);
    return { x: out, weight: outWeight };
  }

  rotary(x: NDArray, cos: NDArray, sin: NDArray, sign: 1 | -1): NDArray {
    const engine = this.engine;
    this.built.rotary ??= this.build(rotaryModule());
    const from = this.dense(x);
    const cosines = this.dense(cos);
    const sines = this.dense(sin);
    engine.begin(from, cosines, sines);
    const out = engine.create("float32", x.shape);
    const { rows, rowBytes } = rowsOf(x);
    const [a, c, d] = [engine.address(from), engine.address(cosines), engine.address(sines)];
    const to = engine.resultAddress(out);
    const angleBytes = sizeOf(cos.shape) * 4;
    // Shares begin where the angles do.
    const turn = (2 * angleBytes) / rowBytes;
    engine.pool.divide(this.built.rotary, "run", rows, turn, (4 * leastElements) / rowBytes, (start, size) => {
      const at = start * rowBytes;
      return [a + at, c, d, to + at, size, rowBytes / 2, angleBytes, sign];
    });
    engine.discard(from, x);
    engine.discard(cosines, cos);
    engine.discard(sines, sin);
    return engine.collect(out);
  }

  private dense(x: NDArray): NDArray {
    return this.copies.dense(x);
  }

  /** Runs a kernel `(…addresses, rows, rowBytes, …rest)` over the rows of `x`; `at` is the byte where a share begins. */
  private overRows(module: SharedModule, x: NDArray, addresses: (at: number) => number[], ...rest: number[]): void {
    const { rows, rowBytes } = rowsOf(x);
    const least = (4 * leastElements) / rowBytes;
    if (rows < 2 * least || !isFree(rowBytes)) module.functions.run(...addresses(0), rows, rowBytes, ...rest);
    else
      this.engine.pool.divide(module, "run", rows, 1, least, (start, size) => [
        ...addresses(start * rowBytes),
        size,
        rowBytes,
        ...rest,
      ]);
  }

  private build(module: ModuleBuilder): SharedModule {
    return module.share(this.engine.arena.memory);
  }
}

/** Whether rows may be computed in any order: rows that are no whole vectors write into the next one. */
const isFree = (rowBytes: number): boolean => rowBytes % 16 === 0;

function rowsOf(x: NDArray): { rows: number; rowBytes: number } {
  const extent = x.shape[x.shape.length - 1];
  return { rows: sizeOf(x.shape) / extent, rowBytes: extent * 4 };
}
