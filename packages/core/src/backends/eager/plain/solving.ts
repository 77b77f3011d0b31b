/** Linear systems and determinants. Golub and Van Loan, "Matrix Computations", 4th ed., chapters 3 and 4. */
import type { NDArray } from "../../../backend/backend.ts";
import { LinearAlgebraError } from "../../../errors.ts";
import type { Engine } from "../engine.ts";
import { eachMatrix, type Matrix, transposed, zeroMatrix } from "./matrices.ts";

/** P A = L U by partial pivoting, in place; returns the row order and the sign of the permutation. */
function factorize({ rows: n, at }: Matrix): { order: number[]; parity: number } {
  const order = Array.from({ length: n }, (_, i) => i);
  let parity = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(at[i * n + k]) > Math.abs(at[pivot * n + k])) pivot = i;
    if (pivot !== k) {
      for (let j = 0; j < n; j++) [at[k * n + j], at[pivot * n + j]] = [at[pivot * n + j], at[k * n + j]];
      [order[k], order[pivot]] = [order[pivot], order[k]];
      parity = -parity;
    }
    const divisor = at[k * n + k];
    if (divisor === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const factor = at[i * n + k] / divisor;
      at[i * n + k] = factor;
      if (factor !== 0) for (let j = k + 1; j < n; j++) at[i * n + j] -= factor * at[k * n + j];
    }
  }
  return { order, parity };
}

/** Solves with one triangle of a matrix, overwriting the right-hand sides. */
export function substitute(a: Matrix, b: Matrix, upper: boolean, unitDiagonal: boolean): void {
  const { rows: n } = a;
  const { columns } = b;
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step;
    const [first, end] = upper ? [i + 1, n] : [0, i];
    for (let k = first; k < end; k++) {
      const factor = a.at[i * n + k];
      if (factor !== 0) for (let j = 0; j < columns; j++) b.at[i * columns + j] -= factor * b.at[k * columns + j];
    }
    if (!unitDiagonal) {
      const divisor = a.at[i * n + i];
      for (let j = 0; j < columns; j++) b.at[i * columns + j] /= divisor;
    }
  }
}

/** a [..., n, n] and b [..., n, k] of equal batches: the x with a x = b. */
export function solve(engine: Engine, a: NDArray, b: NDArray): NDArray {
  return eachMatrix(engine, [a, b], [{ shape: b.shape.slice(-2) }], (matrix, right) => {
    const { order } = factorize(matrix);
    const { rows: n, columns } = right;
    for (let k = 0; k < n; k++)
      if (matrix.at[k * n + k] === 0)
        throw new LinearAlgebraError(`solve: a matrix of shape [${n}, ${n}] is singular (pivot ${k} is 0).`, {
          hint: "Add a small multiple of the identity, or solve the least-squares problem with svd or qr.",
        });
    const x = zeroMatrix(n, columns);
    order.forEach((row, i) => {
      x.at.set(right.at.subarray(row * columns, (row + 1) * columns), i * columns);
    });
    substitute(matrix, x, false, true);
    substitute(matrix, x, true, false);
    return [x.at];
  })[0];
}

/** The x with op(triangle of a) x = b. */
export function triangularSolve(
  engine: Engine,
  a: NDArray,
  b: NDArray,
  upper: boolean,
  transpose: boolean,
  unitDiagonal: boolean,
): NDArray {
  return eachMatrix(engine, [a, b], [{ shape: b.shape.slice(-2) }], (matrix, right) => {
    const { rows: n } = matrix;
    for (let k = 0; k < n && !unitDiagonal; k++)
      if (matrix.at[k * n + k] === 0)
        throw new LinearAlgebraError(`triangularSolve: the matrix is singular: element ${k} of its diagonal is 0.`);
    substitute(transpose ? transposed(matrix) : matrix, right, upper !== transpose, unitDiagonal);
    return [right.at];
  })[0];
}

/** The determinant of each matrix, its sign, and the logarithm of its absolute value (-Infinity when it is 0). */
export function determinant(engine: Engine, a: NDArray): { value: NDArray; sign: NDArray; logAbs: NDArray } {
  const scalar = { shape: [] };
  const [value, sign, logAbs] = eachMatrix(engine, [a], [scalar, scalar, scalar], (matrix) => {
    const { rows: n } = matrix;
    const { parity } = factorize(matrix);
    let product = parity;
    let signs = parity;
    let logs = 0;
    for (let k = 0; k < n; k++) {
      const pivot = matrix.at[k * n + k];
      product *= pivot;
      signs *= Math.sign(pivot);
      logs += Math.log(Math.abs(pivot));
    }
    return [[product], [signs], [logs]];
  });
  return { value, sign, logAbs };
}
