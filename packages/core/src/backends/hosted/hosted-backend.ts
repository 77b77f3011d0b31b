/**
 * A backend that can move arrays in and out, and so can do everything: a primitive that it does not override reads its
 * operands to the host, runs there in the eager backend, and moves the results back. Slow, but right; override what
 * matters. The tfjs backend is built on it, and so is the one of docs/own-backend.md.
 */
import type {
  Backend,
  BinaryOp,
  MemoryStats,
  NDArray,
  ReduceOp,
  ScanOp,
  Sliding,
  UnaryOp,
  WindowAxis,
} from "../../backend/backend.ts";
import type { DType, TypedArray } from "../../dtype.ts";
import { eagerBackend } from "../eager/index.ts";

export abstract class HostedBackend implements Backend {
  abstract readonly name: string;
  /** Told of every primitive that goes by way of the host: conformance writes it into the capability table. */
  onHost: ((primitive: string) => void) | undefined;

  abstract fromHost(data: TypedArray, dtype: DType, shape: readonly number[]): NDArray;
  abstract readSync(x: NDArray): TypedArray;

  async read(x: NDArray): Promise<TypedArray> {
    return this.readSync(x);
  }

  full(shape: readonly number[], value: number, dtype: DType): NDArray {
    return this.one("full", [], () => eagerBackend.full(shape, value, dtype));
  }

  arange(start: number, step: number, count: number, dtype: DType): NDArray {
    return this.one("arange", [], () => eagerBackend.arange(start, step, count, dtype));
  }

  contiguous(x: NDArray): NDArray {
    return this.one("contiguous", [x], ([a]) => a);
  }

  cast(x: NDArray, dtype: DType): NDArray {
    return this.one("cast", [x], ([a]) => eagerBackend.cast(a, dtype));
  }

  unary(op: UnaryOp, x: NDArray): NDArray {
    return this.one(op, [x], ([a]) => eagerBackend.unary(op, a));
  }

  binary(op: BinaryOp, a: NDArray, b: NDArray): NDArray {
    return this.one(op, [a, b], ([left, right]) => eagerBackend.binary(op, left, right));
  }

  binaryScalar(op: BinaryOp, a: NDArray, scalar: number, reversed: boolean): NDArray {
    return this.one(op, [a], ([left]) => eagerBackend.binaryScalar(op, left, scalar, reversed));
  }

  clip(x: NDArray, low: number, high: number): NDArray {
    return this.one("clip", [x], ([a]) => eagerBackend.clip(a, low, high));
  }

  where(condition: NDArray, a: NDArray, b: NDArray): NDArray {
    return this.one("where", [condition, a, b], ([c, left, right]) => eagerBackend.where(c, left, right));
  }

  reduce(op: ReduceOp, x: NDArray, axes: readonly number[]): NDArray {
    return this.one(op, [x], ([a]) => eagerBackend.reduce(op, a, axes));
  }

  argReduce(op: "argmax" | "argmin", x: NDArray, axis: number): NDArray {
    return this.one(op, [x], ([a]) => eagerBackend.argReduce(op, a, axis));
  }

  scan(op: ScanOp, x: NDArray, axis: number, exclusive: boolean, reverse: boolean): NDArray {
    return this.one(op, [x], ([a]) => eagerBackend.scan(op, a, axis, exclusive, reverse));
  }

  argsort(x: NDArray, axis: number, descending: boolean): NDArray {
    return this.one("argsort", [x], ([a]) => eagerBackend.argsort(a, axis, descending));
  }

