/** Derivatives of the normalisations of rows. */
import { registerDerivative } from "@pullback/autodiff";
import type { LayerNormOptions, RmsNormOptions } from "../operations/normalization.ts";
import { isLastAxis, layerNorm, otherAxes, rmsNorm, rmsNormAdjoint, spread } from "../operations/normalization.ts";
import { normalizeAxes } from "../shape.ts";
import { zerosLike } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { totalTangent, wants } from "./cotangents.ts";

registerDerivative(rmsNorm, {
  vjp: (x: Tensor, weight?: Tensor, options?: RmsNormOptions) => {
    const value = rmsNorm(x, weight, options);
    const epsilon = options?.epsilon ?? 1e-6;
    const offset = options?.offset ?? 0;
    const axes = normalizeAxes("rmsNorm", options?.axes ?? -1, x.rank);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => {
        if (isLastAxis(x, axes) && (weight === undefined || weight.dtype === x.dtype)) {
          const adjoint = rmsNormAdjoint(x, weight, ct, epsilon, offset);
          return [wants(x, needs, 0) ? adjoint.x : undefined, needs?.[1] === false ? undefined : adjoint.weight];
        }
        const scale = x.square().mean(axes, true).add(epsilon).rsqrt();
        const normalized = x.mul(scale);
        const g = weight === undefined ? ct : ct.mul(spread(weight, x, axes).add(offset));
        return [
          wants(x, needs, 0)
            ? g
                .sub(normalized.mul(g.mul(normalized).mean(axes, true)))
                .mul(scale)
                .cast(x.dtype)
            : undefined,
          weight !== undefined && wants(weight, needs, 1)
            ? ct.mul(normalized).sum(otherAxes(x, axes)).cast(weight.dtype)
            : undefined,
        ];
      },
    };
  },
  jvp: (x: Tensor, weight?: Tensor, options?: RmsNormOptions) => {
    const value = rmsNorm(x, weight, options);
    const axes = normalizeAxes("rmsNorm", options?.axes ?? -1, x.rank);
    return {
      value,
      differential: (dx: Tensor | undefined, dw: Tensor | undefined) => {
        const scale = x
          .square()
          .mean(axes, true)
          .add(options?.epsilon ?? 1e-6)
          .rsqrt();
        const normalized = x.mul(scale);
        const turned = dx?.sub(normalized.mul(normalized.mul(dx).mean(axes, true))).mul(scale);
        const gain = weight === undefined ? undefined : spread(weight, x, axes).add(options?.offset ?? 0);
        return totalTangent(
          value,
          turned === undefined || gain === undefined ? turned : turned.mul(gain),
          dw === undefined ? undefined : normalized.mul(spread(dw, x, axes)),
        );
      },
    };
  },
  wrt: [0, 1],
});

/**
 * With r = rsqrt(mean(x²) + epsilon), n = x r and g = ct (weight + offset), the adjoint gives
 * dx = r (g - n mean(g n)) and dweight = sum(ct n). Here u and v are the cotangents of dx and dweight.
 */
