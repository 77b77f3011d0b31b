/** The eager backend: each primitive runs at once, in a generated kernel where there is one and in JavaScript elsewhere. */
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
import { DTypeError } from "../../errors.ts";
import { elementBytes, isContiguous, isHalf, newElements, sizeOf } from "./arrays.ts";
import { ConvolutionKernels } from "./convolution/index.ts";
import { Engine, type EngineOptions, localBytes } from "./engine.ts";
import {
  AlongKernels,
  CopyKernels,
  ElementwiseKernels,
  MatmulKernels,
  NormaliseKernels,
  RandomKernels,
  ReductionKernels,
  StoredKernels,
  WindowKernels,
} from "./kernels/index.ts";
import { Memories, mostMemories } from "./memories.ts";
import type { Handle } from "./memory/index.ts";
import * as plain from "./plain/index.ts";
import { copyStrided } from "./plain/strided.ts";

export class EagerBackend implements Backend {
  readonly name = "eager";
  readonly readsStored = true;
  /** @internal Memory, which the lazy backend shares. */
  readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly along: AlongKernels;
  private readonly elementwise: ElementwiseKernels;
  private readonly products: MatmulKernels;
  private readonly stored: StoredKernels;
  private readonly reductions: ReductionKernels;
  private readonly convolutions: ConvolutionKernels;
  private readonly normalise: NormaliseKernels;
  private readonly windows: WindowKernels;
  private readonly random: RandomKernels;
  private readonly memories: Memories;

  constructor(options?: EngineOptions) {
    const most = options?.memories ?? (options?.limit === undefined ? mostMemories : 1);
    this.memories = new Memories(this, most, () => new EagerBackend({ ...options, memories: 1 }));
    this.engine = new Engine(options);
    this.copies = new CopyKernels(this.engine);
    this.along = new AlongKernels(this.engine, this.copies);
    this.elementwise = new ElementwiseKernels(this.engine, this.copies);
    this.products = new MatmulKernels(this.engine);
    this.stored = new StoredKernels(this.engine, this.products);
    this.reductions = new ReductionKernels(this.engine, this.copies);
    this.convolutions = new ConvolutionKernels(this.engine, this.copies);
    this.normalise = new NormaliseKernels(this.engine, this.copies);
    this.windows = new WindowKernels(this.engine, this.copies);
    this.random = new RandomKernels(this.engine);
  }

  fromHost(data: TypedArray, dtype: DType, shape: readonly number[]): NDArray {
    if (this.memories.spreadFor(data.byteLength)) return this.fromHost(data, dtype, shape);
    this.engine.begin();
    if (isQuantised(dtype)) {
      const rows = this.engine.createQuantised(dtype, shape);
      this.engine.quantisedBytes(rows).set(data);
      return rows;
    }
    const out = this.engine.create(dtype, shape);
    this.engine.window(out).set(data);
    return out;
  }

  readSync(x: NDArray): TypedArray {
    this.engine.begin(x);
    if (isQuantised(x.dtype)) return this.engine.quantisedBytes(x).slice();
    const size = sizeOf(x.shape);
    const elements = this.engine.elements(x);
    const base = this.engine.base(x);
    if (isContiguous(x)) return elements.slice(base, base + size);
    const out = newElements(x.dtype, size);
    copyStrided(elements, base, x.shape, x.strides, out, 0);
    return out;
  }

  async read(x: NDArray): Promise<TypedArray> {
    return this.readSync(x);
  }

  full(shape: readonly number[], value: number, dtype: DType): NDArray {
    if (this.memories.spreadFor(sizeOf(shape) * elementBytes[dtype])) return this.full(shape, value, dtype);
    return plain.full(this.engine, shape, value, dtype);
  }

  arange(start: number, step: number, count: number, dtype: DType): NDArray {
    return plain.arange(this.engine, start, step, count, dtype);
  }

  contiguous(x: NDArray): NDArray {
    return this.copies.contiguous(x);
  }

  cast(x: NDArray, dtype: DType): NDArray {
    if (isQuantised(x.dtype)) {
      const decoded = this.stored.decode(x) as NDArray;
      return dtype === "float32" ? decoded : this.cast(decoded, dtype);
    }
    if (isQuantised(dtype)) {
      const columns = x.shape[x.shape.length - 1];
      const bytes = plain.quantise(this.readSync(this.cast(x, "float32")), dtype, sizeOf(x.shape) / columns, columns);
      return this.fromHost(bytes, dtype, x.shape);
    }
    if (isHalf(x.dtype) && dtype === "float32") {
      const decoded = this.stored.decode(x);
      if (decoded !== undefined) return decoded;
    }
    return plain.cast(this.engine, x, dtype);
  }

  unary(op: UnaryOp, x: NDArray): NDArray {
    if (this.elementwise.hasUnary(op, x) && !isSmall(x)) return this.elementwise.unary(op, x);
    return plain.unary(this.engine, op, x);
  }

