/** Elementwise operations of two operands: promotion, broadcasting checks, and dispatch to the backend. */
import type { BinaryOp } from "../backend/index.ts";
import { floatingOf } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { broadcastShapes } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Operand } from "./operand.ts";
import { castTo, commonType, requireSameBackend } from "./operand.ts";

/** Both operands in one dtype, integers kept. bool with bool is computed in uint8 and is bool again. */
function arithmetic(op: BinaryOp, a: Tensor, b: Operand): Tensor {
  const dtype = commonType(a, b);
  if (dtype === "bool") {
    if (op === "sub" || op === "div")
      throw new DTypeError(`${op}: both operands are bool.`, { hint: "Cast to int32, or use logicalXor." });
    const other = typeof b === "object" ? castTo(b, "uint8") : b;
    return castTo(compute(op, castTo(a, "uint8"), other), "bool");
  }
  return compute(op, castTo(a, dtype), typeof b === "object" ? castTo(b, dtype) : b);
}

/** Both operands in one floating dtype: integers become float32. */
function floating(op: BinaryOp, a: Tensor, b: Operand): Tensor {
  const dtype = floatingOf(commonType(a, b));
  return compute(op, castTo(a, dtype), typeof b === "object" ? castTo(b, dtype) : b);
}

/** Both operands in one dtype; the result is bool. */
function comparison(op: BinaryOp, a: Tensor, b: Operand): Tensor {
  const dtype = commonType(a, b);
  return compute(op, castTo(a, dtype), typeof b === "object" ? castTo(b, dtype) : b);
}

/** The operands as truth values. */
function logical(op: BinaryOp, a: Tensor, b: Operand): Tensor {
  if (typeof b === "object") return compute(op, castTo(a, "bool"), castTo(b, "bool"));
  return compute(op, castTo(a, "bool"), b === true || (b !== false && b !== 0) ? 1 : 0);
}

function compute(op: BinaryOp, a: Tensor, b: Operand): Tensor {
  if (typeof b !== "object") return new Tensor(a.backend.binaryScalar(op, a.array, +b, false), a.backend);
  const backend = requireSameBackend(op, a, b);
  broadcastShapes(op, a.array.shape, b.array.shape);
  return new Tensor(backend.binary(op, a.array, b.array), backend);
}

/** The short way for what nearly every call is: equal floating dtypes on one backend, or a tensor and a number. */
function isDirect(a: Tensor, b: Operand): boolean {
  if (typeof b === "object") {
    const dtype = a.array.dtype;
    return dtype === b.array.dtype && (dtype === "float32" || dtype === "float64");
  }
  const dtype = a.array.dtype;
  return dtype === "float32" || dtype === "float64";
}

export function add(a: Tensor, b: Operand): Tensor {
  return isDirect(a, b) ? compute("add", a, b) : arithmetic("add", a, b);
}

export function sub(a: Tensor, b: Operand): Tensor {
  return isDirect(a, b) ? compute("sub", a, b) : arithmetic("sub", a, b);
}

export function mul(a: Tensor, b: Operand): Tensor {
  return isDirect(a, b) ? compute("mul", a, b) : arithmetic("mul", a, b);
}

export function div(a: Tensor, b: Operand): Tensor {
  return isDirect(a, b) ? compute("div", a, b) : floating("div", a, b);
}

export function floorDiv(a: Tensor, b: Operand): Tensor {
  return arithmetic("floorDiv", a, b);
}

export function remainder(a: Tensor, b: Operand): Tensor {
  return arithmetic("remainder", a, b);
}

export function fmod(a: Tensor, b: Operand): Tensor {
  return arithmetic("fmod", a, b);
}

export function pow(a: Tensor, b: Operand): Tensor {
  return arithmetic("pow", a, b);
}

export function maximum(a: Tensor, b: Operand): Tensor {
  return arithmetic("maximum", a, b);
}

export function minimum(a: Tensor, b: Operand): Tensor {
  return arithmetic("minimum", a, b);
}

export function atan2(a: Tensor, b: Operand): Tensor {
  return floating("atan2", a, b);
}

export function hypot(a: Tensor, b: Operand): Tensor {
  return floating("hypot", a, b);
}

export function logAddExp(a: Tensor, b: Operand): Tensor {
  return floating("logAddExp", a, b);
}

export function squaredDifference(a: Tensor, b: Operand): Tensor {
  return a.sub(b).square();
}

export function equal(a: Tensor, b: Operand): Tensor {
  return comparison("equal", a, b);
}

export function notEqual(a: Tensor, b: Operand): Tensor {
  return comparison("notEqual", a, b);
}

export function less(a: Tensor, b: Operand): Tensor {
  return comparison("less", a, b);
}

export function lessEqual(a: Tensor, b: Operand): Tensor {
  return comparison("lessEqual", a, b);
}

export function greater(a: Tensor, b: Operand): Tensor {
  return comparison("greater", a, b);
}

export function greaterEqual(a: Tensor, b: Operand): Tensor {
  return comparison("greaterEqual", a, b);
}

export function logicalAnd(a: Tensor, b: Operand): Tensor {
  return logical("logicalAnd", a, b);
}

export function logicalOr(a: Tensor, b: Operand): Tensor {
  return logical("logicalOr", a, b);
}

export function logicalXor(a: Tensor, b: Operand): Tensor {
  return logical("logicalXor", a, b);
}

export interface Closeness {
  readonly rtol?: number;
  readonly atol?: number;
  readonly equalNaN?: boolean;
}

/** |a - b| <= atol + rtol |b|; infinities are close to themselves only. */
export function isClose(a: Tensor, b: Operand, { rtol = 1e-5, atol = 1e-8, equalNaN = false }: Closeness = {}): Tensor {
  const dtype = floatingOf(commonType(a, b));
  const x = castTo(a, dtype);
  const y = typeof b === "object" ? castTo(b, dtype) : new Tensor(a.backend.full([], +b, dtype), a.backend);
  const near = x.sub(y).abs().lessEqual(y.abs().mul(rtol).add(atol)).logicalAnd(y.isFinite());
  const close = near.logicalOr(x.equal(y));
  return equalNaN ? close.logicalOr(x.isNaN().logicalAnd(y.isNaN())) : close;
}

export function allClose(a: Tensor, b: Operand, options?: Closeness): boolean {
  return isClose(a, b, options).all().item() !== 0;
}