registerDerivative(rmsNormAdjoint, {
  vjp: (x: Tensor, weight: Tensor | undefined, ct: Tensor, epsilon: number, offset: number) => ({
    value: rmsNormAdjoint(x, weight, ct, epsilon, offset),
    pullback: (cotangent: { x: Tensor; weight: Tensor | undefined }) => {
      const u = cotangent.x;
      const v = cotangent.weight;
      const r = x.square().mean(-1, true).add(epsilon).rsqrt();
      const n = x.mul(r);
      const gain = weight?.add(offset);
      const g = gain === undefined ? ct : ct.mul(gain);
      const un = u.mul(n).mean(-1, true);
      const gn = g.mul(n).mean(-1, true);
      const extent = x.shape[x.rank - 1]!;
      const fromG = u.sub(n.mul(un)).mul(r);
      const rowwise = g.mul(un).add(u.mul(gn)).mul(r).neg();
      const fromN = v === undefined ? rowwise : rowwise.add(ct.mul(v));
      const fromR = u.mul(g).mean(-1, true).sub(un.mul(gn)).mul(extent).add(fromN.mul(x).sum(-1, true));
      const fromX = fromN.mul(r).sub(x.mul(fromR).mul(r.square().mul(r)).div(extent));
      const throughGain = gain === undefined ? fromG : fromG.mul(gain);
      const fromCt = v === undefined ? throughGain : throughGain.add(n.mul(v));
      const fromWeight = weight === undefined ? undefined : ct.mul(fromG).sumTo(weight.shape);
      return [fromX, fromWeight, fromCt];
    },
  }),
  jvp: (x: Tensor, weight: Tensor | undefined, ct: Tensor, epsilon: number, offset: number) => {
    const value = rmsNormAdjoint(x, weight, ct, epsilon, offset);
    return {
      value,
      differential: (dx: Tensor | undefined, dw: Tensor | undefined, dct: Tensor | undefined) => {
        const r = x.square().mean(-1, true).add(epsilon).rsqrt();
        const n = x.mul(r);
        const gain = weight?.add(offset);
        const g = gain === undefined ? ct : ct.mul(gain);
        const gn = g.mul(n).mean(-1, true);
        const moved = dx ?? zerosLike(x);
        const nx = n.mul(moved).mean(-1, true);
        const dr = r.square().mul(nx).neg();
        const dn = moved.sub(n.mul(nx)).mul(r);
        const fromCt = dct ?? zerosLike(ct);
        const gained = gain === undefined ? fromCt : fromCt.mul(gain);
        const dg = dw === undefined ? gained : gained.add(ct.mul(dw));
        const dgn = dg.mul(n).add(g.mul(dn)).mean(-1, true);
        const turned = dg.sub(dn.mul(gn)).sub(n.mul(dgn)).mul(r);
        return {
          x: g.sub(n.mul(gn)).mul(dr).add(turned),
          weight: weight === undefined ? undefined : fromCt.mul(n).add(ct.mul(dn)).sumTo(weight.shape),
        };
      },
    };
  },
  wrt: [0, 1, 2],
});

registerDerivative(layerNorm, {
  vjp: (x: Tensor, weight?: Tensor, bias?: Tensor, options?: LayerNormOptions) => {
    const axes = normalizeAxes("layerNorm", options?.axes ?? -1, x.rank);
    return {
      value: layerNorm(x, weight, bias, options),
      pullback: (ct: Tensor, needs?: readonly boolean[]) => {
        const centred = x.sub(x.mean(axes, true));
        const scale = centred
          .square()
          .mean(axes, true)
          .add(options?.epsilon ?? 1e-5)
          .rsqrt();
        const normalized = centred.mul(scale);
        const others = otherAxes(x, axes);
        const g = weight === undefined ? ct : ct.mul(spread(weight, x, axes));
        return [
          wants(x, needs, 0)
            ? g
                .sub(g.mean(axes, true))
                .sub(normalized.mul(g.mul(normalized).mean(axes, true)))
                .mul(scale)
                .cast(x.dtype)
            : undefined,
          weight !== undefined && wants(weight, needs, 1)
            ? ct.mul(normalized).sum(others).cast(weight.dtype)
            : undefined,
          bias !== undefined && wants(bias, needs, 2) ? ct.sum(others).cast(bias.dtype) : undefined,
        ];
      },
    };
  },
  jvp: (x: Tensor, weight?: Tensor, bias?: Tensor, options?: LayerNormOptions) => {
    const axes = normalizeAxes("layerNorm", options?.axes ?? -1, x.rank);
    const value = layerNorm(x, weight, bias, options);
    return {
      value,
      differential: (dx: Tensor | undefined, dw: Tensor | undefined, db: Tensor | undefined) => {
        const centred = x.sub(x.mean(axes, true));
        const scale = centred
          .square()
          .mean(axes, true)
          .add(options?.epsilon ?? 1e-5)
          .rsqrt();
        const normalized = centred.mul(scale);
        const turned = dx
          ?.sub(dx.mean(axes, true))
          .sub(normalized.mul(normalized.mul(dx).mean(axes, true)))
          .mul(scale);
        const scaled = weight === undefined ? turned : turned?.mul(spread(weight, x, axes));
        const gained = dw === undefined ? undefined : normalized.mul(spread(dw, x, axes));
        const shifted = db === undefined ? undefined : spread(db, x, axes);
        return totalTangent(value, totalTangent(value, scaled, gained), shifted);
      },
    };
  },
  wrt: [0, 1, 2],
});