  binary(op: BinaryOp, a: NDArray, b: NDArray): NDArray {
    if (this.elementwise.hasBinary(op, a) && !(isSmall(a) && isSmall(b))) return this.elementwise.binary(op, a, b);
    return plain.binary(this.engine, op, a, b);
  }

  binaryScalar(op: BinaryOp, a: NDArray, scalar: number, reversed: boolean): NDArray {
    if (this.elementwise.hasBinary(op, a) && !isSmall(a)) return this.elementwise.binaryScalar(op, a, scalar, reversed);
    return plain.binaryScalar(this.engine, op, a, scalar, reversed);
  }

  clip(x: NDArray, low: number, high: number): NDArray {
    if (x.dtype === "float32" && !isSmall(x)) return this.elementwise.clip(x, low, high);
    return plain.clip(this.engine, x, low, high);
  }

  where(condition: NDArray, a: NDArray, b: NDArray): NDArray {
    if (a.dtype === "float32" && condition.dtype === "bool") return this.elementwise.where(condition, a, b);
    return plain.where(this.engine, condition, a, b);
  }

  reduce(op: ReduceOp, x: NDArray, axes: readonly number[]): NDArray {
    const kernel = op === "sum" || op === "max" || op === "min" ? op : undefined;
    if (kernel !== undefined && this.reductions.serves(x) && !isSmall(x))
      return this.reductions.reduce(kernel, x, axes);
    return plain.reduce(this.engine, op, x, axes);
  }

  argReduce(op: "argmax" | "argmin", x: NDArray, axis: number): NDArray {
    return plain.argReduce(this.engine, op, x, axis);
  }

  scan(op: ScanOp, x: NDArray, axis: number, exclusive: boolean, reverse: boolean): NDArray {
    return plain.scan(this.engine, op, x, axis, exclusive, reverse);
  }

  argsort(x: NDArray, axis: number, descending: boolean): NDArray {
    return plain.argsort(this.engine, x, axis, descending);
  }

