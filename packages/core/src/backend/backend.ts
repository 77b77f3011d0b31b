/**
 * What a backend must do. Operations (packages/core/src/operations) check shapes and dtypes, promote, and
 * then ask the backend that holds their operands; a backend sees only valid requests.
 */
import type { NoDerivative } from "@pullback/autodiff";
import type { DType, TypedArray } from "../dtype.ts";

/** A backend's own handle on memory. Dropping the last reference is enough: nothing is ever disposed by users. */
export interface Storage extends NoDerivative<object> {
  readonly byteLength: number;
  /** Of backends that can `release`: the time of `storageClock()` when it was made. */
  readonly born?: number;
  /** How many holders generated code counts: 0 before the first, -1 when it has been freed. */
  holders?: number;
}

/**
 * A strided view of a storage. `strides` and `offset` count elements, strides may be 0 (broadcast) or negative
 * (flip); an array is contiguous when its strides are the row-major ones of its shape and nothing else.
 */
export interface NDArray extends NoDerivative<object> {
  readonly storage: Storage;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export type UnaryOp =
  | "abs"
  | "neg"
  | "square"
  | "reciprocal"
  | "sqrt"
  | "rsqrt"
  | "exp"
  | "exp2"
  | "exp10"
  | "expm1"
  | "log"
  | "log2"
  | "log10"
  | "log1p"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "tanh"
  | "asinh"
  | "acosh"
  | "atanh"
  | "erf"
  | "erfc"
  | "erfInv"
  | "sign"
  | "ceil"
  | "floor"
  | "round"
  | "trunc"
  | "sigmoid"
  | "logSigmoid"
  | "softplus"
  | "relu"
  | "geluTanh"
  | "geluTanhDerivative"
  | "silu"
  | "isNaN"
  | "isFinite"
  | "isInfinite"
  | "logicalNot";

export type BinaryOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "floorDiv"
  | "remainder"
  | "fmod"
  | "pow"
  | "maximum"
  | "minimum"
  | "atan2"
  | "hypot"
  | "logAddExp"
  | "equal"
  | "notEqual"
  | "less"
  | "lessEqual"
  | "greater"
  | "greaterEqual"
  | "logicalAnd"
  | "logicalOr"
  | "logicalXor";

export type ReduceOp = "sum" | "prod" | "max" | "min" | "all" | "any";
export type ScanOp = "cumsum" | "cumprod" | "cummax" | "cummin" | "logCumSumExp";

/** How a convolution's window slides: one entry per spatial axis. */
export interface Sliding {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Zeros before and after each axis; a negative number cuts elements off instead. */
  readonly padding: readonly (readonly [before: number, after: number])[];
  /** Input and output channels are split into this many groups, each convolved by itself. */
  readonly groups: number;
}

/** The positions that a pooling cell covers along one axis: start, start + step, …, `count` of them, all inside. */
export interface WindowAxis {
  readonly start: readonly number[];
  readonly count: readonly number[];
  readonly step: number;
}

/**
 * The primitives. Shapes in results are implied by the arguments; results are fresh and contiguous unless said
 * otherwise. View operations (reshape of a contiguous array, transpose, slice, broadcastTo) never reach the backend:
 * they are arithmetic on strides.
 */
export interface Backend extends NoDerivative<object> {
  readonly name: string;
  /** The dtypes that it holds; all of them when not given. */
  readonly dtypes?: ReadonlySet<DType>;

  /** Copies host data in. float16/bfloat16 data is given as bit patterns (Uint16Array), quantised data as bytes. */
  fromHost(data: TypedArray, dtype: DType, shape: readonly number[]): NDArray;
  /** Copies the elements out in row-major order; never a view of engine memory. */
  readSync(x: NDArray): TypedArray;
  read(x: NDArray): Promise<TypedArray>;

  full(shape: readonly number[], value: number, dtype: DType): NDArray;
  /** start + step * i for i < count. */
  arange(start: number, step: number, count: number, dtype: DType): NDArray;
  contiguous(x: NDArray): NDArray;
  cast(x: NDArray, dtype: DType): NDArray;

