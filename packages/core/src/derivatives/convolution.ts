/** Derivatives of the convolution primitives: each is linear in both operands, and they are each other's adjoints. */
import { registerDerivative } from "@pullback/autodiff";
import type { Sliding } from "../backend/index.ts";
import { convolve, convolveInputAdjoint, convolveWeightAdjoint } from "../operations/convolution.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { wants } from "./cotangents.ts";

registerDerivative(convolve, {
  vjp: (x: Tensor, weight: Tensor, sliding: Sliding) => ({
    value: convolve(x, weight, sliding),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => [
      wants(x, needs, 0) ? convolveInputAdjoint(ct, weight, sliding, x.shape.slice(2)).cast(x.dtype) : undefined,
      wants(weight, needs, 1)
        ? convolveWeightAdjoint(x, ct, sliding, weight.shape.slice(2)).cast(weight.dtype)
        : undefined,
    ],
  }),
  wrt: [0, 1],
});

registerDerivative(convolveInputAdjoint, {
  vjp: (ct: Tensor, weight: Tensor, sliding: Sliding, spatial: Shape) => ({
    value: convolveInputAdjoint(ct, weight, sliding, spatial),
    pullback: (g: Tensor, needs?: readonly boolean[]) => [
      wants(ct, needs, 0) ? convolve(g, weight, sliding).cast(ct.dtype) : undefined,
      wants(weight, needs, 1)
        ? convolveWeightAdjoint(g, ct, sliding, weight.shape.slice(2)).cast(weight.dtype)
        : undefined,
    ],
  }),
  wrt: [0, 1],
});

registerDerivative(convolveWeightAdjoint, {
  vjp: (x: Tensor, ct: Tensor, sliding: Sliding, kernel: Shape) => ({
    value: convolveWeightAdjoint(x, ct, sliding, kernel),
    pullback: (g: Tensor, needs?: readonly boolean[]) => [
      wants(x, needs, 0) ? convolveInputAdjoint(ct, g, sliding, x.shape.slice(2)).cast(x.dtype) : undefined,
      wants(ct, needs, 1) ? convolve(x, g, sliding).cast(ct.dtype) : undefined,
    ],
  }),
  wrt: [0, 1],
});