  matmul(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray {
    return this.one("matmul", [a, b], ([left, right]) => eagerBackend.matmul(left, right, transposeA, transposeB));
  }

  convolve(x: NDArray, weight: NDArray, sliding: Sliding): NDArray {
    return this.one("convolve", [x, weight], ([a, w]) => eagerBackend.convolve(a, w, sliding));
  }

  convolveInputAdjoint(ct: NDArray, weight: NDArray, sliding: Sliding, spatial: readonly number[]): NDArray {
    const run = ([c, w]: NDArray[]) => eagerBackend.convolveInputAdjoint(c, w, sliding, spatial);
    return this.one("convolveInputAdjoint", [ct, weight], run);
  }

  convolveWeightAdjoint(x: NDArray, ct: NDArray, sliding: Sliding, kernel: readonly number[]): NDArray {
    const run = ([a, c]: NDArray[]) => eagerBackend.convolveWeightAdjoint(a, c, sliding, kernel);
    return this.one("convolveWeightAdjoint", [x, ct], run);
  }

  windowArgmax(x: NDArray, windows: readonly WindowAxis[]): NDArray {
    return this.one("windowArgmax", [x], ([a]) => eagerBackend.windowArgmax(a, windows));
  }

  cholesky(a: NDArray): NDArray {
    return this.one("cholesky", [a], ([x]) => eagerBackend.cholesky(x));
  }

  qr(a: NDArray, complete: boolean): { q: NDArray; r: NDArray } {
    return this.viaHost("qr", [a], ([x]) => eagerBackend.qr(x, complete));
  }

  svd(a: NDArray): { u: NDArray; s: NDArray; vh: NDArray } {
    return this.viaHost("svd", [a], ([x]) => eagerBackend.svd(x));
  }

  eigh(a: NDArray): { values: NDArray; vectors: NDArray } {
    return this.viaHost("eigh", [a], ([x]) => eagerBackend.eigh(x));
  }

  solve(a: NDArray, b: NDArray): NDArray {
    return this.one("solve", [a, b], ([x, y]) => eagerBackend.solve(x, y));
  }

  triangularSolve(a: NDArray, b: NDArray, upper: boolean, transpose: boolean, unitDiagonal: boolean): NDArray {
    const run = ([x, y]: NDArray[]) => eagerBackend.triangularSolve(x, y, upper, transpose, unitDiagonal);
    return this.one("triangularSolve", [a, b], run);
  }

  determinant(a: NDArray): { value: NDArray; sign: NDArray; logAbs: NDArray } {
    return this.viaHost("determinant", [a], ([x]) => eagerBackend.determinant(x));
  }

  fourier(real: NDArray, imag: NDArray, sign: 1 | -1): { real: NDArray; imag: NDArray } {
    return this.viaHost("fourier", [real, imag], ([re, im]) => eagerBackend.fourier(re, im, sign));
  }

  concatenate(xs: readonly NDArray[], axis: number): NDArray {
    return this.one("concatenate", xs, (all) => eagerBackend.concatenate(all, axis));
  }

  pad(x: NDArray, widths: readonly (readonly [number, number])[], value: number): NDArray {
    return this.one("pad", [x], ([a]) => eagerBackend.pad(a, widths, value));
  }

  gather(x: NDArray, indices: NDArray, axis: number): NDArray {
    return this.one("gather", [x, indices], ([a, i]) => eagerBackend.gather(a, i, axis));
  }

  gatherAdjoint(source: NDArray, indices: NDArray, axis: number, size: number): NDArray {
    return this.one("gatherAdjoint", [source, indices], ([s, i]) => eagerBackend.gatherAdjoint(s, i, axis, size));
  }

  takeAlongAxis(x: NDArray, indices: NDArray, axis: number): NDArray {
    return this.one("takeAlongAxis", [x, indices], ([a, i]) => eagerBackend.takeAlongAxis(a, i, axis));
  }

  scatterAdd(x: NDArray, indices: NDArray, source: NDArray, axis: number): NDArray {
    return this.one("scatterAdd", [x, indices, source], ([a, i, s]) => eagerBackend.scatterAdd(a, i, s, axis));
  }

  sliceUpdate(x: NDArray, starts: readonly number[], steps: readonly number[], value: NDArray): NDArray {
    return this.one("sliceUpdate", [x, value], ([a, v]) => eagerBackend.sliceUpdate(a, starts, steps, v));
  }

  nonzero(x: NDArray): NDArray {
    return this.one("nonzero", [x], ([a]) => eagerBackend.nonzero(a));
  }

  softmax(x: NDArray): NDArray {
    return this.one("softmax", [x], ([a]) => eagerBackend.softmax(a));
  }

  logSoftmax(x: NDArray): NDArray {
    return this.one("logSoftmax", [x], ([a]) => eagerBackend.logSoftmax(a));
  }

  softmaxAdjoint(y: NDArray, ct: NDArray): NDArray {
    return this.one("softmaxAdjoint", [y, ct], ([a, c]) => eagerBackend.softmaxAdjoint(a, c));
  }

  rmsNorm(x: NDArray, weight: NDArray | undefined, epsilon: number, offset: number): NDArray {
    const operands = weight === undefined ? [x] : [x, weight];
    return this.one("rmsNorm", operands, ([a, w]) => eagerBackend.rmsNorm(a, w, epsilon, offset));
  }

  rmsNormAdjoint(
    x: NDArray,
    weight: NDArray | undefined,
    epsilon: number,
    offset: number,
    ct: NDArray,
  ): { x: NDArray; weight: NDArray | undefined } {
    const operands = weight === undefined ? [x, ct] : [x, ct, weight];
    return this.viaHost("rmsNormAdjoint", operands, ([a, c, w]) =>
      eagerBackend.rmsNormAdjoint(a, w, epsilon, offset, c),
    );
  }

  rotary(x: NDArray, cos: NDArray, sin: NDArray, sign: 1 | -1): NDArray {
    return this.one("rotary", [x, cos, sin], ([a, c, s]) => eagerBackend.rotary(a, c, s, sign));
  }

  randomBits(k0: number, k1: number, count: number): NDArray {
    return this.one("randomBits", [], () => eagerBackend.randomBits(k0, k1, count));
  }

  abstract memoryStats(): MemoryStats;

  /** The elements of an operand of a primitive that goes by way of the host. */
  protected readFor(_primitive: string, x: NDArray): TypedArray {
    return this.readSync(x);
  }

  /** A primitive with several results, computed on the host. */
  private viaHost<R extends Record<keyof R, NDArray | undefined>>(
    primitive: string,
    operands: readonly NDArray[],
    run: (operands: NDArray[]) => R,
  ): R {
    this.onHost?.(primitive);
    const results = run(operands.map((x) => eagerBackend.fromHost(this.readFor(primitive, x), x.dtype, x.shape)));
    const entries = Object.entries(results) as [string, NDArray | undefined][];
    return Object.fromEntries(entries.map(([key, x]) => [key, x === undefined ? x : this.taken(x)])) as R;
  }

  private one(primitive: string, operands: readonly NDArray[], run: (operands: NDArray[]) => NDArray): NDArray {
    return this.viaHost(primitive, operands, (arrays) => ({ result: run(arrays) })).result;
  }

  private taken(x: NDArray): NDArray {
    return this.fromHost(eagerBackend.readSync(x), x.dtype, x.shape);
  }
}
