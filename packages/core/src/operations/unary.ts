/** Elementwise functions of one tensor. */
import type { UnaryOp } from "../backend/index.ts";
import { floatingOf } from "../dtype.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo } from "./operand.ts";

function compute(op: UnaryOp, x: Tensor): Tensor {
  return new Tensor(x.backend.unary(op, x.array), x.backend);
}

/** Integers give float32. */
function floating(op: UnaryOp, x: Tensor): Tensor {
  return compute(op, castTo(x, floatingOf(x.array.dtype)));
}

/** Integers stay; bool is counted as int32. */
function arithmetic(op: UnaryOp, x: Tensor): Tensor {
  return compute(op, x.array.dtype === "bool" ? castTo(x, "int32") : x);
}

/** Integers stay as they are: they are whole already. */
function rounding(op: UnaryOp, x: Tensor): Tensor {
  return floatingOf(x.array.dtype) === x.array.dtype ? compute(op, x) : x;
}

export const abs = (x: Tensor): Tensor => arithmetic("abs", x);
export const neg = (x: Tensor): Tensor => arithmetic("neg", x);
export const square = (x: Tensor): Tensor => arithmetic("square", x);
export const sign = (x: Tensor): Tensor => arithmetic("sign", x);
export const relu = (x: Tensor): Tensor => arithmetic("relu", x);
export const ceil = (x: Tensor): Tensor => rounding("ceil", x);
export const floor = (x: Tensor): Tensor => rounding("floor", x);
export const round = (x: Tensor): Tensor => rounding("round", x);
export const trunc = (x: Tensor): Tensor => rounding("trunc", x);
export const reciprocal = (x: Tensor): Tensor => floating("reciprocal", x);
export const sqrt = (x: Tensor): Tensor => floating("sqrt", x);
export const rsqrt = (x: Tensor): Tensor => floating("rsqrt", x);
export const exp = (x: Tensor): Tensor => floating("exp", x);
export const exp2 = (x: Tensor): Tensor => floating("exp2", x);
export const exp10 = (x: Tensor): Tensor => floating("exp10", x);
export const expm1 = (x: Tensor): Tensor => floating("expm1", x);
export const log = (x: Tensor): Tensor => floating("log", x);
export const log2 = (x: Tensor): Tensor => floating("log2", x);
export const log10 = (x: Tensor): Tensor => floating("log10", x);
export const log1p = (x: Tensor): Tensor => floating("log1p", x);
export const sin = (x: Tensor): Tensor => floating("sin", x);
export const cos = (x: Tensor): Tensor => floating("cos", x);
export const tan = (x: Tensor): Tensor => floating("tan", x);
export const asin = (x: Tensor): Tensor => floating("asin", x);
export const acos = (x: Tensor): Tensor => floating("acos", x);
export const atan = (x: Tensor): Tensor => floating("atan", x);
export const sinh = (x: Tensor): Tensor => floating("sinh", x);
export const cosh = (x: Tensor): Tensor => floating("cosh", x);
export const tanh = (x: Tensor): Tensor => floating("tanh", x);
export const asinh = (x: Tensor): Tensor => floating("asinh", x);
export const acosh = (x: Tensor): Tensor => floating("acosh", x);
export const atanh = (x: Tensor): Tensor => floating("atanh", x);
export const erf = (x: Tensor): Tensor => floating("erf", x);
export const erfc = (x: Tensor): Tensor => floating("erfc", x);
export const erfInv = (x: Tensor): Tensor => floating("erfInv", x);
export const sigmoid = (x: Tensor): Tensor => floating("sigmoid", x);
export const logSigmoid = (x: Tensor): Tensor => floating("logSigmoid", x);
export const softplus = (x: Tensor): Tensor => floating("softplus", x);
export const silu = (x: Tensor): Tensor => floating("silu", x);
export const geluTanh = (x: Tensor): Tensor => floating("geluTanh", x);
/** d/dx of the tanh form of GELU. */
export const geluTanhDerivative = (x: Tensor): Tensor => floating("geluTanhDerivative", x);
export const nanElements = (x: Tensor): Tensor => compute("isNaN", x);
export const finiteElements = (x: Tensor): Tensor => compute("isFinite", x);
export const infiniteElements = (x: Tensor): Tensor => compute("isInfinite", x);
export const logicalNot = (x: Tensor): Tensor => compute("logicalNot", castTo(x, "bool"));
