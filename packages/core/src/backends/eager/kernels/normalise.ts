/** Softmax, RMS normalisation and rotary embedding of float32 arrays in generated code. */
import type { NDArray } from "../../../backend/backend.ts";
import { isContiguous, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import type { ModuleBuilder } from "../wasm/index.ts";
import type { CopyKernels } from "./copy.ts";
import {
  rmsNormAdjointModule,
  rmsNormModule,
  rotaryModule,
  softmaxAdjointModule,
  softmaxModule,
} from "./normalise-modules.ts";

type Functions = Record<string, (...values: number[]) => void>;

export class NormaliseKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly built: {
    softmax?: Functions;
    logSoftmax?: Functions;
    softmaxAdjoint?: Functions;
    rmsNorm?: Functions;
    rmsNormWeighted?: Functions;
    rmsNormAdjoint?: Functions;
    rmsNormAdjointWeighted?: Functions;
    rotary?: Functions;
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
    const { rows, rowBytes } = rowsOf(x);
    this.built[key].run(this.engine.address(from), this.engine.resultAddress(out), rows, rowBytes);
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
    const { rows, rowBytes } = rowsOf(y);
    const target = engine.resultAddress(out);
    this.built.softmaxAdjoint.run(engine.address(probability), engine.address(cotangent), target, rows, rowBytes);
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
    const { rows, rowBytes } = rowsOf(x);
    const scaleAt = scale === undefined ? 0 : engine.address(scale);
    this.built[key].run(engine.address(from), scaleAt, engine.resultAddress(out), rows, rowBytes, epsilon, offset);
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
    const sumBytes = 2 * rowBytes;
    const sums = engine.arena.scratch(sumBytes);
    engine.arena.views.uint8.fill(0, sums, sums + sumBytes);
    const scaleAt = scale === undefined ? 0 : engine.address(scale);
    const addresses = [engine.address(from), scaleAt, engine.address(cotangent)] as const;
    const { run, weightSums } = this.built[key];
    run(...addresses, engine.resultAddress(out), sums, rows, rowBytes, epsilon, offset);
    engine.collect(out);
    if (outWeight !== undefined) {
      weightSums(sums, engine.resultAddress(outWeight), rowBytes);
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
    const addresses = [engine.address(from), engine.address(cosines), engine.address(sines)] as const;
    const angleBytes = sizeOf(cos.shape) * 4;
    this.built.rotary.run(...addresses, engine.resultAddress(out), rows, rowBytes / 2, angleBytes, sign);
    engine.discard(from, x);
    engine.discard(cosines, cos);
    engine.discard(sines, sin);
    return engine.collect(out);
  }

  private dense(x: NDArray): NDArray {
    return isContiguous(x) ? x : this.copies.contiguous(x);
  }

  private build(module: ModuleBuilder): Functions {
    return module.instantiate(this.engine.arena.memory);
  }
}

function rowsOf(x: NDArray): { rows: number; rowBytes: number } {
  const extent = x.shape[x.shape.length - 1];
  return { rows: sizeOf(x.shape) / extent, rowBytes: extent * 4 };
}
