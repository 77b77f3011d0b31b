/** Batched matrix products. Views that only swap the last two axes are read as they lie, with the flag turned. */
import type { NDArray } from "../../backend/backend.ts";
import { sameShape, sizeOf } from "../eager/arrays.ts";
import { reshaped } from "./kernels.ts";
import type { Info } from "./types.ts";
import type { Views } from "./views.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A matrix operand as [batch, rows, columns], batch 1 when one matrix serves all. */
interface Operand {
  readonly data: Info;
  readonly transposed: boolean;
}

/** Whether the last two axes lie the other way round. */
function isTurned(x: NDArray): boolean {
  const rank = x.shape.length;
  const [rows, columns] = x.shape.slice(-2);
  return rows > 1 && columns > 1 && x.strides[rank - 2] === 1 && x.strides[rank - 1] >= rows;
}

function turned(x: NDArray): NDArray {
  const swap = (list: readonly number[]): number[] => [
    ...list.slice(0, -2),
    list[list.length - 1],
    list[list.length - 2],
  ];
  return { ...x, shape: swap(x.shape), strides: swap(x.strides) };
}

function operandOf(views: Views, x: NDArray, transposed: boolean): Operand {
  const swaps = isTurned(x);
  const read = swaps ? turned(x) : x;
  const lead = x.shape.length - 2;
  const single = read.strides.slice(0, lead).every((stride, i) => stride === 0 || read.shape[i] === 1);
  const matrix = single ? { ...read, shape: read.shape.slice(lead), strides: read.strides.slice(lead) } : read;
  const dense = views.dense(matrix);
  const [rows, columns] = dense.shape.slice(-2);
  const batch = single ? 1 : sizeOf(dense.shape.slice(0, lead));
  return { data: reshaped(dense, [batch, rows, columns]), transposed: transposed !== swaps };
}

/** With one term per sum: the WebAssembly engine's product writes beyond its result then. */
function outerProduct(w: Vocabulary, views: Views, a: NDArray, b: NDArray, shape: readonly number[]): Info {
  const lead = shape.slice(0, -2);
  const column = reshaped(views.dense(a), [...lead, shape[lead.length], 1]);
  const row = reshaped(views.dense(b), [...lead, 1, shape[lead.length + 1]]);
  return w.mul(column, row);
}

/** a and b have equal leading axes (strides may be 0). */
export function product(
  w: Vocabulary,
  views: Views,
  a: NDArray,
  b: NDArray,
  transposeA: boolean,
  transposeB: boolean,
): Info {
  const lead = a.shape.slice(0, -2);
  const rows = a.shape[a.shape.length - (transposeA ? 1 : 2)];
  const inner = a.shape[a.shape.length - (transposeA ? 2 : 1)];
  const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)];
  const shape = [...lead, rows, columns];
  if (sizeOf(shape) === 0 || inner === 0) return w.fill(shape, 0, "float32");
  if (inner === 1) return outerProduct(w, views, a, b, shape);
  let left = operandOf(views, a, transposeA);
  const right = operandOf(views, b, transposeB);
  // One matrix on the right of many: all rows at once.
  if (right.data.shape[0] === 1 && left.data.shape[0] > 1 && !left.transposed)
    left = { data: reshaped(left.data, [1, left.data.shape[0] * rows, inner]), transposed: false };
  const result = w.kernels.run(
    "BatchMatMul",
    { a: left.data, b: right.data },
    { transposeA: left.transposed, transposeB: right.transposed },
  );
  if (sizeOf(result.shape) === sizeOf(shape)) return reshaped(result, shape);
  // Neither operand varies over the batch.
  const repeated = w.kernels.run("Tile", { x: result }, { reps: [sizeOf(lead), 1, 1] });
  return sameShape(repeated.shape, shape) ? repeated : reshaped(repeated, shape);
}
