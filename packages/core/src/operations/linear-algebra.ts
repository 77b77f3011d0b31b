/** Decompositions, linear systems and determinants of the last two axes; leading axes are a batch. */
import type { Backend, NDArray } from "../backend/index.ts";
import { isFloating, promote } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { broadcastShapes, formatShape } from "../shape.ts";
import { eye } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo, requireSameBackend } from "./operand.ts";
import { where } from "./where.ts";

function requireMatrices(operation: string, a: Tensor): void {
  if (!isFloating(a.dtype))
    throw new DTypeError(`${operation}: needs a floating tensor, but got ${a.dtype}.`, {
      hint: 'Write a.cast("float32").',
    });
  if (a.rank < 2)
    throw new ShapeError(`${operation}: needs matrices in the last two axes, but got shape ${formatShape(a.shape)}.`);
}

function requireSquare(operation: string, a: Tensor): void {
  requireMatrices(operation, a);
  if (a.shape[a.rank - 1] !== a.shape[a.rank - 2])
    throw new ShapeError(`${operation}: needs square matrices, but got shape ${formatShape(a.shape)}.`);
}

/** Runs a factorisation in float32 or float64, and rounds its results once for the half types. */
function inWide(a: Tensor, run: (backend: Backend, x: NDArray) => NDArray[]): Tensor[] {
  const wide = castTo(a, a.dtype === "float64" ? "float64" : "float32");
  return run(wide.backend, wide.array).map((array) => castTo(new Tensor(array, wide.backend), a.dtype));
}

/** (a + aᵀ) / 2. */
export function symmetrized(a: Tensor): Tensor {
  return a.add(a.swapAxes(-1, -2)).mul(0.5);
}

/** The lower Cholesky factor of (a + aᵀ) / 2. Differentiable. */
export function choleskyFactor(a: Tensor): Tensor {
  return inWide(symmetrized(a), (backend, x) => [backend.cholesky(x)])[0]!;
}

export interface CholeskyOptions {
  /** Whether to give the upper factor u with a = uᵀ u. */
  readonly upper?: boolean;
}

/**
 * The lower triangular l with a = l lᵀ for symmetric positive definite a [..., n, n]; reads (a + aᵀ) / 2, so gradients are
 * symmetric. Differentiable: Murray 2016, "Differentiation of the Cholesky decomposition".
 * @throws ShapeError when a is not square, LinearAlgebraError when it is not positive definite.
 * @differentiable
 */
export function cholesky(a: Tensor, options?: CholeskyOptions): Tensor {
  requireSquare("cholesky", a);
  const lower = choleskyFactor(a);
  return options?.upper === true ? lower.swapAxes(-1, -2) : lower;
}

export interface QrOptions {
  /** "reduced" gives q [..., m, k] and r [..., k, n] with k = min(m, n), "complete" q [..., m, m] and r [..., m, n]. */
  readonly mode?: "reduced" | "complete";
}

export interface Qr {
  readonly q: Tensor;
  readonly r: Tensor;
}

/**
 * a = q r with orthonormal columns of q and upper triangular r, whose diagonal is nonnegative, so that the factors are
 * unique. Differentiable for m >= n in mode "reduced" (Walter and Lehmann 2012).
 * @throws ShapeError when a has fewer than two axes, DTypeError when it is not floating.
 */
export function qr(a: Tensor, options?: QrOptions): Qr {
  requireMatrices("qr", a);
  const mode = options?.mode ?? "reduced";
  if (mode !== "reduced" && mode !== "complete")
    throw new ShapeError(`qr: the mode "${mode as string}" must be "reduced" or "complete".`);
  const [q, r] = inWide(a, (backend, x) => {
    const factors = backend.qr(x, mode === "complete");
    return [factors.q, factors.r];
  });
  return { q: q!, r: r! };
}

export interface Svd {
  readonly u: Tensor;
  readonly s: Tensor;
  readonly vh: Tensor;
}

/**
 * The thin singular value decomposition a = u diag(s) vh: u [..., m, k], s [..., k] descending, vh [..., k, n] with
 * k = min(m, n); the entry of largest magnitude of each column of u is positive. Differentiable where the singular values
 * differ (Townsend 2016, "Differentiating the singular value decomposition").
 * @throws ShapeError when a has fewer than two axes, DTypeError when it is not floating.
 */
export function svd(a: Tensor): Svd {
  requireMatrices("svd", a);
  const [u, s, vh] = inWide(a, (backend, x) => {
    const factors = backend.svd(x);
    return [factors.u, factors.s, factors.vh];
  });
  return { u: u!, s: s!, vh: vh! };
}

export interface Eigh {
  readonly values: Tensor;
  readonly vectors: Tensor;
}

/**
 * Eigenvalues [..., n], ascending, and eigenvectors (columns of [..., n, n]) of symmetric a; reads (a + aᵀ) / 2. The entry
 * of largest magnitude of each vector is positive. Differentiable where the eigenvalues differ (Giles 2008, section 3.1).
 * @throws ShapeError when a is not square, DTypeError when it is not floating.
 */
export function eigh(a: Tensor): Eigh {
  requireSquare("eigh", a);
  const [values, vectors] = inWide(symmetrized(a), (backend, x) => {
    const system = backend.eigh(x);
    return [system.values, system.vectors];
  });
  return { values: values!, vectors: vectors! };
}

