/**
 * The derivative of batch normalisation in as few passes over the batch as its terms allow. With c the centred input,
 * r = rsqrt(variance + epsilon), n the values of a channel and w the weight: y = c r w + bias, and for a cotangent g
 * dx = r w (g - mean(g) - c r² mean(g c)), dw = r sum(g c), dbias = sum(g). Ioffe and Szegedy 2015, section 3.
 */
import { registerDerivative } from "@pullback/autodiff";
import {
  type BatchNormResult,
  batchNormTraining,
  type ChannelOptions,
  spread,
  traceBatchNorm,
} from "../operations/normalization.ts";
import { zerosLike } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { wants } from "./cotangents.ts";

const sum = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
  a === undefined ? b : b === undefined ? a : a.add(b);

registerDerivative(batchNormTraining, {
  vjp: (x: Tensor, weight?: Tensor, bias?: Tensor, options?: ChannelOptions) => {
    const { result, centred, rootReciprocal, gain, others } = traceBatchNorm(x, weight, bias, options);
    const count = x.size / result.mean.size;
    return {
      value: result,
      pullback: (cotangent: BatchNormResult, needs?: readonly boolean[]) => {
        // What nobody used has no cotangent.
        const ct: Partial<BatchNormResult> = cotangent;
        const g = ct.output;
        const total = g?.sum(others, true);
        const product = g?.mul(centred).sum(others, true);
        const perChannel = (tangent: Tensor) => tangent.reshape(gain.shape).div(count);
        const ofX = (): Tensor | undefined => {
          const slope = sum(
            product?.mul(rootReciprocal.square()).mul(gain).div(-count),
            ct.variance === undefined ? undefined : perChannel(ct.variance).mul(2),
          );
          const shift = sum(total?.mul(gain).div(-count), ct.mean === undefined ? undefined : perChannel(ct.mean));
          const curved = slope === undefined ? undefined : centred.mul(slope);
          const moved = sum(g?.mul(gain), curved);
          if (moved === undefined) return shift?.broadcastTo(x.shape);
          return (shift === undefined ? moved : moved.add(shift)).cast(x.dtype);
        };
        return [
          wants(x, needs, 0) ? ofX() : undefined,
          weight !== undefined && product !== undefined && wants(weight, needs, 1)
            ? product.mul(rootReciprocal).reshape(weight.shape).cast(weight.dtype)
            : undefined,
          bias !== undefined && total !== undefined && wants(bias, needs, 2)
            ? total.reshape(bias.shape).cast(bias.dtype)
            : undefined,
        ];
      },
    };
  },
  jvp: (x: Tensor, weight?: Tensor, bias?: Tensor, options?: ChannelOptions) => {
    const { result, centred, rootReciprocal, gain, others } = traceBatchNorm(x, weight, bias, options);
    const channel = x.shape.map((_, axis) => axis).filter((axis) => !others.includes(axis));
    return {
      value: result,
      differential: (dx: Tensor | undefined, dw: Tensor | undefined, db: Tensor | undefined) => {
        const { shape } = result.mean;
        const tangent = dx ?? zerosLike(x);
        const mean = tangent.mean(others, true);
        const variance = tangent.mul(centred).mean(others, true).mul(2);
        const fromVariance = variance.mul(rootReciprocal.square()).mul(gain).mul(-0.5);
        const slope = dw === undefined ? fromVariance : fromVariance.add(spread(dw, x, channel).mul(rootReciprocal));
        const output = tangent.sub(mean).mul(gain).add(centred.mul(slope));
        return {
          output: (db === undefined ? output : output.add(spread(db, x, channel))).cast(x.dtype),
          mean: mean.reshape(shape),
          variance: variance.reshape(shape),
        };
      },
    };
  },
  wrt: [0, 1, 2],
});
