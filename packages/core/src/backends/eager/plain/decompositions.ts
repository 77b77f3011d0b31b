/** Cholesky, QR, symmetric eigenvalues and singular values, in float64 whatever the dtype. */
import type { NDArray } from "../../../backend/backend.ts";
import { LinearAlgebraError } from "../../../errors.ts";
import type { Engine } from "../engine.ts";
import { eachMatrix, type Matrix, transposed, zeroMatrix } from "./matrices.ts";

/** The lower Cholesky factor; only the lower triangle is read. Golub and Van Loan, algorithm 4.2.1. */
export function cholesky(engine: Engine, a: NDArray): NDArray {
  return eachMatrix(engine, [a], [{ shape: a.shape.slice(-2) }], ({ rows: n, at }) => {
    const lower = zeroMatrix(n, n).at;
    for (let j = 0; j < n; j++) {
      let rest = at[j * n + j];
      for (let k = 0; k < j; k++) rest -= lower[j * n + k] ** 2;
      if (!(rest > 0))
        throw new LinearAlgebraError(
          `cholesky: the matrix of shape [${n}, ${n}] is not positive definite (leading minor ${j + 1}).`,
          { hint: "Add a small multiple of the identity." },
        );
      const diagonal = Math.sqrt(rest);
      lower[j * n + j] = diagonal;
      for (let i = j + 1; i < n; i++) {
        let sum = at[i * n + j];
        for (let k = 0; k < j; k++) sum -= lower[i * n + k] * lower[j * n + k];
        lower[i * n + j] = sum / diagonal;
      }
    }
    return [lower];
  })[0];
}

/** Householder QR with a nonnegative diagonal of R. Golub and Van Loan, algorithm 5.2.1. */
export function qr(engine: Engine, a: NDArray, complete: boolean): { q: NDArray; r: NDArray } {
  const [m, n] = a.shape.slice(-2);
  const inner = complete ? m : Math.min(m, n);
  const [q, r] = eachMatrix(engine, [a], [{ shape: [m, inner] }, { shape: [inner, n] }], ({ at }) => {
    const basis = zeroMatrix(m, m).at;
    for (let i = 0; i < m; i++) basis[i * m + i] = 1;
    for (let k = 0; k < Math.min(m, n); k++) reflect(at, basis, m, n, k);
    for (let k = 0; k < Math.min(m, n); k++)
      if (at[k * n + k] < 0) {
        for (let j = 0; j < n; j++) at[k * n + j] = -at[k * n + j];
        for (let i = 0; i < m; i++) basis[i * m + k] = -basis[i * m + k];
      }
    const left = zeroMatrix(m, inner).at;
    for (let i = 0; i < m; i++) for (let j = 0; j < inner; j++) left[i * inner + j] = basis[i * m + j];
    const right = at.slice(0, inner * n);
    for (let i = 1; i < inner; i++) for (let j = 0; j < Math.min(i, n); j++) right[i * n + j] = 0;
    return [left, right];
  });
  return { q, r };
}

/** Makes column k of `at` zero below its diagonal by a reflection, which `basis` collects. */
function reflect(at: Float64Array, basis: Float64Array, m: number, n: number, k: number): void {
  const v = new Float64Array(m);
  let norm = 0;
  for (let i = k; i < m; i++) {
    v[i] = at[i * n + k];
    norm = Math.hypot(norm, v[i]);
  }
  if (norm === 0) return;
  v[k] += v[k] < 0 ? -norm : norm;
  let squared = 0;
  for (let i = k; i < m; i++) squared += v[i] * v[i];
  for (let j = 0; j < n; j++) {
    let dot = 0;
    for (let i = k; i < m; i++) dot += v[i] * at[i * n + j];
    for (let i = k; i < m; i++) at[i * n + j] -= (2 * dot * v[i]) / squared;
  }
  for (let i = 0; i < m; i++) {
    let dot = 0;
    for (let j = k; j < m; j++) dot += basis[i * m + j] * v[j];
    for (let j = k; j < m; j++) basis[i * m + j] -= (2 * dot * v[j]) / squared;
  }
}

const sweeps = 60;

/** The rotation that makes a 2 × 2 symmetric matrix (p, r; r, q) diagonal. Golub and Van Loan, algorithm 8.4.1. */
function rotation(p: number, q: number, r: number): [cosine: number, sine: number] {
  const tau = (q - p) / (2 * r);
  const t = tau === 0 ? 1 : Math.sign(tau) / (Math.abs(tau) + Math.hypot(1, tau));
  const c = 1 / Math.hypot(1, t);
  return [c, t * c];
}

/** Makes the entry of largest magnitude of each column positive (the first of equals); returns the signs. */
function columnSigns({ rows, columns, at }: Matrix): number[] {
  return Array.from({ length: columns }, (_, j) => {
    let best = 0;
    for (let i = 1; i < rows; i++)
      if (Math.abs(at[i * columns + j]) > Math.abs(at[best * columns + j]) * (1 + 1e-12)) best = i;
    const sign = rows > 0 && at[best * columns + j] < 0 ? -1 : 1;
    for (let i = 0; i < rows; i++) at[i * columns + j] *= sign;
    return sign;
  });
}

