/**
 * The lazy backend: each primitive is recorded with the shape and dtype of its result, and runs when a result is
 * observed. This file is the table of primitives; ./recorder.ts keeps the trace.
 */
import type {
  Backend,
  BinaryOp,
  MemoryStats,
  NDArray,
  ReduceOp,
  ScanOp,
  Sliding,
  Storage,
  UnaryOp,
  WindowAxis,
} from "../../backend/backend.ts";
import { type DType, isQuantised, type TypedArray } from "../../dtype.ts";
import { broadcastShape } from "../eager/arrays.ts";
import type { EagerBackend } from "../eager/index.ts";
import { isComparison, isPredicate } from "../eager/plain/scalar-functions.ts";
import { located, type Meaning, type Run, Value } from "./graph.ts";
import { Recorder } from "./recorder.ts";

export class LazyBackend implements Backend {
  readonly name = "lazy";
  readonly readsStored = true;
  private readonly eager: EagerBackend;
  /** @internal The trace and the programs, for tests and measurements. */
  readonly recorder: Recorder;

  constructor(eager: EagerBackend) {
    this.eager = eager;
    this.recorder = new Recorder(eager);
  }

  takes(other: Backend): boolean {
    return other === this.eager;
  }

  give(x: NDArray, other: Backend): NDArray | undefined {
    return other === this.eager ? this.settled(x) : undefined;
  }

  barrier(): void {
    this.recorder.cut("barrier");
  }

  close(): void {
    this.recorder.cut("close");
    this.recorder.forget();
  }

  fromHost(data: TypedArray, dtype: DType, shape: readonly number[]): NDArray {
    return this.eager.fromHost(data, dtype, shape);
  }

  readSync(x: NDArray): TypedArray {
    return this.eager.readSync(this.settled(x));
  }

  async read(x: NDArray): Promise<TypedArray> {
    return this.eager.read(this.settled(x));
  }

  full(shape: readonly number[], value: number, dtype: DType): NDArray {
    const run: Run = (eager, _, [fill]) => eager.full(shape, fill!, dtype);
    return this.one("full", `${shape} ${dtype}`, run, [], dtype, shape, [value], { kind: "fill" });
  }

  arange(start: number, step: number, count: number, dtype: DType): NDArray {
    const run: Run = (eager, _, [from, by]) => eager.arange(from!, by!, count, dtype);
    return this.one("arange", `${count} ${dtype}`, run, [], dtype, [count], [start, step]);
  }

  contiguous(x: NDArray): NDArray {
    return this.one("contiguous", "", (eager, [a]) => eager.contiguous(a!), [x], x.dtype, x.shape, [], {
      kind: "copy",
    });
  }

  cast(x: NDArray, dtype: DType): NDArray {
    return this.one("cast", dtype, (eager, [a]) => eager.cast(a!, dtype), [x], dtype, x.shape, [], { kind: "cast" });
  }

  unary(op: UnaryOp, x: NDArray): NDArray {
    const dtype = isPredicate(op) ? "bool" : x.dtype;
    return this.one("unary", op, (eager, [a]) => eager.unary(op, a!), [x], dtype, x.shape, [], { kind: "unary", op });
  }

  binary(op: BinaryOp, a: NDArray, b: NDArray): NDArray {
    const dtype = isComparison(op) ? "bool" : a.dtype;
    const shape = broadcastShape(a.shape, b.shape);
    const run: Run = (eager, [x, y]) => eager.binary(op, x!, y!);
    return this.one("binary", op, run, [a, b], dtype, shape, [], { kind: "binary", op });
  }

  binaryScalar(op: BinaryOp, a: NDArray, scalar: number, reversed: boolean): NDArray {
    const dtype = isComparison(op) ? "bool" : a.dtype;
    const run: Run = (eager, [x], [number]) => eager.binaryScalar(op, x!, number!, reversed);
    const meaning = { kind: "binaryScalar", op, reversed } as const;
    return this.one("binaryScalar", `${op} ${reversed}`, run, [a], dtype, a.shape, [scalar], meaning);
  }

  clip(x: NDArray, low: number, high: number): NDArray {
    const run: Run = (eager, [a], [from, to]) => eager.clip(a!, from!, to!);
    return this.one("clip", "", run, [x], x.dtype, x.shape, [low, high], { kind: "clip" });
  }

  where(condition: NDArray, a: NDArray, b: NDArray): NDArray {
    const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
    const run: Run = (eager, [c, x, y]) => eager.where(c!, x!, y!);
    return this.one("where", "", run, [condition, a, b], a.dtype, shape, [], { kind: "where" });
  }

