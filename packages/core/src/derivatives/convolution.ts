/** Derivatives of the convolution primitives: each is linear in both operands, and they are each other's adjoints. */
import { registerDerivative } from "@pullback/autodiff";
import type { Sliding } from "../backend/index.ts";
import { convolve, convolveInputAdjoint, convolveWeightAdjoint } from "../operations/convolution.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { totalTangent, wants } from "./cotangents.ts";

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
  jvp: (x: Tensor, weight: Tensor, sliding: Sliding) => {
    const value = convolve(x, weight, sliding);
    return {
      value,
      differential: (d0: Tensor | undefined, d1: Tensor | undefined) =>
        totalTangent(
          value,
          d0 === undefined ? undefined : convolve(d0, weight, sliding),
          d1 === undefined ? undefined : convolve(x, d1, sliding),
        ),
    };
  },
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
  jvp: (ct: Tensor, weight: Tensor, sliding: Sliding, spatial: Shape) => {
    const value = convolveInputAdjoint(ct, weight, sliding, spatial);
    return {
      value,
      differential: (d0: Tensor | undefined, d1: Tensor | undefined) =>
        totalTangent(
          value,
          d0 === undefined ? undefined : convolveInputAdjoint(d0, weight, sliding, spatial),
          d1 === undefined ? undefined : convolveInputAdjoint(ct, d1, sliding, spatial),
        ),
    };
  },
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
  jvp: (x: Tensor, ct: Tensor, sliding: Sliding, kernel: Shape) => {
    const value = convolveWeightAdjoint(x, ct, sliding, kernel);
    return {
      value,
      differential: (d0: Tensor | undefined, d1: Tensor | undefined) =>
        totalTangent(
          value,
          d0 === undefined ? undefined : convolveWeightAdjoint(d0, ct, sliding, kernel),
          d1 === undefined ? undefined : convolveWeightAdjoint(x, d1, sliding, kernel),
        ),
    };
  },
  wrt: [0, 1],
});
