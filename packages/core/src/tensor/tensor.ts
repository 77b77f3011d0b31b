/**
 * The tensor: an immutable value of a shape, a dtype and a device. This file is the table of its methods; what each one
 * does stands in ../operations, its derivative in ../derivatives.
 */
import type { PointwiseLeaf, StorageLeaf, VectorLeaf } from "@pullback/autodiff";
import { pointwise, release, vector } from "@pullback/autodiff";
import type { Backend, NDArray } from "../backend/index.ts";
import type { DType, TypedArray } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import * as activation from "../operations/activation.ts";
import * as bands from "../operations/bands.ts";
import * as binary from "../operations/binary.ts";
import * as casting from "../operations/cast.ts";
import * as gathering from "../operations/gathering.ts";
import * as joining from "../operations/joining.ts";
import * as layout from "../operations/layout.ts";
import * as products from "../operations/matmul.ts";
import type { Operand } from "../operations/operand.ts";
import * as padding from "../operations/padding.ts";
import * as reduction from "../operations/reduction.ts";
import * as scan from "../operations/scan.ts";
import * as slicing from "../operations/slicing.ts";
import * as normalized from "../operations/softmax.ts";
import * as sorting from "../operations/sorting.ts";
import * as statistics from "../operations/statistics.ts";
import * as unary from "../operations/unary.ts";
import type { Axes, Shape } from "../shape.ts";
import { formatShape, sizeOf } from "../shape.ts";
import { tensorPointwise, tensorStorage, tensorVector } from "./leaf.ts";
import type { NestedArray } from "./nested.ts";
import { nest } from "./nested.ts";
import { formatTensor } from "./print.ts";

/** The name of a backend. */
export type Device = string;

/**
 * An immutable n-dimensional array. Made by `tensor`, `zeros`, `randn` …; nothing can change what it holds, and views
 * (slices, transposes, reshapes) share its memory. Broadcasting, promotion and axes follow NumPy and PyTorch: binary
 * operations throw ShapeError when shapes do not broadcast, anything with an axis AxisError when there is none such.
 */
export class Tensor {
  /** @internal The strided view of the backend's memory. */
  readonly array: NDArray;
  /** @internal The backend that holds it and runs its operations. */
  readonly backend: Backend;

  /** @internal Use `tensor(data)`. */
  constructor(array: NDArray, backend: Backend) {
    this.array = array;
    this.backend = backend;
  }

  get shape(): Shape {
    return this.array.shape;
  }