  reduce(op: ReduceOp, x: NDArray, axes: readonly number[]): NDArray {
    const shape = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    const dtype = op === "all" || op === "any" ? "bool" : x.dtype;
    const run: Run = (eager, [a]) => eager.reduce(op, a!, axes);
    return this.one("reduce", `${op} ${axes}`, run, [x], dtype, shape, [], { kind: "reduce", op, axes });
  }

  argReduce(op: "argmax" | "argmin", x: NDArray, axis: number): NDArray {
    const shape = x.shape.map((extent, i) => (i === axis ? 1 : extent));
    return this.one(op, `${axis}`, (eager, [a]) => eager.argReduce(op, a!, axis), [x], "int32", shape);
  }

  scan(op: ScanOp, x: NDArray, axis: number, exclusive: boolean, reverse: boolean): NDArray {
    const run: Run = (eager, [a]) => eager.scan(op, a!, axis, exclusive, reverse);
    return this.one("scan", `${op} ${axis} ${exclusive} ${reverse}`, run, [x], x.dtype, x.shape);
  }

  argsort(x: NDArray, axis: number, descending: boolean): NDArray {
    const run: Run = (eager, [a]) => eager.argsort(a!, axis, descending);
    return this.one("argsort", `${axis} ${descending}`, run, [x], "int32", x.shape);
  }

