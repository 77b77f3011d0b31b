/** Activation functions that are compositions of elementwise operations. */
import { promoteWithNumber } from "../dtype.ts";
import { Tensor } from "../tensor/tensor.ts";
import { castTo, computeWide } from "./operand.ts";
import { geluTanh } from "./unary.ts";
import { where } from "./where.ts";

/** min(max(x, low), high); NaN stays NaN. A bound that is not an integer makes an integer tensor float32. */
export function clip(x: Tensor, low = -Infinity, high = Infinity): Tensor {
  let dtype = x.dtype;
  if (low !== -Infinity) dtype = promoteWithNumber(dtype, low);
  if (high !== Infinity) dtype = promoteWithNumber(dtype, high);
  const operand = castTo(x, dtype);
  return new Tensor(operand.backend.clip(operand.array, low, high), operand.backend);
}

export function gelu(x: Tensor, approximate: "none" | "tanh" = "none"): Tensor {
  if (approximate === "tanh") return geluTanh(x);
  return computeWide(x, (wide) => wide.mul(wide.mul(Math.SQRT1_2).erf().add(1)).mul(0.5));
}

export function softCap(x: Tensor, cap: number): Tensor {
  return computeWide(x, (wide) => wide.div(cap).tanh().mul(cap));
}

/** x / (1 + |x|), and ±1 at ±Infinity. */
export function softsign(x: Tensor): Tensor {
  return computeWide(x, (wide) => where(wide.isInfinite(), wide.sign(), wide.div(wide.abs().add(1))));
}

export function relu6(x: Tensor): Tensor {
  return x.clip(0, 6);
}

export function hardTanh(x: Tensor): Tensor {
  return x.clip(-1, 1);
}

export function hardSigmoid(x: Tensor): Tensor {
  return computeWide(x, (wide) => wide.add(3).clip(0, 6).div(6));
}

/** x * hardSigmoid(x), and 0 at -Infinity, where the product would be NaN. */
export function hardSwish(x: Tensor): Tensor {
  return computeWide(x, (wide) => where(wide.lessEqual(-3), 0, wide.mul(wide.hardSigmoid())));
}

export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return computeWide(x, (wide) => where(wide.greater(0), wide, wide.mul(slope)));
}

export function elu(x: Tensor, alpha = 1): Tensor {
  return computeWide(x, (wide) => where(wide.greater(0), wide, wide.expm1().mul(alpha)));
}

/** Barron 2017, "Continuously Differentiable Exponential Linear Units": max(0, x) + min(0, alpha (exp(x / alpha) - 1)). */
export function celu(x: Tensor, alpha = 1): Tensor {
  return computeWide(x, (wide) => where(wide.greater(0), wide, wide.div(alpha).expm1().mul(alpha)));
}

/** Klambauer et al. 2017, "Self-Normalizing Neural Networks", the constants of its appendix. */
export const seluAlpha = 1.6732632423543772;
export const seluScale = 1.0507009873554805;

export function selu(x: Tensor): Tensor {
  return computeWide(x, (wide) => wide.elu(seluAlpha).mul(seluScale));
}

/** Misra 2019: x tanh(softplus(x)), and 0 at -Infinity, where the product would be NaN. */
export function mish(x: Tensor): Tensor {
  return computeWide(x, (wide) => where(wide.equal(-Infinity), 0, wide.mul(wide.softplus().tanh())));
}