/** Both operands with one batch and in one dtype that the backend computes in. */
function inPairs(a: Tensor, b: Tensor, run: (backend: Backend, a: NDArray, b: NDArray) => NDArray): Tensor {
  const backend = requireSameBackend("solve", a, b);
  const dtype = promote(a.dtype, b.dtype);
  const wide = dtype === "float64" ? "float64" : "float32";
  return castTo(new Tensor(run(backend, castTo(a, wide).array, castTo(b, wide).array), backend), dtype);
}

/** solve for matrices of equal batches. Differentiable. */
export function solveMatrices(a: Tensor, b: Tensor): Tensor {
  return inPairs(a, b, (backend, x, y) => backend.solve(x, y));
}

export interface TriangularSolveOptions {
  /** Which triangle of a is read. */
  readonly upper?: boolean;
  readonly transpose?: boolean;
  /** Whether the diagonal counts as ones, whatever a holds there. */
  readonly unitDiagonal?: boolean;
}

/** triangularSolve for matrices of equal batches. Differentiable. */
export function solveTriangle(a: Tensor, b: Tensor, upper: boolean, transpose: boolean, unitDiagonal: boolean): Tensor {
  return inPairs(a, b, (backend, x, y) => backend.triangularSolve(x, y, upper, transpose, unitDiagonal));
}

function requireSystem(operation: string, a: Tensor, b: Tensor): void {
  requireSquare(operation, a);
  if (!isFloating(b.dtype)) throw new DTypeError(`${operation}: needs floating right-hand sides, but got ${b.dtype}.`);
  const rows = b.rank === 1 ? b.shape[0] : b.shape[b.rank - 2];
  if (b.rank === 0 || rows !== a.shape[a.rank - 1])
    throw new ShapeError(
      `${operation}: a matrix of shape ${formatShape(a.shape)} and right-hand sides of shape ${formatShape(b.shape)} ` +
        "do not fit.",
    );
}

/** The leading extents of both operands. */
function commonBatch(operation: string, a: Tensor, b: Tensor): readonly number[] {
  return broadcastShapes(operation, a.shape.slice(0, -2), b.shape.slice(0, -2));
}

/** Matrices in a larger batch. */
function inBatch(x: Tensor, batch: readonly number[]): Tensor {
  return x.broadcastTo([...batch, ...x.shape.slice(-2)]);
}

/**
 * The x with a x = b, for a [..., n, n] and b [n] (a vector) or [..., n, k]; batches broadcast. LU with partial pivoting.
 * Differentiable in a and b.
 * @throws ShapeError when the shapes do not fit, LinearAlgebraError when a is singular.
 * @differentiable
 */
export function solve(a: Tensor, b: Tensor): Tensor {
  requireSystem("solve", a, b);
  const right = b.rank === 1 ? b.expandDims(-1) : b;
  const batch = commonBatch("solve", a, right);
  const x = solveMatrices(inBatch(a, batch), inBatch(right, batch));
  return b.rank === 1 ? x.squeeze(-1) : x;
}

/**
 * As `solve` for a triangular a, of which one triangle is read (the lower one by default); gradients are zero elsewhere,
 * and on a unit diagonal. `transpose` solves aᵀ x = b.
 * @throws ShapeError when the shapes do not fit, LinearAlgebraError when the diagonal holds a zero.
 * @differentiable
 */
export function triangularSolve(a: Tensor, b: Tensor, options?: TriangularSolveOptions): Tensor {
  const upper = options?.upper ?? false;
  const transpose = options?.transpose ?? false;
  const unit = options?.unitDiagonal ?? false;
  requireSystem("triangularSolve", a, b);
  const right = b.rank === 1 ? b.expandDims(-1) : b;
  const batch = commonBatch("triangularSolve", a, right);
  const x = solveTriangle(inBatch(a, batch), inBatch(right, batch), upper, transpose, unit);
  return b.rank === 1 ? x.squeeze(-1) : x;
}

/**
 * The inverse of a [..., n, n]. Differentiable; prefer `solve` where it is multiplied with something.
 * @throws ShapeError when a is not square, LinearAlgebraError when it is singular.
 * @differentiable
 */
export function inverse(a: Tensor): Tensor {
  requireSquare("inverse", a);
  const identity = eye(a.shape[a.rank - 1]!, undefined, { dtype: "bool" })
    .to(a.device)
    .cast(a.dtype);
  return solveMatrices(a, identity.broadcastTo(a.shape));
}

/**
 * The determinants [...] of a [..., n, n]. Differentiable, at singular matrices too.
 * @throws ShapeError when a is not square, DTypeError when it is not floating.
 */
export function det(a: Tensor): Tensor {
  requireSquare("det", a);
  return inWide(a, (backend, x) => [backend.determinant(x).value])[0]!;
}

export interface SignedLogDet {
  readonly sign: Tensor;
  readonly logAbsDet: Tensor;
}

/**
 * The sign of the determinant (-1, 0, 1) and the logarithm of its absolute value (-Infinity when it is 0). logAbsDet is
 * differentiable; sign has no derivative.
 * @throws ShapeError when a is not square, DTypeError when it is not floating.
 */
export function slogdet(a: Tensor): SignedLogDet {
  requireSquare("slogdet", a);
  const [sign, logAbsDet] = inWide(a, (backend, x) => {
    const all = backend.determinant(x);
    return [all.sign, all.logAbs];
  });
  return { sign: sign!, logAbsDet: logAbsDet! };
}

/**
 * The logarithm of the determinants: NaN where one is negative, -Infinity where it is 0. Differentiable.
 * @throws ShapeError when a is not square, DTypeError when it is not floating.
 * @differentiable
 */
export function logdet(a: Tensor): Tensor {
  const { sign, logAbsDet } = slogdet(a);
  return where(sign.less(0), Number.NaN, logAbsDet);
}