  matmul(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray {
    if (isQuantised(b.dtype) || isHalf(b.dtype)) return this.storedProduct(a, b, transposeA, transposeB);
    if (a.dtype === "float32" || a.dtype === "float64") return this.products.run(a, b, transposeA, transposeB);
    return plain.matmul(this.engine, a, b, transposeA, transposeB);
  }

  convolve(x: NDArray, weight: NDArray, sliding: Sliding): NDArray {
    return this.convolutions.forward(x, weight, sliding);
  }

  convolveInputAdjoint(ct: NDArray, weight: NDArray, sliding: Sliding, spatial: readonly number[]): NDArray {
    return this.convolutions.inputAdjoint(ct, weight, sliding, spatial);
  }

  convolveWeightAdjoint(x: NDArray, ct: NDArray, sliding: Sliding, kernel: readonly number[]): NDArray {
    return this.convolutions.weightAdjoint(x, ct, sliding, kernel);
  }

  windowArgmax(x: NDArray, windows: readonly WindowAxis[]): NDArray {
    if (this.windows.serves(x)) return this.windows.argmax(x, windows);
    return plain.windowArgmax(this.engine, x, windows);
  }

  /** A product with weights that are read as they are stored; in the dtype of the left operand. */
  private storedProduct(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray {
    const left = a.dtype === "float32" ? a : this.cast(a, "float32");
    let product = this.stored.matmul(left, b, transposeA, transposeB);
    if (product === undefined) {
      const right = this.widened(b);
      product = this.products.run(left, right, transposeA, transposeB);
      this.engine.discard(right, b);
    }
    this.engine.discard(left, a);
    if (a.dtype === "float32") return product;
    const result = this.cast(product, a.dtype);
    this.engine.discard(product, result);
    return result;
  }

  /** A stored operand in float32, with the strides of its leading axes (0 where one matrix serves all). */
  private widened(b: NDArray): NDArray {
    const lead = b.strides.slice(0, -2);
    if (!isQuantised(b.dtype)) return this.cast(b, "float32");
    if (lead.some((stride) => stride !== 0))
      throw new DTypeError(`matmul: a ${b.dtype} operand must be one matrix, but has shape [${b.shape.join(", ")}].`);
    const [rows, columns] = b.strides.slice(-2);
    const matrix = { ...b, shape: b.shape.slice(-2), strides: b.strides.slice(-2) };
    const turned = rows === 1 && columns !== 1;
    const own = this.cast(turned ? plain.swapLast(matrix) : matrix, "float32");
    const strides = [...lead, ...(turned ? plain.swapLast(own) : own).strides];
    return { ...own, shape: b.shape, strides };
  }

  cholesky(a: NDArray): NDArray {
    return plain.cholesky(this.engine, a);
  }

  qr(a: NDArray, complete: boolean): { q: NDArray; r: NDArray } {
    return plain.qr(this.engine, a, complete);
  }

  svd(a: NDArray): { u: NDArray; s: NDArray; vh: NDArray } {
    return plain.svd(this.engine, a);
  }

  eigh(a: NDArray): { values: NDArray; vectors: NDArray } {
    return plain.eigh(this.engine, a);
  }

  solve(a: NDArray, b: NDArray): NDArray {
    return plain.solve(this.engine, a, b);
  }

  triangularSolve(a: NDArray, b: NDArray, upper: boolean, transpose: boolean, unitDiagonal: boolean): NDArray {
    return plain.triangularSolve(this.engine, a, b, upper, transpose, unitDiagonal);
  }

  determinant(a: NDArray): { value: NDArray; sign: NDArray; logAbs: NDArray } {
    return plain.determinant(this.engine, a);
  }

  fourier(real: NDArray, imag: NDArray, sign: 1 | -1): { real: NDArray; imag: NDArray } {
    return plain.fourier(this.engine, real, imag, sign);
  }

  concatenate(xs: readonly NDArray[], axis: number): NDArray {
    return this.copies.concatenate(xs, axis);
  }

  pad(x: NDArray, widths: readonly (readonly [number, number])[], value: number): NDArray {
    return this.copies.pad(x, widths, value);
  }

  gather(x: NDArray, indices: NDArray, axis: number): NDArray {
    if (isQuantised(x.dtype)) return this.stored.gather(x, indices, axis);
    return this.copies.gather(x, indices, axis);
  }

  gatherAdjoint(source: NDArray, indices: NDArray, axis: number, size: number): NDArray {
    return plain.gatherAdjoint(this.engine, source, indices, axis, size);
  }

  takeAlongAxis(x: NDArray, indices: NDArray, axis: number): NDArray {
    return this.along.takeAlongAxis(x, indices, axis);
  }

  scatterAdd(x: NDArray, indices: NDArray, source: NDArray, axis: number): NDArray {
    return this.along.scatterAdd(x, indices, source, axis);
  }

  sliceUpdate(x: NDArray, starts: readonly number[], steps: readonly number[], value: NDArray): NDArray {
    return plain.sliceUpdate(this.engine, x, starts, steps, value);
  }

  nonzero(x: NDArray): NDArray {
    return plain.nonzero(this.engine, x);
  }

  softmax(x: NDArray): NDArray {
    if (this.normalise.serves(x)) return this.normalise.softmax(x, false);
    return plain.softmax(this.engine, x);
  }

  logSoftmax(x: NDArray): NDArray {
    if (this.normalise.serves(x)) return this.normalise.softmax(x, true);
    return plain.logSoftmax(this.engine, x);
  }

  softmaxAdjoint(y: NDArray, ct: NDArray): NDArray {
    if (this.normalise.serves(y)) return this.normalise.softmaxAdjoint(y, ct);
    return plain.softmaxAdjoint(this.engine, y, ct);
  }

  rmsNorm(x: NDArray, weight: NDArray | undefined, epsilon: number, offset: number): NDArray {
    if (this.normalise.serves(x)) return this.normalise.rmsNorm(x, weight, epsilon, offset);
    return plain.rmsNorm(this.engine, x, weight, epsilon, offset);
  }

  rmsNormAdjoint(
    x: NDArray,
    weight: NDArray | undefined,
    epsilon: number,
    offset: number,
    ct: NDArray,
  ): { x: NDArray; weight: NDArray | undefined } {
    if (this.normalise.serves(x)) return this.normalise.rmsNormAdjoint(x, weight, epsilon, offset, ct);
    return plain.rmsNormAdjoint(this.engine, x, weight, epsilon, offset, ct);
  }

  rotary(x: NDArray, cos: NDArray, sin: NDArray, sign: 1 | -1): NDArray {
    if (this.normalise.servesRotary(x)) return this.normalise.rotary(x, cos, sin, sign);
    return plain.rotary(this.engine, x, cos, sin, sign);
  }

  randomBits(k0: number, k1: number, count: number): NDArray {
    if (this.memories.spreadFor(4 * count)) return this.randomBits(k0, k1, count);
    return this.random.bits(k0, k1, count);
  }

  release(storage: Storage): void {
    const handle = storage as Handle;
    if (!handle.isRecorded) this.memories.of(handle).engine.arena.release(handle);
  }

  /**
   * @internal The operand in this backend's first memory, where the lazy backend's kernels run: itself, or a copy to
   * `discard` afterwards.
   */
  brought(x: NDArray): NDArray {
    return this.memories.brought(x, this);
  }

  /** Ends the worker threads; arrays stay readable, and the next large operation starts new ones. */
  close(): Promise<unknown> {
    return Promise.all(this.memories.banks.map(({ engine }) => engine.pool.close()));
  }

  memoryStats(): MemoryStats {
    return this.memories.stats();
  }
}

/** Small arrays live outside the arena, and plain loops are through with them before a kernel has its operands. */
const isSmall = (x: NDArray): boolean => x.storage.byteLength <= localBytes && sizeOf(x.shape) <= localBytes;