  /** Number of axes. */
  get rank(): number {
    return this.array.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.array.shape);
  }

  get dtype(): DType {
    return this.array.dtype;
  }

  get device(): Device {
    return this.backend.name;
  }

  /** Vector space operations, by which derivatives and optimizers know tensors. */
  get [vector](): VectorLeaf<Tensor> {
    return tensorVector;
  }

  /** Elementwise operations, for optimizers. */
  get [pointwise](): PointwiseLeaf<Tensor> {
    return tensorPointwise;
  }

  /** Who holds the storage, by which derivatives free what they no longer need. */
  get [release](): StorageLeaf<Tensor> {
    return tensorStorage;
  }

  // Reading

  /** The only element, bool as 0 or 1. @throws ShapeError unless there is exactly one. */
  item(): number {
    if (this.size !== 1)
      throw new ShapeError(`item: a tensor of shape ${formatShape(this.shape)} has ${this.size} elements, not one.`);
    return this.readable().dataSync()[0]!;
  }

  /** The elements as nested arrays (a bare element for rank 0); bool as booleans. */
  toArray(): NestedArray {
    const elements = this.readable().dataSync();
    return this.dtype === "bool" ? nest(this.shape, (i) => elements[i] !== 0) : nest(this.shape, (i) => elements[i]!);
  }

  /** A copy of the elements in row-major order; float16 and bfloat16 as bit patterns, bool as bytes 0 and 1. */
  dataSync(): TypedArray {
    return this.backend.readSync(this.array);
  }

  /** As `dataSync`, without blocking where the engine computes elsewhere. */
  data(): Promise<TypedArray> {
    return this.backend.read(this.array);
  }

  toString(): string {
    return formatTensor(this.dtype, this.shape, this.readable().dataSync());
  }

  /** What Node's console prints. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** This tensor in a dtype whose elements read as numbers. */
  private readable(): Tensor {
    return this.dtype === "float16" || this.dtype === "bfloat16" ? this.cast("float32") : this;
  }

  // dtype and device

  /** To integers truncates toward zero, to bool is `!= 0`. Differentiable between floating dtypes. */
  cast(dtype: DType): Tensor {
    return casting.cast(this, dtype);
  }

  /** This tensor on another device. @throws BackendError when there is no such backend. */
  to(device: Device): Tensor {
    return casting.to(this, device);
  }

  /** Ends a recorded graph here on backends that record one, and runs it; elsewhere nothing. */
  barrier(): Tensor {
    this.backend.barrier?.();
    return this;
  }

  // Elementwise, one operand

  /** |x|; derivative 0 at 0. */
  abs(): Tensor {
    return unary.abs(this);
  }

  /** -x. */
  neg(): Tensor {
    return unary.neg(this);
  }

  /** x². */
  square(): Tensor {
    return unary.square(this);
  }

  /** 1 / x. */
  reciprocal(): Tensor {
    return unary.reciprocal(this);
  }

  /** √x; derivative Infinity at 0. */
  sqrt(): Tensor {
    return unary.sqrt(this);
  }

  /** 1 / √x. */
  rsqrt(): Tensor {
    return unary.rsqrt(this);
  }

  exp(): Tensor {
    return unary.exp(this);
  }

  /** 2^x. */
  exp2(): Tensor {
    return unary.exp2(this);
  }

  /** 10^x. */
  exp10(): Tensor {
    return unary.exp10(this);
  }

  /** exp(x) - 1, accurate near 0. */
  expm1(): Tensor {
    return unary.expm1(this);
  }

  /** Natural logarithm. */
  log(): Tensor {
    return unary.log(this);
  }

  log2(): Tensor {
    return unary.log2(this);
  }

  log10(): Tensor {
    return unary.log10(this);
  }

  /** log(1 + x), accurate near 0. */
  log1p(): Tensor {
    return unary.log1p(this);
  }

  sin(): Tensor {
    return unary.sin(this);
  }

  cos(): Tensor {
    return unary.cos(this);
  }

  tan(): Tensor {
    return unary.tan(this);
  }

  asin(): Tensor {
    return unary.asin(this);
  }

  acos(): Tensor {
    return unary.acos(this);
  }

  atan(): Tensor {
    return unary.atan(this);
  }

  sinh(): Tensor {
    return unary.sinh(this);
  }

  cosh(): Tensor {
    return unary.cosh(this);
  }

  tanh(): Tensor {
    return unary.tanh(this);
  }

  asinh(): Tensor {
    return unary.asinh(this);
  }

  acosh(): Tensor {
    return unary.acosh(this);
  }

  atanh(): Tensor {
    return unary.atanh(this);
  }

  /** The error function. */
  erf(): Tensor {
    return unary.erf(this);
  }

  /** 1 - erf(x), accurate for large x. */
  erfc(): Tensor {
    return unary.erfc(this);
  }

  /** The inverse of erf. */
  erfInv(): Tensor {
    return unary.erfInv(this);
  }

  /** -1, 0 or 1; NaN stays. Derivative 0. */
  sign(): Tensor {
    return unary.sign(this);
  }

  /** Derivative 0, as for the other roundings. */
  ceil(): Tensor {
    return unary.ceil(this);
  }

  floor(): Tensor {
    return unary.floor(this);
  }

  /** To the nearest integer, half to even. */
  round(): Tensor {
    return unary.round(this);
  }

  /** Toward zero. */
  trunc(): Tensor {
    return unary.trunc(this);
  }

  /** 1 / (1 + exp(-x)). */
  sigmoid(): Tensor {
    return unary.sigmoid(this);
  }

  /** log(sigmoid(x)), without overflow. */
  logSigmoid(): Tensor {
    return unary.logSigmoid(this);
  }

  /** log(1 + exp(x)), without overflow. */
  softplus(): Tensor {
    return unary.softplus(this);
  }

  /** max(x, 0); derivative 0 at 0. */
  relu(): Tensor {
    return unary.relu(this);
  }

  /** x sigmoid(x) (Swift's swish). */
  silu(): Tensor {
    return unary.silu(this);
  }

  /** bool. */
  isNaN(): Tensor {
    return unary.nanElements(this);
  }

  /** bool. */
  isFinite(): Tensor {
    return unary.finiteElements(this);
  }

  /** bool. */
  isInfinite(): Tensor {
    return unary.infiniteElements(this);
  }

  /** bool: whether the element is 0. */
  logicalNot(): Tensor {
    return unary.logicalNot(this);
  }

  /** x / (1 + |x|). */
  softsign(): Tensor {
    return activation.softsign(this);
  }

  /** min(max(x, 0), 6); derivative 0 at the kinks. */
  relu6(): Tensor {
    return activation.relu6(this);
  }

  /** min(max(x, -1), 1); derivative 0 at the kinks. */
  hardTanh(): Tensor {
    return activation.hardTanh(this);
  }

  /** relu6(x + 3) / 6. */
  hardSigmoid(): Tensor {
    return activation.hardSigmoid(this);
  }

  /** x hardSigmoid(x). */
  hardSwish(): Tensor {
    return activation.hardSwish(this);
  }

  /** Klambauer et al. 2017. */
  selu(): Tensor {
    return activation.selu(this);
  }

  /** x tanh(softplus(x)); Misra 2019. */
  mish(): Tensor {
    return activation.mish(this);
  }

  /** x where positive, else slope x; derivative `slope` at 0. */
  leakyRelu(slope = 0.01): Tensor {
    return activation.leakyRelu(this, slope);
  }

  /** x where positive, else alpha (exp(x) - 1). */
  elu(alpha = 1): Tensor {
    return activation.elu(this, alpha);
  }

  /** x where positive, else alpha (exp(x / alpha) - 1). */
  celu(alpha = 1): Tensor {
    return activation.celu(this, alpha);
  }

  /** x Φ(x) by erf, or by tanh (Gemma, GPT-2). Hendrycks and Gimpel 2016. */
  gelu(approximate: "none" | "tanh" = "none"): Tensor {
    return activation.gelu(this, approximate);
  }

  /** cap tanh(x / cap). */
  softCap(cap: number): Tensor {
    return activation.softCap(this, cap);
  }

  /** min(max(x, low), high); derivative 1 at a bound, 0 outside. */
  clip(low?: number, high?: number): Tensor {
    return activation.clip(this, low, high);
  }

  // Elementwise, two operands

  /** this + other. */
  add(other: Operand): Tensor {
    return binary.add(this, other);
  }

  /** this - other. */
  sub(other: Operand): Tensor {
    return binary.sub(this, other);
  }

  /** this * other. */
  mul(other: Operand): Tensor {
    return binary.mul(this, other);
  }

  /** True division: integers give float32. */
  div(other: Operand): Tensor {
    return binary.div(this, other);
  }

  /** The quotient rounded toward -Infinity; integers by zero give 0. */
  floorDiv(other: Operand): Tensor {
    return binary.floorDiv(this, other);
  }

  /** The remainder with the sign of the divisor (Python's %). */
  remainder(other: Operand): Tensor {
    return binary.remainder(this, other);
  }

  /** The remainder with the sign of the dividend (C's %). */
  fmod(other: Operand): Tensor {
    return binary.fmod(this, other);
  }

  /** this ** other; 0 ** 0 is 1. */
  pow(other: Operand): Tensor {
    return binary.pow(this, other);
  }

  /** The larger; NaN wins; equal operands share the derivative. */
  maximum(other: Operand): Tensor {
    return binary.maximum(this, other);
  }

  /** The smaller; NaN wins; equal operands share the derivative. */
  minimum(other: Operand): Tensor {
    return binary.minimum(this, other);
  }

  /** The angle of (other, this), as y.atan2(x). */
  atan2(other: Operand): Tensor {
    return binary.atan2(this, other);
  }

  /** √(this² + other²) without early overflow. */
  hypot(other: Operand): Tensor {
    return binary.hypot(this, other);
  }

  /** log(exp(this) + exp(other)) without overflow. */
  logAddExp(other: Operand): Tensor {
    return binary.logAddExp(this, other);
  }

  /** (this - other)². */
  squaredDifference(other: Operand): Tensor {
    return binary.squaredDifference(this, other);
  }

  /** bool; NaN equals nothing. */
  equal(other: Operand): Tensor {
    return binary.equal(this, other);
  }

  /** bool. */
  notEqual(other: Operand): Tensor {
    return binary.notEqual(this, other);
  }

  /** bool. */
  less(other: Operand): Tensor {
    return binary.less(this, other);
  }

  /** bool. */
  lessEqual(other: Operand): Tensor {
    return binary.lessEqual(this, other);
  }

  /** bool. */
  greater(other: Operand): Tensor {
    return binary.greater(this, other);
  }

  /** bool. */
  greaterEqual(other: Operand): Tensor {
    return binary.greaterEqual(this, other);
  }

  /** bool: both are not 0. */
  logicalAnd(other: Operand): Tensor {
    return binary.logicalAnd(this, other);
  }

  /** bool: one is not 0. */
  logicalOr(other: Operand): Tensor {
    return binary.logicalOr(this, other);
  }

  /** bool: exactly one is not 0. */
  logicalXor(other: Operand): Tensor {
    return binary.logicalXor(this, other);
  }

  /** bool: |this - other| <= atol + rtol |other| (defaults 1e-8 and 1e-5). */
  isClose(other: Operand, options?: binary.Closeness): Tensor {
    return binary.isClose(this, other, options);
  }

  /** Whether `isClose` holds everywhere. */
  allClose(other: Operand, options?: binary.Closeness): boolean {
    return binary.allClose(this, other, options);
  }

  // Reductions: over all axes unless `axes` says which; `keepDims` keeps them with extent 1

  /** bool and 8-bit integers give int32. */
  sum(axes?: Axes, keepDims = false): Tensor {
    return reduction.sum(this, axes, keepDims);
  }

  /** Integers give float32; NaN over nothing. */
  mean(axes?: Axes, keepDims = false): Tensor {
    return reduction.mean(this, axes, keepDims);
  }

  /** bool and 8-bit integers give int32. */
  prod(axes?: Axes, keepDims = false): Tensor {
    return reduction.prod(this, axes, keepDims);
  }

  /** Ties share the derivative. @throws ShapeError over an empty axis. */
  max(axes?: Axes, keepDims = false): Tensor {
    return reduction.max(this, axes, keepDims);
  }

  /** Ties share the derivative. @throws ShapeError over an empty axis. */
  min(axes?: Axes, keepDims = false): Tensor {
    return reduction.min(this, axes, keepDims);
  }

  /** bool: every element is not 0. */
  all(axes?: Axes, keepDims = false): Tensor {
    return reduction.all(this, axes, keepDims);
  }

  /** bool: some element is not 0. */
  any(axes?: Axes, keepDims = false): Tensor {
    return reduction.any(this, axes, keepDims);
  }

  /** int32. */
  countNonzero(axes?: Axes, keepDims = false): Tensor {
    return reduction.countNonzero(this, axes, keepDims);
  }

  /** int32 position of the first maximum along `axis`, or in the flattened tensor; the first NaN wins. */
  argmax(axis?: number, keepDims = false): Tensor {
    return reduction.argmax(this, axis, keepDims);
  }

  /** int32 position of the first minimum along `axis`, or in the flattened tensor; the first NaN wins. */
  argmin(axis?: number, keepDims = false): Tensor {
    return reduction.argmin(this, axis, keepDims);
  }

  /** The mean squared deviation; divides by n - correction. */
  variance(axes?: Axes, keepDims = false, correction = 0): Tensor {
    return statistics.variance(this, axes, keepDims, correction);
  }

  /** The root of `variance`. */
  std(axes?: Axes, keepDims = false, correction = 0): Tensor {
    return statistics.std(this, axes, keepDims, correction);
  }

  /** Mean and variance together. */
  moments(axes?: Axes, keepDims = false): statistics.Moments {
    return statistics.moments(this, axes, keepDims);
  }

  /** log(sum(exp(x))) without overflow. */
  logSumExp(axes?: Axes, keepDims = false): Tensor {
    return statistics.logSumExp(this, axes, keepDims);
  }

  /** The vector norm of any order, Infinity included; derivative 0 at the origin. */
  norm(axes?: Axes, keepDims = false, order = 2): Tensor {
    return statistics.norm(this, axes, keepDims, order);
  }

  /** exp(x) / sum(exp(x)) along `axis`. */
  softmax(axis = -1): Tensor {
    return normalized.softmax(this, axis);
  }

  /** log(softmax(x)) along `axis`. */
  logSoftmax(axis = -1): Tensor {
    return normalized.logSoftmax(this, axis);
  }

  // Scans, sorting, searching

  /** Running sums along `axis`. */
  cumsum(axis: number, options?: scan.ScanOptions): Tensor {
    return scan.cumsum(this, axis, options);
  }

  /** Running products along `axis`. */
  cumprod(axis: number, options?: scan.ScanOptions): Tensor {
    return scan.cumprod(this, axis, options);
  }

  /** Running maxima along `axis`. */
  cummax(axis: number): Tensor {
    return scan.cummax(this, axis);
  }

  /** Running minima along `axis`. */
  cummin(axis: number): Tensor {
    return scan.cummin(this, axis);
  }

  /** log(cumsum(exp(x))) without overflow. */
  logCumSumExp(axis: number): Tensor {
    return scan.logCumSumExp(this, axis);
  }

  /** Sorted along `axis`; stable; NaN is largest. */
  sort(axis = -1, descending = false): Tensor {
    return sorting.sort(this, axis, descending);
  }

  /** int32 positions that sort along `axis`; stable; NaN is largest. */
  argsort(axis = -1, descending = false): Tensor {
    return sorting.argsort(this, axis, descending);
  }

  /** The k largest (or smallest) along `axis`, in order, with their positions. */
  topK(k: number, axis = -1, options?: sorting.TopKOptions): sorting.TopK {
    return sorting.topK(this, k, axis, options);
  }

  /** The distinct elements, ascending, where each element went, and how often each occurs. */
  unique(): sorting.Unique {
    return sorting.unique(this);
  }

  /** For this ascending vector: the first index i with this[i] >= value (> when `right`), int32. */
  searchSorted(values: Tensor, right = false): Tensor {
    return sorting.searchSorted(this, values, right);
  }

  /** int32 [count, rank]: where the elements are not 0, in row-major order. */
  nonzero(): Tensor {
    return gathering.nonzero(this);
  }

  // Shape and layout

  /** The same elements in another shape; one extent may be -1. */
  reshape(shape: Shape): Tensor {
    return layout.reshape(this, shape);
  }

  /** Merges the axes from startAxis to endAxis. */
  flatten(startAxis = 0, endAxis = -1): Tensor {
    return layout.flatten(this, startAxis, endAxis);
  }

  /** New axes of extent 1 at these positions of the result. */
  expandDims(axes: Axes): Tensor {
    return layout.expandDims(this, axes);
  }

  /** Drops axes of extent 1: these, or all of them. @throws ShapeError for another extent. */
  squeeze(axes?: Axes): Tensor {
    return layout.squeeze(this, axes);
  }

  /** Axes in another order; reversed by default. */
  transpose(axes?: readonly number[]): Tensor {
    return layout.transpose(this, axes);
  }

  swapAxes(a: number, b: number): Tensor {
    return layout.swapAxes(this, a, b);
  }

  /** Moves axes to other places; the rest keep their order. */
  moveAxis(from: Axes, to: Axes): Tensor {
    return layout.moveAxis(this, from, to);
  }

  /** Stretches extents of 1; a view. */
  broadcastTo(shape: Shape): Tensor {
    return layout.broadcastTo(this, shape);
  }

  /** Sums what `broadcastTo` stretched. */
  sumTo(shape: Shape): Tensor {
    return layout.sumTo(this, shape);
  }

  /** Repeats whole blocks: `repetitions` per axis. */
  tile(repetitions: readonly number[]): Tensor {
    return layout.tile(this, repetitions);
  }

  /** Repeats each element in turn along `axis`. */
  repeat(count: number, axis: number): Tensor {
    return layout.repeat(this, count, axis);
  }

  /** Reverses these axes, or all of them. */
  flip(axes?: Axes): Tensor {
    return layout.flip(this, axes);
  }

  /** One tensor per position of `axis`, which drops. */
  unstack(axis = 0): Tensor[] {
    return joining.unstack(this, axis);
  }

  /** A number of equal parts, or parts of the given sizes, along `axis`. */
  split(parts: number | readonly number[], axis = 0): Tensor[] {
    return joining.split(this, parts, axis);
  }

  /** Shifts elements round along axes; flattened without `axis`. */
  roll(shift: Axes, axis?: Axes): Tensor {
    return joining.roll(this, shift, axis);
  }

  /** Adds elements before and after each axis: constant, or read from the tensor. */
  pad(widths: padding.PadWidths, options?: padding.PadOptions): Tensor {
    return padding.pad(this, widths, options);
  }

  /** The diagonal of two axes, as the last axis of the result. */
  diagonal(offset = 0, axis1 = 0, axis2 = 1): Tensor {
    return bands.diagonal(this, offset, axis1, axis2);
  }

  /** Matrices, in two last axes, with the last axis on their diagonal. */
  diagEmbed(offset = 0): Tensor {
    return bands.diagEmbed(this, offset);
  }

  /** Zero above the diagonal k of the last two axes. */
  tril(k = 0): Tensor {
    return bands.tril(this, k);
  }

  /** Zero below the diagonal k of the last two axes. */
  triu(k = 0): Tensor {
    return bands.triu(this, k);
  }

  /** Zero outside a band of the last two axes; negative keeps all on that side. */
  bandPart(lower: number, upper: number): Tensor {
    return bands.bandPart(this, lower, upper);
  }

  /** Sum of the diagonal of the last two axes. */
  trace(): Tensor {
    return bands.trace(this);
  }

  /** The diagonal of the last two axes replaced. */
  withDiagonal(values: Tensor): Tensor {
    return bands.withDiagonal(this, values);
  }

  // Indexing

  /** Basic indexing, a view: numbers, [start, stop, step], undefined, "...", "newAxis". @throws IndexError */
  slice(...index: slicing.Index[]): Tensor {
    return slicing.slice(this, index);
  }

  /** A new tensor with `value`, broadcast, at the indexed region. @throws IndexError */
  with(index: readonly slicing.Index[], value: Operand): Tensor {
    return slicing.withValue(this, index, value);
  }

  /** NumPy's take: entries of `axis` at int32 indices of any shape. @throws IndexError out of range */
  gather(indices: Tensor, axis = 0): Tensor {
    return gathering.gather(this, indices, axis);
  }

  /** One entry of `axis` for each index (PyTorch's gather). @throws IndexError out of range */
  takeAlongAxis(indices: Tensor, axis: number): Tensor {
    return gathering.takeAlongAxis(this, indices, axis);
  }

  /** Adds `source` at `indices` along `axis`; repeated indices add up (PyTorch's scatter_add). */
  scatterAdd(indices: Tensor, source: Tensor, axis = 0): Tensor {
    return gathering.scatterAdd(this, indices, source, axis);
  }

  /** Adds the entries of `source` at 1-D indices of `axis`. */
  indexAdd(indices: Tensor, source: Tensor, axis = 0): Tensor {
    return gathering.indexAdd(this, indices, source, axis);
  }

  /** Entries at indices [..., k] into the k leading axes. */
  gatherND(indices: Tensor): Tensor {
    return gathering.gatherND(this, indices);
  }

  /** The entries, from `axis` on, where a bool mask holds. */
  booleanMask(mask: Tensor, axis = 0): Tensor {
    return gathering.booleanMask(this, mask, axis);
  }

  /** float32 with `on` (1) at each index and `off` (0) elsewhere along a new axis. */
  oneHot(depth: number, options?: gathering.OneHotOptions): Tensor {
    return gathering.oneHot(this, depth, options);
  }

  // Linear algebra

  /** The matrix product of the last two axes; leading axes broadcast; vectors as NumPy. @throws ShapeError */
  matmul(b: Tensor, options?: products.MatmulOptions): Tensor {
    return products.matmul(this, b, options);
  }

  /** The inner product of two vectors. */
  dot(b: Tensor): Tensor {
    return products.dot(this, b);
  }

  /** The outer product of two vectors. */
  outer(b: Tensor): Tensor {
    return products.outer(this, b);
  }
}
