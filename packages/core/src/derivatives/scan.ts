/** Derivatives of the scans. */
import { registerDerivative } from "@pullback/autodiff";
import type { ScanOptions } from "../operations/scan.ts";
import { where } from "../operations/where.ts";
import { normalizeAxis } from "../shape.ts";
import { arange, zerosLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";

registerDerivative(Tensor.prototype.cumsum, {
  vjp: (x: Tensor, axis: number, options?: ScanOptions) => ({
    value: x.cumsum(axis, options),
    pullback: (ct: Tensor) =>
      ct.cumsum(axis, { exclusive: options?.exclusive ?? false, reverse: !(options?.reverse ?? false) }),
  }),
  jvp: (x: Tensor, axis: number, options?: ScanOptions) => ({
    value: x.cumsum(axis, options),
    differential: (dx: Tensor) => dx.cumsum(axis, options),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.cumprod, {
  vjp: (x: Tensor, axis: number, options?: ScanOptions) => {
    const value = x.cumprod(axis, options);
    const exclusive = options?.exclusive ?? false;
    const reverse = options?.reverse ?? false;
    return {
      value,
      pullback: (ct: Tensor) => {
        if (x.rank === 0) return exclusive ? zerosLike(x) : ct;
        if (x.equal(0).any().item() === 0) return ct.mul(value).cumsum(axis, { exclusive, reverse: !reverse }).div(x);
        const turned = reverse
          ? cumprodCotangent(x.flip(axis), ct.flip(axis), axis, exclusive).flip(axis)
          : cumprodCotangent(x, ct, axis, exclusive);
        return turned;
      },
    };
  },
  jvp: (x: Tensor, axis: number, options?: ScanOptions) => {
    const value = x.cumprod(axis, options);
    const exclusive = options?.exclusive ?? false;
    const reverse = options?.reverse ?? false;
    return {
      value,
      differential: (dx: Tensor) => {
        if (x.rank === 0) return exclusive ? zerosLike(x) : dx;
        if (x.equal(0).any().item() === 0) return value.mul(dx.div(x).cumsum(axis, { exclusive, reverse }));
        return reverse
          ? cumprodTangent(x.flip(axis), dx.flip(axis), axis, exclusive).flip(axis)
          : cumprodTangent(x, dx, axis, exclusive);
      },
    };
  },
  wrt: ["this"],
});

/** [..., k, i]: for each k and each product i that holds x[k] the product of the others, n² of them; else 0. */
function productsWithout(x: Tensor, axis: number, exclusive: boolean): Tensor {
  const rows = x.moveAxis(axis, -1);
  const count = rows.shape[rows.rank - 1]!;
  const position = arange(0, count, 1, { dtype: "int32" }).to(x.device);
  const k = position.expandDims(1);
  const without = where(k.equal(position), 1, rows.expandDims(-2));
  const products = without.cumprod(-1, { exclusive });
  return where(exclusive ? position.greater(k) : position.greaterEqual(k), products, 0);
}

/** Without dividing by x, which holds zeros. */
function cumprodTangent(x: Tensor, dx: Tensor, axis: number, exclusive: boolean): Tensor {
  return productsWithout(x, axis, exclusive).mul(dx.moveAxis(axis, -1).expandDims(-1)).sum(-2).moveAxis(-1, axis);
}

/** Without dividing by x, which holds zeros. */
function cumprodCotangent(x: Tensor, ct: Tensor, axis: number, exclusive: boolean): Tensor {
  return productsWithout(x, axis, exclusive).mul(ct.moveAxis(axis, -1).expandDims(-2)).sum(-1).moveAxis(-1, axis);
}

/** For each position that of the element that is the running extremum there (the latest of equals). */
function runningExtremum(x: Tensor, value: Tensor, axis: number): Tensor {
  if (x.rank === 0) return zerosLike(x).cast("int32");
  const along = normalizeAxis("cummax", axis, x.rank);
  const count = x.shape[along]!;
  const position = arange(0, count, 1, { dtype: "int32" })
    .to(x.device)
    .reshape(x.shape.map((_, i) => (i === along ? count : 1)));
  return where(x.equal(value), position, 0).cummax(axis);
}

function toRunningExtremum(x: Tensor, value: Tensor, ct: Tensor, axis: number): Tensor {
  return zerosLike(x).scatterAdd(runningExtremum(x, value, axis), ct, axis);
}

registerDerivative(Tensor.prototype.cummax, {
  vjp: (x: Tensor, axis: number) => {
    const value = x.cummax(axis);
    return { value, pullback: (ct: Tensor) => toRunningExtremum(x, value, ct, axis) };
  },
  jvp: (x: Tensor, axis: number) => {
    const value = x.cummax(axis);
    return { value, differential: (dx: Tensor) => dx.takeAlongAxis(runningExtremum(x, value, axis), axis) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.cummin, {
  vjp: (x: Tensor, axis: number) => {
    const value = x.cummin(axis);
    return { value, pullback: (ct: Tensor) => toRunningExtremum(x, value, ct, axis) };
  },
  jvp: (x: Tensor, axis: number) => {
    const value = x.cummin(axis);
    return { value, differential: (dx: Tensor) => dx.takeAlongAxis(runningExtremum(x, value, axis), axis) };
  },
  wrt: ["this"],
});

/** exp(x[k]) times the sum of ct[i] exp(-value[i]) for i >= k, by logarithms, positive and negative parts apart. */
registerDerivative(Tensor.prototype.logCumSumExp, {
  vjp: (x: Tensor, axis: number) => {
    const value = x.logCumSumExp(axis);
    return {
      value,
      pullback: (ct: Tensor) => weighted(x, value, ct, axis).sub(weighted(x, value, ct.neg(), axis)),
    };
  },
  jvp: (x: Tensor, axis: number) => {
    const value = x.logCumSumExp(axis);
    return {
      value,
      differential: (dx: Tensor) => averaged(x, value, dx, axis).sub(averaged(x, value, dx.neg(), axis)),
    };
  },
  wrt: ["this"],
});

function weighted(x: Tensor, value: Tensor, ct: Tensor, axis: number): Tensor {
  const counted = ct.greater(0).logicalAnd(value.isFinite());
  const logs = where(
    counted,
    where(counted, ct, 1)
      .log()
      .sub(where(counted, value, 0)),
    -Infinity,
  );
  const total = logs.flip(axis).logCumSumExp(axis).flip(axis).add(x);
  const nothing = total.equal(-Infinity);
  return where(nothing, 0, where(nothing, 0, total).exp());
}

/** For each i the sum over k <= i of exp(x[k] - value[i]) times the positive part of dx[k], by logarithms. */
function averaged(x: Tensor, value: Tensor, dx: Tensor, axis: number): Tensor {
  const counted = dx.greater(0);
  const logs = where(counted, where(counted, dx, 1).log().add(x), -Infinity);
  const shift = where(value.isFinite(), value, 0);
  const total = logs.logCumSumExp(axis).sub(shift);
  const nothing = total.equal(-Infinity);
  return where(nothing, 0, where(nothing, 0, total).exp());
}