/** Eigenvalues ascending, with vectors as columns, by cyclic Jacobi. Golub and Van Loan, section 8.5. */
export function eigh(engine: Engine, a: NDArray): { values: NDArray; vectors: NDArray } {
  const [n] = a.shape.slice(-1);
  const [values, vectors] = eachMatrix(engine, [a], [{ shape: [n] }, { shape: [n, n] }], ({ at }) => {
    const basis = zeroMatrix(n, n).at;
    for (let i = 0; i < n; i++) basis[i * n + i] = 1;
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let turned = false;
      for (let p = 0; p < n; p++)
        for (let q = p + 1; q < n; q++) {
          const off = at[p * n + q];
          if (Math.abs(off) <= 1e-17 * Math.sqrt(Math.abs(at[p * n + p] * at[q * n + q])) || Math.abs(off) < 1e-300)
            continue;
          turned = true;
          const [c, s] = rotation(at[p * n + p], at[q * n + q], off);
          for (let k = 0; k < n; k++) {
            const [x, y] = [at[k * n + p], at[k * n + q]];
            at[k * n + p] = c * x - s * y;
            at[k * n + q] = s * x + c * y;
          }
          for (let k = 0; k < n; k++) {
            const [x, y] = [at[p * n + k], at[q * n + k]];
            at[p * n + k] = c * x - s * y;
            at[q * n + k] = s * x + c * y;
            const [u, v] = [basis[k * n + p], basis[k * n + q]];
            basis[k * n + p] = c * u - s * v;
            basis[k * n + q] = s * u + c * v;
          }
          at[p * n + q] = 0;
          at[q * n + p] = 0;
        }
      if (!turned) break;
    }
    const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => at[i * n + i] - at[j * n + j]);
    const sorted = zeroMatrix(n, n);
    order.forEach((from, to) => {
      for (let k = 0; k < n; k++) sorted.at[k * n + to] = basis[k * n + from];
    });
    columnSigns(sorted);
    return [order.map((i) => at[i * n + i]), sorted.at];
  });
  return { values, vectors };
}

/** The thin singular value decomposition of a matrix with rows >= columns, by one-sided Jacobi (Hestenes 1958). */
function svdOf({ rows: m, columns: n, at }: Matrix): { u: Matrix; s: number[]; v: Matrix } {
  const v = zeroMatrix(n, n);
  for (let i = 0; i < n; i++) v.at[i * n + i] = 1;
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let turned = false;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        let [pp, qq, pq] = [0, 0, 0];
        for (let i = 0; i < m; i++) {
          const [x, y] = [at[i * n + p], at[i * n + q]];
          pp += x * x;
          qq += y * y;
          pq += x * y;
        }
        if (Math.abs(pq) <= 1e-16 * Math.sqrt(pp * qq) || Math.abs(pq) < 1e-300) continue;
        turned = true;
        const [c, s] = rotation(pp, qq, pq);
        turnColumns(at, m, n, p, q, c, s);
        turnColumns(v.at, n, n, p, q, c, s);
      }
    if (!turned) break;
  }
  const lengths = Array.from({ length: n }, (_, j) => {
    let length = 0;
    for (let i = 0; i < m; i++) length = Math.hypot(length, at[i * n + j]);
    return length;
  });
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => lengths[j] - lengths[i]);
  const u = zeroMatrix(m, n);
  const sorted = zeroMatrix(n, n);
  const largest = order.length > 0 ? lengths[order[0]] : 0;
  order.forEach((from, to) => {
    for (let k = 0; k < n; k++) sorted.at[k * n + to] = v.at[k * n + from];
    if (lengths[from] > largest * 1e-300 && lengths[from] > 0)
      for (let i = 0; i < m; i++) u.at[i * n + to] = at[i * n + from] / lengths[from];
    else complete(u, to);
  });
  return { u, s: order.map((i) => lengths[i]), v: sorted };
}

function turnColumns(
  at: Float64Array,
  rows: number,
  columns: number,
  p: number,
  q: number,
  c: number,
  s: number,
): void {
  for (let i = 0; i < rows; i++) {
    const [x, y] = [at[i * columns + p], at[i * columns + q]];
    at[i * columns + p] = c * x - s * y;
    at[i * columns + q] = s * x + c * y;
  }
}

/** Makes column `to` a unit vector orthogonal to those before it: the best of the projected axes. */
function complete({ rows, columns, at }: Matrix, to: number): void {
  for (let axis = 0; axis < rows; axis++) {
    const candidate = new Float64Array(rows);
    candidate[axis] = 1;
    // Twice is enough (Kahan).
    for (let round = 0; round < 2; round++)
      for (let j = 0; j < to; j++) {
        let dot = 0;
        for (let i = 0; i < rows; i++) dot += candidate[i] * at[i * columns + j];
        for (let i = 0; i < rows; i++) candidate[i] -= dot * at[i * columns + j];
      }
    const length = Math.hypot(...candidate);
    if (length * length * rows < 0.5) continue;
    for (let i = 0; i < rows; i++) at[i * columns + to] = candidate[i] / length;
    return;
  }
}

/** u [..., m, k], s [..., k] descending, vh [..., k, n] with k = min(m, n). */
export function svd(engine: Engine, a: NDArray): { u: NDArray; s: NDArray; vh: NDArray } {
  const [m, n] = a.shape.slice(-2);
  const k = Math.min(m, n);
  const shapes = [{ shape: [m, k] }, { shape: [k] }, { shape: [k, n] }];
  const [u, s, vh] = eachMatrix(engine, [a], shapes, (matrix) => {
    const tall = svdOf(m >= n ? matrix : transposed(matrix));
    const [left, right] = m >= n ? [tall.u, tall.v] : [tall.v, tall.u];
    const signs = columnSigns(left);
    for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) right.at[i * k + j] *= signs[j];
    return [left.at, tall.s, transposed(right).at];
  });
  return { u, s, vh };
}
