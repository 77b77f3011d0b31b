/** Derivatives of the reductions. */
import { registerDerivative } from "@pullback/autodiff";
import { reducedSize } from "../operations/reduction.ts";
import type { Moments } from "../operations/statistics.ts";
import { where } from "../operations/where.ts";
import type { Axes } from "../shape.ts";
import { normalizeAxes, reducedShape } from "../shape.ts";
import { onesLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";

/** A reduced tensor with the reduced axes of x back, of extent 1. */
function restore(reduced: Tensor, x: Tensor, axes: Axes | undefined): Tensor {
  return reduced.reshape(reducedShape(x.shape, normalizeAxes("reshape", axes, x.rank), true));
}

registerDerivative(Tensor.prototype.sum, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false) => ({
    value: x.sum(axes, keepDims),
    pullback: (ct: Tensor) => restore(ct, x, axes).broadcastTo(x.shape),
  }),
  jvp: (x: Tensor, axes?: Axes, keepDims = false) => ({
    value: x.sum(axes, keepDims),
    differential: (dx: Tensor) => dx.sum(axes, keepDims),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.mean, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false) => ({
    value: x.mean(axes, keepDims),
    pullback: (ct: Tensor) => restore(ct, x, axes).div(reducedSize(x, axes)).broadcastTo(x.shape),
  }),
  jvp: (x: Tensor, axes?: Axes, keepDims = false) => ({
    value: x.mean(axes, keepDims),
    differential: (dx: Tensor) => dx.mean(axes, keepDims),
  }),
  wrt: ["this"],
});

/** For each element the product of all others, without dividing: what stands before times what stands after. */
function productOfOthers(x: Tensor, axes: Axes | undefined): Tensor {
  const reduced = normalizeAxes("prod", axes, x.rank);
  const last = reduced.map((_, i) => x.rank - reduced.length + i);
  const moved = x.moveAxis(reduced, last);
  const rows = moved.reshape([...moved.shape.slice(0, x.rank - reduced.length), reducedSize(x, axes)]);
  const before = rows.cumprod(-1, { exclusive: true });
  const after = rows.cumprod(-1, { exclusive: true, reverse: true });
  return before.mul(after).reshape(moved.shape).moveAxis(last, reduced);
}

registerDerivative(Tensor.prototype.prod, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false) => ({
    value: x.prod(axes, keepDims),
    pullback: (ct: Tensor) => restore(ct, x, axes).mul(productOfOthers(x, axes)),
  }),
  jvp: (x: Tensor, axes?: Axes, keepDims = false) => {
    const value = x.prod(axes, keepDims);
    return { value, differential: (dx: Tensor) => productOfOthers(x, axes).mul(dx).sum(axes, keepDims) };
  },
  wrt: ["this"],
});

/** ct shared equally among the elements equal to the extremum. */
function toExtrema(x: Tensor, extremum: Tensor, ct: Tensor, axes: Axes | undefined): Tensor {
  const taken = x.equal(restore(extremum, x, axes)).cast(x.dtype);
  return taken.mul(restore(ct, x, axes).div(taken.sum(axes, true)));
}

