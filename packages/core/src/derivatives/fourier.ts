/** Derivative of the Fourier transform: it is linear, and as a real map its adjoint is the transform of other sign. */
import { registerDerivative } from "@pullback/autodiff";
import type { Complex } from "../operations/fourier.ts";
import { transform } from "../operations/fourier.ts";
import { zerosLike } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";

registerDerivative(transform, {
  vjp: (real: Tensor, imag: Tensor, sign: 1 | -1) => ({
    value: transform(real, imag, sign),
    pullback: (ct: Complex) => {
      const adjoint = transform(ct.real, ct.imag, sign === 1 ? -1 : 1);
      return [adjoint.real.cast(real.dtype), adjoint.imag.cast(imag.dtype)];
    },
  }),
  jvp: (real: Tensor, imag: Tensor, sign: 1 | -1) => ({
    value: transform(real, imag, sign),
    differential: (dr: Tensor | undefined, di: Tensor | undefined) =>
      transform(dr ?? zerosLike(real), di ?? zerosLike(imag), sign),
  }),
  wrt: [0, 1],
});
