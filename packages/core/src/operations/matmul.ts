/** Matrix products. */
import type { Backend } from "../backend/index.ts";
import { type DType, floatingOf, isFloating, isQuantised, promote } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { broadcastShapes, formatShape, sameShape } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo, requireSameBackend } from "./operand.ts";

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

export function matmul(a: Tensor, b: Tensor, options?: MatmulOptions): Tensor {
  const transposeA = options?.transposeA ?? false;
  const transposeB = options?.transposeB ?? false;
  const backend = requireSameBackend("matmul", a, b);
  if (a.rank === 0 || b.rank === 0)
    throw new ShapeError(
      `matmul: operands of rank 1 or more are needed, but the shapes are ${formatShape(a.shape)} and ${formatShape(b.shape)}.`,
    );
  const dtype = a.dtype === b.dtype && isFloating(a.dtype) ? a.dtype : productType(a, b);
  const stored = readAsStored(backend, b, dtype);
  // A vector on the left is a row, one on the right a column; transposing a vector changes nothing.
  const left = a.rank === 1 ? a.expandDims(0) : a;
  const right = b.rank === 1 ? b.expandDims(1) : b;
  const flipA = transposeA && a.rank > 1;
  const flipB = transposeB && b.rank > 1;
  const inner = left.shape[left.rank - (flipA ? 2 : 1)];
  if (inner !== right.shape[right.rank - (flipB ? 1 : 2)])
    throw new ShapeError(
      `matmul: the inner extents of ${formatShape(a.shape)}${flipA ? " (transposed)" : ""} and ` +
        `${formatShape(b.shape)}${flipB ? " (transposed)" : ""} differ.`,
    );
  const leadA = left.array.shape.slice(0, -2);
  const leadB = right.array.shape.slice(0, -2);
  let x = castTo(left, dtype);
  let y = stored ? right : castTo(right, dtype);
  if (leadB.length === 0 && leadA.length > 0 && !flipA) {
    // One matrix on the right: the leading axes of the left are more rows of one product.
    const [rows, columns] = flipB ? [y.shape[1]!, y.shape[0]!] : [y.shape[0]!, y.shape[1]!];
    const product = new Tensor(
      backend.matmul(x.reshape([rowCount(leadA, x), rows]).array, y.array, false, flipB),
      backend,
    );
    return dropAdded(product.reshape([...leadA, x.shape[x.rank - 2]!, columns]), a, b);
  }
  if (!sameShape(leadA, leadB)) {
    const lead = broadcastShapes("matmul", leadA, leadB);
    x = x.broadcastTo([...lead, ...x.shape.slice(-2)]);
    y = y.broadcastTo([...lead, ...y.shape.slice(-2)]);
  }
  return dropAdded(new Tensor(backend.matmul(x.array, y.array, flipA, flipB), backend), a, b);
}

function rowCount(lead: readonly number[], x: Tensor): number {
  let rows = x.shape[x.rank - 2]!;
  for (const extent of lead) rows *= extent;
  return rows;
}

/** Whether the backend reads the right operand as it is stored, with no copy in the dtype of the product. */
function readAsStored(backend: Backend, b: Tensor, dtype: DType): boolean {
  const quantised = isQuantised(b.dtype);
  if (backend.readsStored === true && b.rank === 2)
    return quantised || (dtype === "float32" && (b.dtype === "float16" || b.dtype === "bfloat16"));
  if (quantised)
    throw new DTypeError(
      b.rank === 2
        ? `matmul: the backend "${backend.name}" does not read ${b.dtype}.`
        : `matmul: a ${b.dtype} operand must be a matrix, but has shape ${formatShape(b.shape)}.`,
      { hint: 'Cast it first: x.cast("float32").' },
    );
  return false;
}

function productType(a: Tensor, b: Tensor): DType {
  if (isQuantised(b.dtype)) return floatingOf(a.dtype);
  const dtype = promote(a.dtype, b.dtype);
  return dtype === "bool" ? floatingOf(dtype) : dtype;
}

/** Drops the axes that vectors were given. */
function dropAdded(product: Tensor, a: Tensor, b: Tensor): Tensor {
  let result = product;
  if (b.rank === 1) result = result.squeeze(-1);
  if (a.rank === 1) result = result.squeeze(b.rank === 1 ? -1 : -2);
  return result;
}

function requireVectors(operation: string, a: Tensor, b: Tensor): void {
  if (a.rank !== 1 || b.rank !== 1)
    throw new ShapeError(
      `${operation}: needs two vectors, but got ${formatShape(a.shape)} and ${formatShape(b.shape)}.`,
    );
}

export function dot(a: Tensor, b: Tensor): Tensor {
  requireVectors("dot", a, b);
  if (a.size !== b.size) throw new ShapeError(`dot: vectors of ${a.size} and ${b.size} elements differ in length.`);
  // Sums of 8-bit integers are int32, and so are their products here.
  return narrow(a) && narrow(b) ? a.cast("int32").mul(b).sum() : a.mul(b).sum();
}

const narrow = (x: Tensor): boolean => x.dtype === "uint8" || x.dtype === "int8";

export function outer(a: Tensor, b: Tensor): Tensor {
  requireVectors("outer", a, b);
  return a.expandDims(1).mul(b.expandDims(0));
}