registerDerivative(Tensor.prototype.max, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false) => {
    const value = x.max(axes, keepDims);
    return { value, pullback: (ct: Tensor) => toExtrema(x, value, ct, axes) };
  },
  jvp: (x: Tensor, axes?: Axes, keepDims = false) => {
    const value = x.max(axes, keepDims);
    return {
      value,
      differential: (dx: Tensor) => toExtrema(x, value, onesLike(value), axes).mul(dx).sum(axes, keepDims),
    };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.min, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false) => {
    const value = x.min(axes, keepDims);
    return { value, pullback: (ct: Tensor) => toExtrema(x, value, ct, axes) };
  },
  jvp: (x: Tensor, axes?: Axes, keepDims = false) => {
    const value = x.min(axes, keepDims);
    return {
      value,
      differential: (dx: Tensor) => toExtrema(x, value, onesLike(value), axes).mul(dx).sum(axes, keepDims),
    };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.variance, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false, correction = 0) => ({
    value: x.variance(axes, keepDims, correction),
    pullback: (ct: Tensor) => {
      const scale = 2 / Math.max(0, reducedSize(x, axes) - correction);
      return x.sub(x.mean(axes, true)).mul(restore(ct, x, axes).mul(scale));
    },
  }),
  jvp: (x: Tensor, axes?: Axes, keepDims = false, correction = 0) => ({
    value: x.variance(axes, keepDims, correction),
    differential: (dx: Tensor) => {
      const scale = 2 / Math.max(0, reducedSize(x, axes) - correction);
      return x.sub(x.mean(axes, true)).mul(dx).sum(axes, keepDims).mul(scale);
    },
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.std, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false, correction = 0) => {
    const value = x.std(axes, keepDims, correction);
    return {
      value,
      pullback: (ct: Tensor) => {
        const divisor = value.mul(Math.max(0, reducedSize(x, axes) - correction));
        const slope = where(value.equal(0), 0, ct.div(where(value.equal(0), 1, divisor)));
        return x.sub(x.mean(axes, true)).mul(restore(slope, x, axes));
      },
    };
  },
  jvp: (x: Tensor, axes?: Axes, keepDims = false, correction = 0) => {
    const value = x.std(axes, keepDims, correction);
    return {
      value,
      differential: (dx: Tensor) => {
        const divisor = value.mul(Math.max(0, reducedSize(x, axes) - correction));
        const moved = x.sub(x.mean(axes, true)).mul(dx).sum(axes, keepDims);
        return where(value.equal(0), 0, moved.div(where(value.equal(0), 1, divisor)));
      },
    };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.moments, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false) => ({
    value: x.moments(axes, keepDims),
    pullback: (ct: Moments) => {
      const fromMean = restore(ct.mean, x, axes);
      const fromVariance = x.sub(x.mean(axes, true)).mul(restore(ct.variance, x, axes).mul(2));
      return fromVariance.add(fromMean).div(reducedSize(x, axes));
    },
  }),
  jvp: (x: Tensor, axes?: Axes, keepDims = false) => ({
    value: x.moments(axes, keepDims),
    differential: (dx: Tensor) => ({
      mean: dx.mean(axes, keepDims),
      variance: x.sub(x.mean(axes, true)).mul(dx).mean(axes, keepDims).mul(2),
    }),
  }),
  wrt: ["this"],
});

/** exp(x - logSumExp(x)). Where everything is -Infinity the shift is 0, and exp gives 0 instead of NaN. */
function weightsOf(x: Tensor, value: Tensor, axes: Axes | undefined): Tensor {
  return x.sub(restore(where(value.equal(-Infinity), 0, value), x, axes)).exp();
}

registerDerivative(Tensor.prototype.logSumExp, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false) => {
    const value = x.logSumExp(axes, keepDims);
    return {
      value,
      pullback: (ct: Tensor) => weightsOf(x, value, axes).mul(restore(ct, x, axes)),
    };
  },
  jvp: (x: Tensor, axes?: Axes, keepDims = false) => {
    const value = x.logSumExp(axes, keepDims);
    return { value, differential: (dx: Tensor) => weightsOf(x, value, axes).mul(dx).sum(axes, keepDims) };
  },
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.norm, {
  vjp: (x: Tensor, axes?: Axes, keepDims = false, order = 2) => {
    const value = x.norm(axes, keepDims, order);
    return { value, pullback: (ct: Tensor) => normCotangent(x, value, ct, axes, order) };
  },
  jvp: (x: Tensor, axes?: Axes, keepDims = false, order = 2) => {
    const value = x.norm(axes, keepDims, order);
    return {
      value,
      differential: (dx: Tensor) => normCotangent(x, value, onesLike(value), axes, order)?.mul(dx).sum(axes, keepDims),
    };
  },
  wrt: ["this"],
});

/** sign(x) (|x| / norm)^(order - 1), and 0 at the origin. */
function normCotangent(
  x: Tensor,
  value: Tensor,
  ct: Tensor,
  axes: Axes | undefined,
  order: number,
): Tensor | undefined {
  if (order === 0) return undefined;
  if (order === 1) return x.sign().mul(restore(ct, x, axes));
  if (Math.abs(order) === Infinity) return x.sign().mul(toExtrema(x.abs(), value, ct, axes));
  const origin = value.equal(0);
  const slope = restore(where(origin, 0, ct), x, axes);
  const length = restore(where(origin, 1, value), x, axes);
  if (order === 2) return x.div(length).mul(slope);
  const nothing = x.equal(0);
  const ratio = where(nothing, 1, x.abs())
    .div(length)
    .pow(order - 1);
  return where(nothing, 0, x.sign().mul(ratio).mul(slope));
}

registerDerivative(Tensor.prototype.item, {
  vjp: (x: Tensor) => ({ value: x.item(), pullback: (ct: number) => onesLike(x).mul(ct) }),
  jvp: (x: Tensor) => ({ value: x.item(), differential: (dx: Tensor) => dx.item() }),
  wrt: ["this"],
});
