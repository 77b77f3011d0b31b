/** Derivatives of the elementwise functions of one tensor. */
import { registerDerivative } from "@pullback/autodiff";
import { where } from "../operations/where.ts";
import { zerosLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";

registerDerivative(Tensor.prototype.abs, {
  vjp: (x: Tensor) => {
    const value = x.abs();
    return { value, pullback: (ct: Tensor) => ct.mul(x.sign()) };
  },
  jvp: (x: Tensor) => {
    const value = x.abs();
    return { value, differential: (dx: Tensor) => dx.mul(x.sign()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.neg, {
  vjp: (x: Tensor) => {
    const value = x.neg();
    return { value, pullback: (ct: Tensor) => ct.neg() };
  },
  jvp: (x: Tensor) => {
    const value = x.neg();
    return { value, differential: (dx: Tensor) => dx.neg() };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.square, {
  vjp: (x: Tensor) => {
    const value = x.square();
    return { value, pullback: (ct: Tensor) => ct.mul(x).mul(2) };
  },
  jvp: (x: Tensor) => {
    const value = x.square();
    return { value, differential: (dx: Tensor) => dx.mul(x).mul(2) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.reciprocal, {
  vjp: (x: Tensor) => {
    const value = x.reciprocal();
    return { value, pullback: (ct: Tensor) => ct.mul(value.square()).neg() };
  },
  jvp: (x: Tensor) => {
    const value = x.reciprocal();
    return { value, differential: (dx: Tensor) => dx.mul(value.square()).neg() };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.sqrt, {
  vjp: (x: Tensor) => {
    const value = x.sqrt();
    return { value, pullback: (ct: Tensor) => ct.div(value).mul(0.5) };
  },
  jvp: (x: Tensor) => {
    const value = x.sqrt();
    return { value, differential: (dx: Tensor) => dx.div(value).mul(0.5) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.rsqrt, {
  vjp: (x: Tensor) => {
    const value = x.rsqrt();
    return { value, pullback: (ct: Tensor) => ct.mul(value).div(x).mul(-0.5) };
  },
  jvp: (x: Tensor) => {
    const value = x.rsqrt();
    return { value, differential: (dx: Tensor) => dx.mul(value).div(x).mul(-0.5) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.exp, {
  vjp: (x: Tensor) => {
    const value = x.exp();
    return { value, pullback: (ct: Tensor) => ct.mul(value) };
  },
  jvp: (x: Tensor) => {
    const value = x.exp();
    return { value, differential: (dx: Tensor) => dx.mul(value) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.exp2, {
  vjp: (x: Tensor) => {
    const value = x.exp2();
    return { value, pullback: (ct: Tensor) => ct.mul(value).mul(Math.LN2) };
  },
  jvp: (x: Tensor) => {
    const value = x.exp2();
    return { value, differential: (dx: Tensor) => dx.mul(value).mul(Math.LN2) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.exp10, {
  vjp: (x: Tensor) => {
    const value = x.exp10();
    return { value, pullback: (ct: Tensor) => ct.mul(value).mul(Math.LN10) };
  },
  jvp: (x: Tensor) => {
    const value = x.exp10();
    return { value, differential: (dx: Tensor) => dx.mul(value).mul(Math.LN10) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.expm1, {
  vjp: (x: Tensor) => {
    const value = x.expm1();
    return { value, pullback: (ct: Tensor) => ct.mul(x.exp()) };
  },
  jvp: (x: Tensor) => {
    const value = x.expm1();
    return { value, differential: (dx: Tensor) => dx.mul(x.exp()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.log, {
  vjp: (x: Tensor) => {
    const value = x.log();
    return { value, pullback: (ct: Tensor) => ct.div(x) };
  },
  jvp: (x: Tensor) => {
    const value = x.log();
    return { value, differential: (dx: Tensor) => dx.div(x) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.log2, {
  vjp: (x: Tensor) => {
    const value = x.log2();
    return { value, pullback: (ct: Tensor) => ct.div(x).mul(Math.LOG2E) };
  },
  jvp: (x: Tensor) => {
    const value = x.log2();
    return { value, differential: (dx: Tensor) => dx.div(x).mul(Math.LOG2E) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.log10, {
  vjp: (x: Tensor) => {
    const value = x.log10();
    return { value, pullback: (ct: Tensor) => ct.div(x).mul(Math.LOG10E) };
  },
  jvp: (x: Tensor) => {
    const value = x.log10();
    return { value, differential: (dx: Tensor) => dx.div(x).mul(Math.LOG10E) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.log1p, {
  vjp: (x: Tensor) => {
    const value = x.log1p();
    return { value, pullback: (ct: Tensor) => ct.div(x.add(1)) };
  },
  jvp: (x: Tensor) => {
    const value = x.log1p();
    return { value, differential: (dx: Tensor) => dx.div(x.add(1)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.sin, {
  vjp: (x: Tensor) => {
    const value = x.sin();
    return { value, pullback: (ct: Tensor) => ct.mul(x.cos()) };
  },
  jvp: (x: Tensor) => {
    const value = x.sin();
    return { value, differential: (dx: Tensor) => dx.mul(x.cos()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.cos, {
  vjp: (x: Tensor) => {
    const value = x.cos();
    return { value, pullback: (ct: Tensor) => ct.mul(x.sin()).neg() };
  },
  jvp: (x: Tensor) => {
    const value = x.cos();
    return { value, differential: (dx: Tensor) => dx.mul(x.sin()).neg() };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.tan, {
  vjp: (x: Tensor) => {
    const value = x.tan();
    return { value, pullback: (ct: Tensor) => ct.mul(value.square().add(1)) };
  },
  jvp: (x: Tensor) => {
    const value = x.tan();
    return { value, differential: (dx: Tensor) => dx.mul(value.square().add(1)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.asin, {
  vjp: (x: Tensor) => {
    const value = x.asin();
    return { value, pullback: (ct: Tensor) => ct.div(x.add(1).mul(x.neg().add(1)).sqrt()) };
  },
  jvp: (x: Tensor) => {
    const value = x.asin();
    return { value, differential: (dx: Tensor) => dx.div(x.add(1).mul(x.neg().add(1)).sqrt()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.acos, {
  vjp: (x: Tensor) => {
    const value = x.acos();
    return { value, pullback: (ct: Tensor) => ct.div(x.add(1).mul(x.neg().add(1)).sqrt()).neg() };
  },
  jvp: (x: Tensor) => {
    const value = x.acos();
    return { value, differential: (dx: Tensor) => dx.div(x.add(1).mul(x.neg().add(1)).sqrt()).neg() };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.atan, {
  vjp: (x: Tensor) => {
    const value = x.atan();
    return { value, pullback: (ct: Tensor) => ct.div(x.square().add(1)) };
  },
  jvp: (x: Tensor) => {
    const value = x.atan();
    return { value, differential: (dx: Tensor) => dx.div(x.square().add(1)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.sinh, {
  vjp: (x: Tensor) => {
    const value = x.sinh();
    return { value, pullback: (ct: Tensor) => ct.mul(x.cosh()) };
  },
  jvp: (x: Tensor) => {
    const value = x.sinh();
    return { value, differential: (dx: Tensor) => dx.mul(x.cosh()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.cosh, {
  vjp: (x: Tensor) => {
    const value = x.cosh();
    return { value, pullback: (ct: Tensor) => ct.mul(x.sinh()) };
  },
  jvp: (x: Tensor) => {
    const value = x.cosh();
    return { value, differential: (dx: Tensor) => dx.mul(x.sinh()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.tanh, {
  vjp: (x: Tensor) => {
    const value = x.tanh();
    return { value, pullback: (ct: Tensor) => ct.sub(ct.mul(value).mul(value)) };
  },
  jvp: (x: Tensor) => {
    const value = x.tanh();
    return { value, differential: (dx: Tensor) => dx.sub(dx.mul(value).mul(value)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.asinh, {
  vjp: (x: Tensor) => {
    const value = x.asinh();
    return { value, pullback: (ct: Tensor) => ct.div(x.hypot(1)) };
  },
  jvp: (x: Tensor) => {
    const value = x.asinh();
    return { value, differential: (dx: Tensor) => dx.div(x.hypot(1)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.acosh, {
  vjp: (x: Tensor) => {
    const value = x.acosh();
    return { value, pullback: (ct: Tensor) => ct.div(x.sub(1).mul(x.add(1)).sqrt()) };
  },
  jvp: (x: Tensor) => {
    const value = x.acosh();
    return { value, differential: (dx: Tensor) => dx.div(x.sub(1).mul(x.add(1)).sqrt()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.atanh, {
  vjp: (x: Tensor) => {
    const value = x.atanh();
    return { value, pullback: (ct: Tensor) => ct.div(x.add(1).mul(x.neg().add(1))) };
  },
  jvp: (x: Tensor) => {
    const value = x.atanh();
    return { value, differential: (dx: Tensor) => dx.div(x.add(1).mul(x.neg().add(1))) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.erf, {
  vjp: (x: Tensor) => {
    const value = x.erf();
    return { value, pullback: (ct: Tensor) => ct.mul(x.square().neg().exp()).mul(2 / Math.sqrt(Math.PI)) };
  },
  jvp: (x: Tensor) => {
    const value = x.erf();
    return { value, differential: (dx: Tensor) => dx.mul(x.square().neg().exp()).mul(2 / Math.sqrt(Math.PI)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.erfc, {
  vjp: (x: Tensor) => {
    const value = x.erfc();
    return { value, pullback: (ct: Tensor) => ct.mul(x.square().neg().exp()).mul(-2 / Math.sqrt(Math.PI)) };
  },
  jvp: (x: Tensor) => {
    const value = x.erfc();
    return { value, differential: (dx: Tensor) => dx.mul(x.square().neg().exp()).mul(-2 / Math.sqrt(Math.PI)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.erfInv, {
  vjp: (x: Tensor) => {
    const value = x.erfInv();
    return { value, pullback: (ct: Tensor) => ct.mul(value.square().exp()).mul(Math.sqrt(Math.PI) / 2) };
  },
  jvp: (x: Tensor) => {
    const value = x.erfInv();
    return { value, differential: (dx: Tensor) => dx.mul(value.square().exp()).mul(Math.sqrt(Math.PI) / 2) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.sigmoid, {
  vjp: (x: Tensor) => {
    const value = x.sigmoid();
    return { value, pullback: (ct: Tensor) => ct.mul(value).mul(value.neg().add(1)) };
  },
  jvp: (x: Tensor) => {
    const value = x.sigmoid();
    return { value, differential: (dx: Tensor) => dx.mul(value).mul(value.neg().add(1)) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.logSigmoid, {
  vjp: (x: Tensor) => {
    const value = x.logSigmoid();
    return { value, pullback: (ct: Tensor) => ct.mul(x.neg().sigmoid()) };
  },
  jvp: (x: Tensor) => {
    const value = x.logSigmoid();
    return { value, differential: (dx: Tensor) => dx.mul(x.neg().sigmoid()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.softplus, {
  vjp: (x: Tensor) => {
    const value = x.softplus();
    return { value, pullback: (ct: Tensor) => ct.mul(x.sigmoid()) };
  },
  jvp: (x: Tensor) => {
    const value = x.softplus();
    return { value, differential: (dx: Tensor) => dx.mul(x.sigmoid()) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.relu, {
  vjp: (x: Tensor) => {
    const value = x.relu();
    return { value, pullback: (ct: Tensor) => where(x.greater(0), ct, 0) };
  },
  jvp: (x: Tensor) => {
    const value = x.relu();
    return { value, differential: (dx: Tensor) => where(x.greater(0), dx, 0) };
  },
  wrt: ["this"],
});

// Piecewise constant: the derivative is zero everywhere.

registerDerivative(Tensor.prototype.sign, {
  vjp: (x: Tensor) => ({ value: x.sign(), pullback: (ct: Tensor) => zerosLike(ct) }),
  jvp: (x: Tensor) => ({ value: x.sign(), differential: (dx: Tensor) => zerosLike(dx) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.ceil, {
  vjp: (x: Tensor) => ({ value: x.ceil(), pullback: (ct: Tensor) => zerosLike(ct) }),
  jvp: (x: Tensor) => ({ value: x.ceil(), differential: (dx: Tensor) => zerosLike(dx) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.floor, {
  vjp: (x: Tensor) => ({ value: x.floor(), pullback: (ct: Tensor) => zerosLike(ct) }),
  jvp: (x: Tensor) => ({ value: x.floor(), differential: (dx: Tensor) => zerosLike(dx) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.round, {
  vjp: (x: Tensor) => ({ value: x.round(), pullback: (ct: Tensor) => zerosLike(ct) }),
  jvp: (x: Tensor) => ({ value: x.round(), differential: (dx: Tensor) => zerosLike(dx) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.trunc, {
  vjp: (x: Tensor) => ({ value: x.trunc(), pullback: (ct: Tensor) => zerosLike(ct) }),
  jvp: (x: Tensor) => ({ value: x.trunc(), differential: (dx: Tensor) => zerosLike(dx) }),
  wrt: ["this"],
});
