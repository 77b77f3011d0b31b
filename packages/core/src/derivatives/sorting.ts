/** Derivatives of sorting: the cotangent goes back to the element that was moved. */
import { registerDerivative } from "@pullback/autodiff";
import type { TopK, TopKOptions } from "../operations/sorting.ts";
import { zerosLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";

registerDerivative(Tensor.prototype.sort, {
  vjp: (x: Tensor, axis = -1, descending = false) => {
    const order = x.argsort(axis, descending);
    return {
      value: x.takeAlongAxis(order, axis),
      pullback: (ct: Tensor) => zerosLike(x).scatterAdd(order, ct, axis),
    };
  },
  jvp: (x: Tensor, axis = -1, descending = false) => {
    const order = x.argsort(axis, descending);
    return { value: x.takeAlongAxis(order, axis), differential: (dx: Tensor) => dx.takeAlongAxis(order, axis) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.topK, {
  vjp: (x: Tensor, k: number, axis = -1, options?: TopKOptions) => {
    const value = x.topK(k, axis, options);
    return { value, pullback: (ct: TopK) => zerosLike(x).scatterAdd(value.indices, ct.values, axis) };
  },
  jvp: (x: Tensor, k: number, axis = -1, options?: TopKOptions) => {
    const value = x.topK(k, axis, options);
    return {
      value,
      differential: (dx: Tensor) => ({
        values: dx.takeAlongAxis(value.indices, axis),
        indices: zerosLike(value.indices),
      }),
    };
  },
  wrt: ["this"],
});