  /** Elementwise; `x` is of the dtype the result is computed in (predicates give bool). */
  unary(op: UnaryOp, x: NDArray): NDArray;
  /** `a` and `b` have the same dtype and broadcast against each other; comparisons and logic give bool. */
  binary(op: BinaryOp, a: NDArray, b: NDArray): NDArray;
  /** As `binary` with a scalar right operand (`reversed`: left operand), which adopts the array's dtype. */
  binaryScalar(op: BinaryOp, a: NDArray, scalar: number, reversed: boolean): NDArray;
  clip(x: NDArray, low: number, high: number): NDArray;
  where(condition: NDArray, a: NDArray, b: NDArray): NDArray;

  /** `axes` are sorted, distinct and non-negative; the result keeps them with extent 1. */
  reduce(op: ReduceOp, x: NDArray, axes: readonly number[]): NDArray;
  /** int32 index of the first extremum along `axis` (extent 1 in the result); the first NaN wins. */
  argReduce(op: "argmax" | "argmin", x: NDArray, axis: number): NDArray;
  scan(op: ScanOp, x: NDArray, axis: number, exclusive: boolean, reverse: boolean): NDArray;
  /** Stable; NaN is largest. int32 indices. */
  argsort(x: NDArray, axis: number, descending: boolean): NDArray;

