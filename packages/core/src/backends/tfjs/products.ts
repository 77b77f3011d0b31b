/** Batched matrix products. Views that only swap the last two axes are read as they lie, with the flag turned. */
import type { NDArray } from "../../backend/backend.ts";
import { sizeOf } from "../eager/arrays.ts";
import { reshaped } from "./kernels.ts";
import type { DataId, Info } from "./types.ts";
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

/** Rows from which on it pays to turn a matrix around before the WebAssembly engine's fast product. */
const rowsWorthTurning = 16;

/** The shape with which data was the right operand of the WebAssembly engine's fast product. */
const packedAs = new WeakMap<DataId, string>();

/**
 * The WebAssembly engine has two products: one of two plain matrices, fast, which packs the right one and keeps that for
 * the data's life whatever shape the data comes with next; and one for batches and transposed operands, about twenty
 * times slower. So matrices are turned around first, and data that comes with another shape is copied.
 */
function multiplied(w: Vocabulary, left: Operand, right: Operand, rows: number): Info {
  let [a, b] = [left, right];
  if (w.kernels.engineName === "wasm" && a.data.shape[0] === 1 && b.data.shape[0] === 1) {
    const plain = ({ data, transposed }: Operand): Operand =>
      transposed ? { data: w.transpose(data, [0, 2, 1]), transposed: false } : { data, transposed };
    if (rows >= rowsWorthTurning) [a, b] = [plain(a), plain(b)];
    if (!a.transposed && !b.transposed) {
      const shape = b.data.shape.join();
      if ((packedAs.get(b.data.dataId) ?? shape) !== shape) b = { data: w.mul(b.data, 1), transposed: false };
      packedAs.set(b.data.dataId, shape);
    }
  }
  return w.kernels.run("BatchMatMul", { a: a.data, b: b.data }, { transposeA: a.transposed, transposeB: b.transposed });
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
  const result = multiplied(w, left, right, rows);
  if (sizeOf(result.shape) === sizeOf(shape)) return reshaped(result, shape);
  // Neither operand varies over the batch.
  return reshaped(w.stretch(result, [sizeOf(lead), rows, columns]), shape);
}
