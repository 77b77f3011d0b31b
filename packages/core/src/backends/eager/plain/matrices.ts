/** How factorisations walk a batch: each matrix of the last two axes as float64 rows, computed on, and stored back. */
import type { NDArray } from "../../../backend/backend.ts";
import type { TypedArray } from "../../../dtype.ts";
import { sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";

/** A row-major matrix. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly at: Float64Array;
}

export const zeroMatrix = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  at: new Float64Array(rows * columns),
});

export function transposed({ rows, columns, at }: Matrix): Matrix {
  const out = zeroMatrix(columns, rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out.at[j * rows + i] = at[i * columns + j];
  return out;
}

/** The extents of the batch of an array of matrices. */
export const batchOf = (x: NDArray): number[] => x.shape.slice(0, -2);

/**
 * Runs `work` on matrix after matrix of the operands; it returns one block of elements for each result.
 * `results` are the shapes of one matrix's results; int32 results are given by name of their dtype.
 */
export function eachMatrix(
  engine: Engine,
  operands: readonly NDArray[],
  results: readonly { readonly shape: readonly number[]; readonly dtype?: "int32" }[],
  work: (...matrices: Matrix[]) => readonly ArrayLike<number>[],
): NDArray[] {
  engine.begin(operands[0], operands[1]);
  const batch = batchOf(operands[0]);
  const outs = results.map(({ shape, dtype }) => engine.create(dtype ?? operands[0].dtype, [...batch, ...shape]));
  const sources = operands.map((x) => engine.dense(x));
  const targets: TypedArray[] = outs.map((out) => engine.target(out));
  for (let b = 0; b < sizeOf(batch); b++) {
    const matrices = operands.map((x, i): Matrix => {
      const [rows, columns] = x.shape.slice(-2);
      const size = rows * columns;
      return { rows, columns, at: Float64Array.from(sources[i].subarray(b * size, (b + 1) * size)) };
    });
    work(...matrices).forEach((elements, i) => {
      targets[i].set(elements, b * sizeOf(results[i].shape));
    });
  }
  return outs.map((out, i) => engine.finish(out, targets[i]));
}