  /** `matmul` takes a float16, bfloat16 or quantised matrix on the right of a floating left operand, and `cast` and
   * `gather` quantised ones (gather gives float32). */
  readonly readsStored?: boolean;
  /** Batched matrix product of arrays of rank >= 2 with equal, already broadcast leading axes (strides may be 0). */
  matmul(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray;

  /**
   * Cross-correlation of x [N, C, …spatial] with weight [O, C / groups, …kernel], both float32 or both float64, of one
   * to three spatial axes: [N, O, …out] with out = floor((spatial + padding - dilation (kernel - 1) - 1) / stride) + 1.
   */
  convolve(x: NDArray, weight: NDArray, sliding: Sliding): NDArray;
  /** The adjoint of `convolve` for x, whose spatial extents are given: from ct [N, O, …out] to [N, C, …spatial]. */
  convolveInputAdjoint(ct: NDArray, weight: NDArray, sliding: Sliding, spatial: readonly number[]): NDArray;
  /** The adjoint of `convolve` for the weight, whose kernel extents are given: to [O, C / groups, …kernel]. */
  convolveWeightAdjoint(x: NDArray, ct: NDArray, sliding: Sliding, kernel: readonly number[]): NDArray;
  /**
   * For each cell of each plane of x [N, C, …spatial] the int32 row-major position in its plane of the maximum (the first
   * of equals; the first NaN wins; every cell covers at least one position): [N, C, …cells].
   */
  windowArgmax(x: NDArray, windows: readonly WindowAxis[]): NDArray;

  /**
   * Factorisations of the last two axes of a float32 or float64 array, matrix by matrix; conventions in ops.md. Each
   * throws LinearAlgebraError for data it cannot take (a lazy backend: at observation). `cholesky` reads the lower
   * triangle and gives the lower factor; `qr` has a nonnegative diagonal of r; `svd` is thin and descending, `eigh`
   * (which reads a symmetric matrix) ascending, both with the largest entry of each column of u or the vectors positive.
   */
  cholesky(a: NDArray): NDArray;
  qr(a: NDArray, complete: boolean): { q: NDArray; r: NDArray };
  svd(a: NDArray): { u: NDArray; s: NDArray; vh: NDArray };
  eigh(a: NDArray): { values: NDArray; vectors: NDArray };
  /** The x with a x = b for a [..., n, n] and b [..., n, k] of equal leading axes. */
  solve(a: NDArray, b: NDArray): NDArray;
  /** As `solve` with one triangle of a (or its transpose), whose diagonal counts as ones with `unitDiagonal`. */
  triangularSolve(a: NDArray, b: NDArray, upper: boolean, transpose: boolean, unitDiagonal: boolean): NDArray;
  /** The determinant of each matrix, its sign, and log |determinant| (-Infinity when it is 0): three arrays [...]. */
  determinant(a: NDArray): { value: NDArray; sign: NDArray; logAbs: NDArray };
  /** Σ_t (real + i imag)[t] exp(sign 2π i k t / n) along the last axis of two float32 or float64 arrays, unscaled. */
  fourier(real: NDArray, imag: NDArray, sign: 1 | -1): { real: NDArray; imag: NDArray };

  concatenate(xs: readonly NDArray[], axis: number): NDArray;
  /** Constant padding; `widths[axis] = [before, after]`. */
  pad(x: NDArray, widths: readonly (readonly [number, number])[], value: number): NDArray;
  /** NumPy's take: x.shape[:axis] + indices.shape + x.shape[axis+1:]. Negative indices count from the end. */
  gather(x: NDArray, indices: NDArray, axis: number): NDArray;
  /** The adjoint of gather: zeros like [size on axis] plus source added at the 1-D or n-D indices. */
  gatherAdjoint(source: NDArray, indices: NDArray, axis: number, size: number): NDArray;
  takeAlongAxis(x: NDArray, indices: NDArray, axis: number): NDArray;
  /** x plus source added at indices along axis (PyTorch's scatter_add). */
  scatterAdd(x: NDArray, indices: NDArray, source: NDArray, axis: number): NDArray;
  /** x with `value` (already broadcast to the region) written at the strided region of x. */
  sliceUpdate(x: NDArray, starts: readonly number[], steps: readonly number[], value: NDArray): NDArray;
  /** [count, rank] int32 indices of the non-zero elements. */
  nonzero(x: NDArray): NDArray;

  /** Along the last axis of a floating array. */
  softmax(x: NDArray): NDArray;
  logSoftmax(x: NDArray): NDArray;
  /** y * (ct - sum(ct * y)) along the last axis. */
  softmaxAdjoint(y: NDArray, ct: NDArray): NDArray;
  /** x * rsqrt(mean(x²) + epsilon) * (weight + offset) along the last axis. */
  rmsNorm(x: NDArray, weight: NDArray | undefined, epsilon: number, offset: number): NDArray;
  rmsNormAdjoint(
    x: NDArray,
    weight: NDArray | undefined,
    epsilon: number,
    offset: number,
    ct: NDArray,
  ): { x: NDArray; weight: NDArray | undefined };
  /** Half-split rotary embedding of [..., sequence, headDim] by angles [sequence, headDim / 2] (cos, sin); sign -1 is the adjoint. */
  rotary(x: NDArray, cos: NDArray, sin: NDArray, sign: 1 | -1): NDArray;

  /** Threefry-2x32 bits: `count` uint32 (as int32) from key (k0, k1) and counters 0, 1, …; ops.md gives the known answers. */
  randomBits(k0: number, k1: number, count: number): NDArray;

  /** Whether this backend takes the arrays of `other` as they are, so that tensors of both mix and the result is its own. */
  takes?(other: Backend): boolean;
  /** An array of this backend as one of `other`, where they share memory; otherwise it goes through the host. */
  give?(x: NDArray, other: Backend): NDArray | undefined;
  /** Runs what has been recorded and not yet run. */
  barrier?(): void;
  /** Drops caches; arrays stay readable. */
  close?(): void;

  /** Frees a storage that no tensor reads any more, or notes that it may be freed; safe to never call. */
  release?(storage: Storage): void;
  memoryStats(): MemoryStats;
}

export interface MemoryStats {
  /** Bytes of live tensors, as far as the collector has told us. */
  readonly live: number;
  readonly peakLive: number;
  /** Bytes of linear memory held by the arena. */
  readonly arena: number;
  readonly spills: number;
  /** Programs compiled, on backends that compile. */
  readonly recompiles?: number;
}
