/** Derivatives of matrix products. */
import { registerDerivative } from "@pullback/autodiff";
import type { MatmulOptions } from "../operations/matmul.ts";
import { Tensor } from "../tensor/tensor.ts";
import { totalTangent, wants } from "./cotangents.ts";

registerDerivative(Tensor.prototype.matmul, {
  vjp: (a: Tensor, b: Tensor, options?: MatmulOptions) => ({
    value: a.matmul(b, options),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => {
      const left = a.rank === 1 ? a.expandDims(0) : a;
      const right = b.rank === 1 ? b.expandDims(1) : b;
      const columns = b.rank === 1 ? ct.expandDims(-1) : ct;
      const product = a.rank === 1 ? columns.expandDims(-2) : columns;
      const flipA = a.rank > 1 && options?.transposeA === true;
      const flipB = b.rank > 1 && options?.transposeB === true;
      return [
        wants(a, needs, 0)
          ? leftCotangent(left, right, product, flipA, flipB).reshape(a.shape).cast(a.dtype)
          : undefined,
        wants(b, needs, 1)
          ? rightCotangent(left, right, product, flipA, flipB).reshape(b.shape).cast(b.dtype)
          : undefined,
      ];
    },
  }),
  jvp: (a: Tensor, b: Tensor, options?: MatmulOptions) => {
    const value = a.matmul(b, options);
    return {
      value,
      differential: (da: Tensor | undefined, db: Tensor | undefined) =>
        totalTangent(value, da?.matmul(b, options), db === undefined ? undefined : a.matmul(db, options)),
    };
  },
  wrt: ["this", 0],
});

function leftCotangent(a: Tensor, b: Tensor, ct: Tensor, flipA: boolean, flipB: boolean): Tensor {
  const product = flipA ? b.matmul(ct, { transposeA: flipB, transposeB: true }) : ct.matmul(b, { transposeB: !flipB });
  return product.sumTo(a.shape);
}

function rightCotangent(a: Tensor, b: Tensor, ct: Tensor, flipA: boolean, flipB: boolean): Tensor {
  if (b.rank === 2 && a.rank > 2 && !flipA) {
    // One matrix met many rows: the sum over the leading axes is one product over all rows.
    const rows = a.reshape([-1, a.shape[a.rank - 1]!]);
    const cotangents = ct.reshape([-1, ct.shape[ct.rank - 1]!]);
    return rightCotangent(rows, b, cotangents, false, flipB);
  }
  const product = flipB ? ct.matmul(a, { transposeA: true, transposeB: flipA }) : a.matmul(ct, { transposeA: !flipA });
  return product.sumTo(b.shape);
}

registerDerivative(Tensor.prototype.dot, {
  vjp: (a: Tensor, b: Tensor) => ({
    value: a.dot(b),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => [
      wants(a, needs, 0) ? ct.mul(b).cast(a.dtype) : undefined,
      wants(b, needs, 1) ? ct.mul(a).cast(b.dtype) : undefined,
    ],
  }),
  jvp: (a: Tensor, b: Tensor) => {
    const value = a.dot(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: Tensor | undefined) =>
        totalTangent(value, da?.dot(b), db === undefined ? undefined : a.dot(db)),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.outer, {
  vjp: (a: Tensor, b: Tensor) => ({
    value: a.outer(b),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => [
      wants(a, needs, 0) ? ct.matmul(b).cast(a.dtype) : undefined,
      wants(b, needs, 1) ? a.matmul(ct).cast(b.dtype) : undefined,
    ],
  }),
  jvp: (a: Tensor, b: Tensor) => {
    const value = a.outer(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: Tensor | undefined) =>
        totalTangent(value, da?.outer(b), db === undefined ? undefined : a.outer(db)),
    };
  },
  wrt: ["this", 0],
});
