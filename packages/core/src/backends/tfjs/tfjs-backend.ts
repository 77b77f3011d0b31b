/**
 * The tfjs backend: our tensors over the kernels of a TensorFlow.js engine. This file is the table of primitives; the
 * compositions stand beside it. What no engine has kernels for (decompositions, sorting, integer division, positions
 * of non-zero elements) goes by way of the host, as HostedBackend does everything.
 */
import type {
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
import type { DType, TypedArray } from "../../dtype.ts";
import { BackendError, DTypeError } from "../../errors.ts";
import { broadcastShape, rowMajor, sameShape, sizeOf } from "../eager/arrays.ts";
import { HostedBackend } from "../hosted/index.ts";
import { Convolutions } from "./convolution.ts";
import {
  comparisons,
  finitePower,
  floatBinary,
  floatUnary,
  integerBinary,
  integerUnary,
  logical,
} from "./elementwise.ts";
import { fourier, longestFourier } from "./fourier.ts";
import { GraphicsKernels } from "./graphics.ts";
import { Indexing } from "./indexing.ts";
import { Kernels, reshaped } from "./kernels.ts";
import { Ledger, type TfjsStorage } from "./memory.ts";
import * as normalise from "./normalise.ts";
import { product } from "./products.ts";
import { Readback } from "./readback.ts";
import { argReduce, reduce, scan } from "./reductions.ts";
import type { Engine, Info, Tfjs, TfjsDType } from "./types.ts";
import { inverse, orderOf, permuted, stridesIn, Views } from "./views.ts";
import { Vocabulary } from "./vocabulary.ts";
import { WebGPUKernels } from "./webgpu.ts";
import { windowArgmax } from "./windows.ts";

const held: ReadonlySet<DType> = new Set<DType>(["float32", "int32", "bool"]);

/** Engines whose data is in the processor's own memory: the others compute on a graphics processor. */
const near: ReadonlySet<string> = new Set(["cpu", "wasm", "tensorflow"]);

/**
 * What the WebAssembly engine has with an absolute error only (up to 5e-6 at 3e5), and so with no right digit near a zero
 * far out. The host is as fast as a reduction of the argument by kernels.
 */
const periodic: ReadonlySet<UnaryOp> = new Set<UnaryOp>(["sin", "cos", "tan"]);

export class TfjsBackend extends HostedBackend {
  readonly name: string;
  readonly dtypes = held;
  /** @internal What bridges and tests look at. */
  readonly tfjs: Tfjs;
  /** @internal */
  readonly engine: Engine;
  private readonly readback: Readback;
  private readonly kernels: Kernels;
  private readonly ledger: Ledger;
  private readonly views: Views;
  private readonly words: Vocabulary;
  private readonly convolutions: Convolutions;
  private readonly indexing: Indexing;

  /** @param engineName the name under which tfjs knows the engine: "cpu", "wasm", "webgl", "webgpu", "tensorflow" */
  constructor(tfjs: Tfjs, engine: Engine, engineName: string, name: string) {
    super();
    this.name = name;
    this.tfjs = tfjs;
    this.engine = engine;
    this.readback = new Readback(tfjs, engine, engineName, name);
    const kernels = near.has(engineName) ? Kernels : engineName === "webgpu" ? WebGPUKernels : GraphicsKernels;
    this.kernels = new kernels(tfjs, engine, engineName, name);
    this.ledger = new Ledger(engine, (dataId) => tfjs.engine().removeDataId(dataId, engine), this.readback);
    this.words = new Vocabulary(this.kernels);
    this.views = new Views(this.words, this.ledger);
    this.convolutions = new Convolutions(this.words, this.views);
    this.indexing = new Indexing(this.words, this.views, near.has(engineName));
  }

  fromHost(data: TypedArray, dtype: DType, shape: readonly number[]): NDArray {
    this.requireHeld("tensor", dtype);
    const copy = data.slice();
    return this.primitive(dtype, shape, () => this.kernels.write(copy, shape, dtype as TfjsDType));
  }

  readSync(x: NDArray): TypedArray {
    if (!this.readback.works())
      throw new BackendError(`${this.name} cannot read a tensor at once here.`, { hint: "Write await x.data()." });
    const info = this.primitiveInfo(() => this.views.dense(x));
    const data = hostCopy(this.engine.readSync(info.dataId), x.dtype);
    this.engine.disposeData(info.dataId);
    return data;
  }

  protected override readFor(primitive: string, x: NDArray): TypedArray {
    if (!this.readback.works())
      throw new BackendError(`${primitive}: ${this.name} has no kernel for it and cannot be read at once here.`, {
        hint: 'Compute it elsewhere, from await x.data(), or use { engine: "webgl" } or { engine: "wasm" }.',
      });
    return this.readSync(x);
  }

  override async read(x: NDArray): Promise<TypedArray> {
    const info = this.primitiveInfo(() => this.views.dense(x));
    const data = hostCopy(await this.engine.read(info.dataId), x.dtype);
    this.engine.disposeData(info.dataId);
    return data;
  }

  override full(shape: readonly number[], value: number, dtype: DType): NDArray {
    this.requireHeld("full", dtype);
    if (shape.length === 0)
      return this.primitive(dtype, shape, () => this.words.kernels.scalar(value, dtype as TfjsDType));
    return this.primitive(dtype, shape, () => this.words.fill(shape, value, dtype as TfjsDType));
  }

  override arange(start: number, step: number, count: number, dtype: DType): NDArray {
    this.requireHeld("arange", dtype);
    const values = Float64Array.from({ length: count }, (_, i) => start + step * i);
    const data =
      dtype === "float32" ? Float32Array.from(values) : dtype === "int32" ? Int32Array.from(values) : undefined;
    return this.fromHost(data ?? Uint8Array.from(values, (value) => +(value !== 0)), dtype, [count]);
  }

  override contiguous(x: NDArray): NDArray {
    return this.primitive(x.dtype, x.shape, () => this.views.dense(x));
  }

  override cast(x: NDArray, dtype: DType): NDArray {
    this.requireHeld("cast", dtype);
    const { words: w } = this;
    return this.elementwise(dtype, [x], ([a]) => {
      if (dtype === "bool") return a.dtype === "bool" ? a : w.notEqual(a, 0);
      return w.cast(a, dtype as TfjsDType);
    });
  }

  override unary(op: UnaryOp, x: NDArray): NDArray {
    const run = x.dtype === "int32" ? integerUnary[op] : floatUnary[op];
    if (run === undefined || (this.kernels.engineName === "wasm" && periodic.has(op))) return super.unary(op, x);
    const dtype = op === "isNaN" || op === "isFinite" || op === "isInfinite" || op === "logicalNot" ? "bool" : x.dtype;
    return this.elementwise(dtype, [x], ([a]) => run(this.words, a));
  }

  override binary(op: BinaryOp, a: NDArray, b: NDArray): NDArray {
    const compare = comparisons[op];
    const dtype = compare !== undefined || logical[op] !== undefined ? "bool" : a.dtype;
    if (a.dtype === "bool") return this.binaryOfBool(op, a, b, dtype);
    const run = compare ?? (a.dtype === "int32" ? integerBinary[op] : floatBinary[op]);
    if (run === undefined) return super.binary(op, a, b);
    return this.elementwise(dtype, [a, b], ([x, y]) => run(this.words, x, y));
  }

  override binaryScalar(op: BinaryOp, a: NDArray, scalar: number, reversed: boolean): NDArray {
    if (op === "pow" && a.dtype === "float32" && !reversed && Number.isFinite(scalar))
      return this.elementwise("float32", [a], ([x]) => finitePower(this.words, x, scalar));
    const other = this.full([], scalar, a.dtype);
    return reversed ? this.binary(op, other, a) : this.binary(op, a, other);
  }

  override clip(x: NDArray, low: number, high: number): NDArray {
    const { words: w } = this;
    return this.elementwise(x.dtype, [x], ([a]) => {
      const above = low === Number.NEGATIVE_INFINITY ? a : w.maximum(a, low);
      return high === Number.POSITIVE_INFINITY ? above : w.minimum(above, high);
    });
  }

  override where(condition: NDArray, a: NDArray, b: NDArray): NDArray {
    const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
    const whole = [condition, a, b].map((x) => broadcast(x, shape));
    return this.elementwise(a.dtype, whole, ([c, t, e]) => this.words.select(c, t, e), true);
  }

  override reduce(op: ReduceOp, x: NDArray, axes: readonly number[]): NDArray {
    const shape = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    const order = orderOf(x);
    if (order === undefined) return this.primitive(x.dtype, shape, () => this.reduced(op, this.views.dense(x), axes));
    const places = inverse(order);
    const moved = axes.map((axis) => places[axis]).sort((i, j) => i - j);
    const info = this.primitiveInfo(() => this.reduced(op, this.views.dense(permuted(x, order)), moved));
    return this.adopted(info, x.dtype, shape, stridesIn(shape, order));
  }

  private reduced(op: ReduceOp, x: Info, axes: readonly number[]): Info {
    const { words: w } = this;
    if (x.dtype !== "bool" || op === "all" || op === "any") return reduce(w, op, x, axes);
    // The maximum of bools is whether any holds.
    if (op === "max" || op === "min") return reduce(w, op === "max" ? "any" : "all", x, axes);
    return w.notEqual(reduce(w, op, w.cast(x, "int32"), axes), 0);
  }

  override argReduce(op: "argmax" | "argmin", x: NDArray, axis: number): NDArray {
    const shape = x.shape.map((extent, i) => (i === axis ? 1 : extent));
    if (sizeOf(shape) === 0) return this.full(shape, 0, "int32");
    return this.primitive("int32", shape, () => {
      const dense = this.views.dense(x);
      return argReduce(this.words, op, dense.dtype === "bool" ? this.words.cast(dense, "float32") : dense, axis);
    });
  }

  override scan(op: ScanOp, x: NDArray, axis: number, exclusive: boolean, reverse: boolean): NDArray {
    if (sizeOf(x.shape) === 0 || x.dtype === "bool") return super.scan(op, x, axis, exclusive, reverse);
    return this.primitive(x.dtype, x.shape, () => scan(this.words, op, this.views.dense(x), axis, exclusive, reverse));
  }

  override matmul(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray {
    if (a.dtype !== "float32") return super.matmul(a, b, transposeA, transposeB);
    const rows = a.shape[a.shape.length - (transposeA ? 1 : 2)];
    const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)];
    const shape = [...a.shape.slice(0, -2), rows, columns];
    return this.primitive("float32", shape, () => product(this.words, this.views, a, b, transposeA, transposeB));
  }

  override convolve(x: NDArray, weight: NDArray, sliding: Sliding): NDArray {
    return this.channelsFirst(() => this.convolutions.forward(x, weight, sliding));
  }

  override convolveInputAdjoint(ct: NDArray, weight: NDArray, sliding: Sliding, spatial: readonly number[]): NDArray {
    return this.channelsFirst(() => this.convolutions.inputAdjoint(ct, weight, sliding, spatial));
  }

  override convolveWeightAdjoint(x: NDArray, ct: NDArray, sliding: Sliding, kernel: readonly number[]): NDArray {
    // [I, …kernel, O] as [O, I, …kernel].
    const info = this.primitiveInfo(() => this.convolutions.weightAdjoint(x, ct, sliding, kernel));
    const last = info.shape.length - 1;
    const order = [1, ...Array.from({ length: last - 1 }, (_, i) => i + 2), 0];
    const shape = [info.shape[last], ...info.shape.slice(0, -1)];
    return this.adopted(info, "float32", shape, stridesIn(shape, order));
  }

  override windowArgmax(x: NDArray, windows: readonly WindowAxis[]): NDArray {
    if (x.dtype !== "float32" || sizeOf(x.shape) === 0) return super.windowArgmax(x, windows);
    const rank = x.shape.length;
    const order = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
    return this.channelsFirst(() => windowArgmax(this.words, this.views.dense(permuted(x, order)), windows));
  }

  override fourier(real: NDArray, imag: NDArray, sign: 1 | -1): { real: NDArray; imag: NDArray } {
    const length = real.shape[real.shape.length - 1];
    if (sizeOf(real.shape) === 0 || length > longestFourier) return super.fourier(real, imag, sign);
    const [re, im] = this.primitiveInfos(() =>
      fourier(this.words, this.views.dense(real), this.views.dense(imag), sign),
    );
    return { real: this.adopted(re, "float32", real.shape), imag: this.adopted(im, "float32", real.shape) };
  }

  override concatenate(xs: readonly NDArray[], axis: number): NDArray {
    const extent = xs.reduce((sum, x) => sum + x.shape[axis], 0);
    const shape = xs[0].shape.map((own, i) => (i === axis ? extent : own));
    const filled = xs.filter((x) => sizeOf(x.shape) > 0);
    if (filled.length === 0) return this.full(shape, 0, xs[0].dtype);
    return this.primitive(xs[0].dtype, shape, () =>
      this.words.concat(
        filled.map((x) => this.views.dense(x)),
        axis,
      ),
    );
  }

  override pad(x: NDArray, widths: readonly (readonly [number, number])[], value: number): NDArray {
    const shape = x.shape.map((extent, axis) => extent + widths[axis][0] + widths[axis][1]);
    if (sizeOf(x.shape) === 0) return this.full(shape, value, x.dtype);
    return this.restored(x.dtype, shape, () => {
      const dense = this.views.dense(x);
      return this.words.pad(x.dtype === "bool" ? this.words.cast(dense, "int32") : dense, widths, value);
    });
  }

  override gather(x: NDArray, indices: NDArray, axis: number): NDArray {
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return this.restored(x.dtype, shape, () => this.indexing.gather(x, indices, axis));
  }

  override gatherAdjoint(source: NDArray, indices: NDArray, axis: number, size: number): NDArray {
    const shape = [...source.shape.slice(0, axis), size, ...source.shape.slice(axis + indices.shape.length)];
    return this.primitive(source.dtype, shape, () => this.indexing.gatherAdjoint(source, indices, axis, size));
  }

  override takeAlongAxis(x: NDArray, indices: NDArray, axis: number): NDArray {
    // In the order in which the indices lie.
    const order = orderOf(indices);
    if (order === undefined)
      return this.restored(x.dtype, indices.shape, () => this.indexing.takeAlongAxis(x, indices, axis));
    const along = order.indexOf(axis);
    const shape = order.map((i) => indices.shape[i]);
    const taken = this.restored(x.dtype, shape, () =>
      this.indexing.takeAlongAxis(permuted(x, order), permuted(indices, order), along),
    );
    return permuted(taken, inverse(order));
  }

  override scatterAdd(x: NDArray, indices: NDArray, source: NDArray, axis: number): NDArray {
    if (x.dtype === "bool") return super.scatterAdd(x, indices, source, axis);
    const order = orderOf(indices);
    if (order === undefined)
      return this.primitive(x.dtype, x.shape, () => this.indexing.scatterAdd(x, indices, source, axis));
    const shape = order.map((i) => x.shape[i]);
    const along = order.indexOf(axis);
    const added = this.primitive(x.dtype, shape, () =>
      this.indexing.scatterAdd(permuted(x, order), permuted(indices, order), permuted(source, order), along),
    );
    return permuted(added, inverse(order));
  }

  override sliceUpdate(x: NDArray, starts: readonly number[], steps: readonly number[], value: NDArray): NDArray {
    return this.restored(x.dtype, x.shape, () => this.indexing.sliceUpdate(x, starts, steps, value));
  }

  override softmax(x: NDArray): NDArray {
    return this.rowwise(x, (a) => normalise.softmax(this.words, a));
  }

  override logSoftmax(x: NDArray): NDArray {
    return this.rowwise(x, (a) => normalise.logSoftmax(this.words, a));
  }

  override softmaxAdjoint(y: NDArray, ct: NDArray): NDArray {
    return this.rowwise(y, (a) => normalise.softmaxAdjoint(this.words, a, this.views.dense(ct)));
  }

  override rmsNorm(x: NDArray, weight: NDArray | undefined, epsilon: number, offset: number): NDArray {
    return this.rowwise(x, (a) => {
      const scale = weight === undefined ? undefined : this.views.dense(weight);
      return normalise.rmsNorm(this.words, a, scale, epsilon, offset);
    });
  }

  override rmsNormAdjoint(
    x: NDArray,
    weight: NDArray | undefined,
    epsilon: number,
    offset: number,
    ct: NDArray,
  ): { x: NDArray; weight: NDArray | undefined } {
    if (sizeOf(x.shape) === 0) return super.rmsNormAdjoint(x, weight, epsilon, offset, ct);
    const [ofX, ofWeight] = this.primitiveInfos(() => {
      const scale = weight === undefined ? undefined : this.views.dense(weight);
      return normalise.rmsNormAdjoint(this.words, this.views.dense(x), scale, epsilon, offset, this.views.dense(ct));
    });
    return {
      x: this.adopted(ofX, x.dtype, x.shape),
      weight: weight === undefined ? undefined : this.adopted(ofWeight, weight.dtype, weight.shape),
    };
  }

  override rotary(x: NDArray, cos: NDArray, sin: NDArray, sign: 1 | -1): NDArray {
    return this.rowwise(x, (a) => normalise.rotary(this.words, a, this.views.dense(cos), this.views.dense(sin), sign));
  }

  release(storage: Storage): void {
    this.ledger.release(storage as TfjsStorage);
  }

  close(): void {
    this.kernels.forget();
    this.ledger.stats();
  }

  memoryStats(): MemoryStats {
    return this.ledger.stats();
  }

  /** @internal Takes over one reference to data of the engine. */
  adopted(info: Info, dtype: DType, shape: readonly number[], strides: readonly number[] = rowMajor(shape)): NDArray {
    return { storage: this.ledger.adopt(info, sizeOf(shape)), dtype, shape, strides, offset: 0 };
  }

  /** @internal Runs a composition; the caller owns a reference to the data of its result. */
  primitiveInfo(body: () => Info): Info {
    this.ledger.begin();
    return this.kernels.compose(body);
  }

  /** @internal The elements of x as dense data of which the caller owns a reference. */
  exported(x: NDArray): Info {
    return this.primitiveInfo(() => this.views.dense(x));
  }

  private primitiveInfos(body: () => Info[]): Info[] {
    this.ledger.begin();
    return this.kernels.compose(body);
  }

  private primitive(dtype: DType, shape: readonly number[], body: () => Info): NDArray {
    return this.adopted(this.primitiveInfo(body), dtype, shape);
  }

  /** A primitive whose composition gives bool as int32. */
  private restored(dtype: DType, shape: readonly number[], body: () => Info): NDArray {
    return this.primitive(dtype, shape, () => {
      const result = body();
      return dtype === "bool" && result.dtype !== "bool" ? this.words.notEqual(result, 0) : result;
    });
  }

  /** Along the last axis of float32 rows. */
  private rowwise(x: NDArray, body: (x: Info) => Info): NDArray {
    if (sizeOf(x.shape) === 0) return this.full(x.shape, 0, x.dtype);
    return this.primitive(x.dtype, x.shape, () => body(this.views.dense(x)));
  }

  /** A result [N, …spatial, C], seen as [N, C, …spatial]. */
  private channelsFirst(body: () => Info): NDArray {
    const info = this.primitiveInfo(body);
    const last = info.shape.length - 1;
    const shape = [info.shape[0], info.shape[last], ...info.shape.slice(1, -1)];
    const order = [0, ...Array.from({ length: last - 1 }, (_, i) => i + 2), 1];
    return this.adopted(info, info.dtype, shape, stridesIn(shape, order));
  }

  private binaryOfBool(op: BinaryOp, a: NDArray, b: NDArray, dtype: DType): NDArray {
    const { words: w } = this;
    const ofFlags = logical[op];
    if (ofFlags !== undefined) return this.elementwise("bool", [a, b], ([x, y]) => ofFlags(w, x, y));
    if (op === "maximum" || op === "minimum")
      return this.elementwise("bool", [a, b], ([x, y]) => (op === "maximum" ? w.or(x, y) : w.and(x, y)));
    const compare = comparisons[op];
    if (compare === undefined) return super.binary(op, a, b);
    return this.elementwise(dtype, [a, b], ([x, y]) => compare(w, w.cast(x, "int32"), w.cast(y, "int32")));
  }

  /** Runs in the order in which the first operand of the result's shape lies; the result lies the same way. */
  private elementwise(
    dtype: DType,
    operands: readonly NDArray[],
    body: (operands: Info[]) => Info,
    whole = false,
  ): NDArray {
    const shape = operands.map((x) => x.shape).reduce(broadcastShape);
    if (sizeOf(shape) === 0) return this.full(shape, 0, dtype);
    const lead = operands.find((x) => sameShape(x.shape, shape) && orderOf(x) !== undefined);
    const order = lead === undefined ? undefined : orderOf(lead);
    const read = (x: NDArray): Info => (whole ? this.views.dense(x) : this.views.unbroadcast(x));
    const info = this.primitiveInfo(() => {
      const result = body(
        operands.map((x) => read(order === undefined ? x : permuted(aligned(x, shape.length), order))),
      );
      const wanted = order === undefined ? shape : order.map((axis) => shape[axis]);
      if (sameShape(result.shape, wanted)) return result;
      // Every operand repeated itself along some axis.
      const lead = wanted.slice(result.shape.length).map(() => 1);
      return this.words.stretch(reshaped(result, [...lead, ...result.shape]), wanted);
    });
    return this.adopted(info, dtype, shape, order === undefined ? rowMajor(shape) : stridesIn(shape, order));
  }

  private requireHeld(operation: string, dtype: DType): void {
    if (!held.has(dtype))
      throw new DTypeError(`${operation}: ${this.name} holds float32, int32 and bool, not ${dtype}.`, {
        hint: 'Cast first (x.cast("float32")), or use the eager or lazy backend.',
      });
  }
}

/** A host copy in the element type of the dtype; some engines hand out the array that they keep. */
function hostCopy(data: ArrayBufferView, dtype: DType): TypedArray {
  const values = data as Float32Array;
  if (dtype === "float32") return Float32Array.from(values);
  return dtype === "int32" ? Int32Array.from(values) : Uint8Array.from(values);
}

/** x seen with a larger shape. */
function broadcast(x: NDArray, shape: readonly number[]): NDArray {
  if (sameShape(x.shape, shape)) return x;
  const own = aligned(x, shape.length);
  const strides = shape.map((extent, axis) => (own.shape[axis] === extent ? own.strides[axis] : 0));
  return { ...own, shape, strides };
}

/** x with leading axes of extent 1 up to a rank. */
function aligned(x: NDArray, rank: number): NDArray {
  const lead: number[] = new Array(rank - x.shape.length).fill(1);
  return lead.length === 0 ? x : { ...x, shape: [...lead, ...x.shape], strides: [...lead.map(() => 0), ...x.strides] };
}