  matmul(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray {
    const rank = a.shape.length;
    const rows = a.shape[rank - (transposeA ? 1 : 2)]!;
    const columns = b.shape[rank - (transposeB ? 2 : 1)]!;
    const run: Run = (eager, [x, y]) => eager.matmul(x!, y!, transposeA, transposeB);
    const shape = [...a.shape.slice(0, -2), rows, columns];
    return this.one("matmul", `${transposeA} ${transposeB}`, run, [a, b], a.dtype, shape);
  }

  convolve(x: NDArray, weight: NDArray, sliding: Sliding): NDArray {
    const out = weight.shape.slice(2).map((kernel, i) => {
      const [before, after] = sliding.padding[i]!;
      const room = x.shape[i + 2]! + before + after - sliding.dilation[i]! * (kernel - 1) - 1;
      return Math.floor(room / sliding.stride[i]!) + 1;
    });
    const run: Run = (eager, [a, w]) => eager.convolve(a!, w!, sliding);
    const shape = [x.shape[0]!, weight.shape[0]!, ...out];
    return this.one("convolve", JSON.stringify(sliding), run, [x, weight], x.dtype, shape);
  }

  convolveInputAdjoint(ct: NDArray, weight: NDArray, sliding: Sliding, spatial: readonly number[]): NDArray {
    const run: Run = (eager, [c, w]) => eager.convolveInputAdjoint(c!, w!, sliding, spatial);
    const shape = [ct.shape[0]!, weight.shape[1]! * sliding.groups, ...spatial];
    const attributes = JSON.stringify([sliding, spatial]);
    return this.one("convolveInputAdjoint", attributes, run, [ct, weight], ct.dtype, shape);
  }

  convolveWeightAdjoint(x: NDArray, ct: NDArray, sliding: Sliding, kernel: readonly number[]): NDArray {
    const run: Run = (eager, [a, c]) => eager.convolveWeightAdjoint(a!, c!, sliding, kernel);
    const shape = [ct.shape[1]!, x.shape[1]! / sliding.groups, ...kernel];
    const attributes = JSON.stringify([sliding, kernel]);
    return this.one("convolveWeightAdjoint", attributes, run, [x, ct], x.dtype, shape);
  }

  windowArgmax(x: NDArray, windows: readonly WindowAxis[]): NDArray {
    const shape = [...x.shape.slice(0, 2), ...windows.map((axis) => axis.start.length)];
    const run: Run = (eager, [a]) => eager.windowArgmax(a!, windows);
    return this.one("windowArgmax", JSON.stringify(windows), run, [x], "int32", shape);
  }

  cholesky(a: NDArray): NDArray {
    return this.checked("cholesky", "", (eager, [x]) => eager.cholesky(x!), [a], a.dtype, a.shape);
  }

  qr(a: NDArray, complete: boolean): { q: NDArray; r: NDArray } {
    const [m, n] = a.shape.slice(-2) as [number, number];
    const inner = complete ? m : Math.min(m, n);
    const run = (eager: Backend, [x]: readonly NDArray[]) => Object.values(eager.qr(x!, complete));
    const [q, r] = this.several(
      "qr",
      `${complete}`,
      run,
      [a],
      [
        [m, inner],
        [inner, n],
      ],
    );
    return { q: q!, r: r! };
  }

  svd(a: NDArray): { u: NDArray; s: NDArray; vh: NDArray } {
    const [m, n] = a.shape.slice(-2) as [number, number];
    const k = Math.min(m, n);
    const run = (eager: Backend, [x]: readonly NDArray[]) => Object.values(eager.svd(x!));
    const [u, s, vh] = this.several("svd", "", run, [a], [[m, k], [k], [k, n]]);
    return { u: u!, s: s!, vh: vh! };
  }

  eigh(a: NDArray): { values: NDArray; vectors: NDArray } {
    const n = a.shape[a.shape.length - 1]!;
    const run = (eager: Backend, [x]: readonly NDArray[]) => Object.values(eager.eigh(x!));
    const [values, vectors] = this.several("eigh", "", run, [a], [[n], [n, n]]);
    return { values: values!, vectors: vectors! };
  }

  solve(a: NDArray, b: NDArray): NDArray {
    return this.checked("solve", "", (eager, [x, y]) => eager.solve(x!, y!), [a, b], b.dtype, b.shape);
  }

  triangularSolve(a: NDArray, b: NDArray, upper: boolean, transpose: boolean, unitDiagonal: boolean): NDArray {
    const run: Run = (eager, [x, y]) => eager.triangularSolve(x!, y!, upper, transpose, unitDiagonal);
    return this.checked("triangularSolve", `${upper} ${transpose} ${unitDiagonal}`, run, [a, b], b.dtype, b.shape);
  }

  determinant(a: NDArray): { value: NDArray; sign: NDArray; logAbs: NDArray } {
    const run = (eager: Backend, [x]: readonly NDArray[]) => Object.values(eager.determinant(x!));
    const [value, sign, logAbs] = this.several("determinant", "", run, [a], [[], [], []]);
    return { value: value!, sign: sign!, logAbs: logAbs! };
  }

  fourier(real: NDArray, imag: NDArray, sign: 1 | -1): { real: NDArray; imag: NDArray } {
    const run = (eager: Backend, [re, im]: readonly NDArray[]) => Object.values(eager.fourier(re!, im!, sign));
    const rows = real.shape.slice(-2);
    const [x, y] = this.several("fourier", `${sign}`, run, [real, imag], [rows, rows]);
    return { real: x!, imag: y! };
  }

  concatenate(xs: readonly NDArray[], axis: number): NDArray {
    const shape = [...xs[0]!.shape];
    shape[axis] = xs.reduce((extent, x) => extent + x.shape[axis]!, 0);
    return this.one("concatenate", `${axis}`, (eager, all) => eager.concatenate(all, axis), xs, xs[0]!.dtype, shape);
  }

  pad(x: NDArray, widths: readonly (readonly [number, number])[], value: number): NDArray {
    const shape = x.shape.map((extent, axis) => widths[axis]![0] + extent + widths[axis]![1]);
    const run: Run = (eager, [a], [fill]) => eager.pad(a!, widths, fill!);
    return this.one("pad", `${widths}`, run, [x], x.dtype, shape, [value]);
  }

  gather(x: NDArray, indices: NDArray, axis: number): NDArray {
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    const run: Run = (eager, [a, i]) => eager.gather(a!, i!, axis);
    const dtype = isQuantised(x.dtype) ? "float32" : x.dtype;
    return this.checked("gather", `${axis}`, run, [x, indices], dtype, shape);
  }

  gatherAdjoint(source: NDArray, indices: NDArray, axis: number, size: number): NDArray {
    const shape = [...source.shape.slice(0, axis), size, ...source.shape.slice(axis + indices.shape.length)];
    const run: Run = (eager, [s, i]) => eager.gatherAdjoint(s!, i!, axis, size);
    return this.checked("gatherAdjoint", `${axis} ${size}`, run, [source, indices], source.dtype, shape);
  }

  takeAlongAxis(x: NDArray, indices: NDArray, axis: number): NDArray {
    const run: Run = (eager, [a, i]) => eager.takeAlongAxis(a!, i!, axis);
    return this.checked("takeAlongAxis", `${axis}`, run, [x, indices], x.dtype, indices.shape);
  }

  scatterAdd(x: NDArray, indices: NDArray, source: NDArray, axis: number): NDArray {
    const run: Run = (eager, [a, i, s]) => eager.scatterAdd(a!, i!, s!, axis);
    return this.checked("scatterAdd", `${axis}`, run, [x, indices, source], x.dtype, x.shape);
  }

  sliceUpdate(x: NDArray, starts: readonly number[], steps: readonly number[], value: NDArray): NDArray {
    const run: Run = (eager, [a, v], from) => eager.sliceUpdate(a!, from, steps, v!);
    return this.one("sliceUpdate", `${steps}`, run, [x, value], x.dtype, x.shape, starts);
  }

  nonzero(x: NDArray): NDArray {
    return this.eager.nonzero(this.settled(x, "the shape of nonzero depends on data"));
  }

  softmax(x: NDArray): NDArray {
    return this.one("softmax", "", (eager, [a]) => eager.softmax(a!), [x], x.dtype, x.shape);
  }

  logSoftmax(x: NDArray): NDArray {
    return this.one("logSoftmax", "", (eager, [a]) => eager.logSoftmax(a!), [x], x.dtype, x.shape);
  }

  softmaxAdjoint(y: NDArray, ct: NDArray): NDArray {
    return this.one("softmaxAdjoint", "", (eager, [a, b]) => eager.softmaxAdjoint(a!, b!), [y, ct], y.dtype, y.shape);
  }

  rmsNorm(x: NDArray, weight: NDArray | undefined, epsilon: number, offset: number): NDArray {
    const run: Run = (eager, [a, w], [e, o]) => eager.rmsNorm(a!, w, e!, o!);
    const operands = weight === undefined ? [x] : [x, weight];
    return this.one("rmsNorm", "", run, operands, x.dtype, x.shape, [epsilon, offset]);
  }

  rmsNormAdjoint(
    x: NDArray,
    weight: NDArray | undefined,
    epsilon: number,
    offset: number,
    ct: NDArray,
  ): { x: NDArray; weight: NDArray | undefined } {
    const run: Run = (eager, [a, c, w], [e, o]) => {
      const adjoint = eager.rmsNormAdjoint(a!, w, e!, o!, c!);
      return adjoint.weight === undefined ? adjoint.x : [adjoint.x, adjoint.weight];
    };
    const operands = weight === undefined ? [x, ct] : [x, ct, weight];
    const results = operands.filter((_, i) => i !== 1).map(({ dtype, shape }) => ({ dtype, shape }));
    const primitive = { name: "rmsNormAdjoint", attributes: "", run };
    const [ofX, ofWeight] = this.recorder.record(primitive, operands, [epsilon, offset], results);
    return { x: ofX!, weight: ofWeight };
  }

  rotary(x: NDArray, cos: NDArray, sin: NDArray, sign: 1 | -1): NDArray {
    const run: Run = (eager, [a, c, s]) => eager.rotary(a!, c!, s!, sign);
    return this.one("rotary", `${sign}`, run, [x, cos, sin], x.dtype, x.shape);
  }

  randomBits(k0: number, k1: number, count: number): NDArray {
    const run: Run = (eager, _, [low, high]) => eager.randomBits(low!, high!, count);
    return this.one("randomBits", `${count}`, run, [], "int32", [count], [k0, k1]);
  }

  release(storage: Storage): void {
    // Memory that exists may still be read by what is recorded; the collector frees it.
    if (storage instanceof Value) storage.released = true;
  }

  memoryStats(): MemoryStats {
    return { ...this.eager.memoryStats(), recompiles: this.recorder.programs.metrics.programs };
  }

  /** Records a primitive with one result. */
  private one(
    name: string,
    attributes: string,
    run: Run,
    operands: readonly NDArray[],
    dtype: DType,
    shape: readonly number[],
    scalars: readonly number[] = [],
    meaning?: Meaning,
  ): NDArray {
    return this.recorder.record({ name, attributes, run, meaning }, operands, scalars, [{ dtype, shape }])[0]!;
  }

  /** Records a primitive with several results, whose shapes beside the batch's are given; it may throw on data. */
  private several(
    name: string,
    attributes: string,
    run: (eager: Backend, operands: readonly NDArray[]) => NDArray[],
    operands: readonly NDArray[],
    shapes: readonly (readonly number[])[],
  ): readonly NDArray[] {
    const place: { stack?: string } = {};
    Error.captureStackTrace?.(place, this.several);
    const [{ dtype, shape }] = operands as readonly [NDArray];
    const results = shapes.map((own) => ({ dtype, shape: [...shape.slice(0, -2), ...own] }));
    return this.recorder.record({ name, attributes, run }, operands, [], results, place);
  }

  /** Records a primitive that may throw on data. */
  private checked(
    name: string,
    attributes: string,
    run: Run,
    operands: readonly NDArray[],
    dtype: DType,
    shape: readonly number[],
  ): NDArray {
    const place: { stack?: string } = {};
    Error.captureStackTrace?.(place, this.checked);
    return this.recorder.record({ name, attributes, run }, operands, [], [{ dtype, shape }], place)[0]!;
  }

  /** An array in memory that exists: runs what has been recorded if it must. */
  private settled(x: NDArray, cause = "observation"): NDArray {
    this.recorder.settle(x, cause);
    return located(x);
  }
}
