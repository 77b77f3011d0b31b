/** Normalisation of channels: over the batch, over groups of channels, or each by itself. */
import { type Int, type NoDerivative, withoutDerivative } from "@pullback/autodiff";
import { batchNorm, batchNormTraining, groupNorm, instanceNorm, ones, type Tensor, zeros } from "@pullback/core";
import type { Layer } from "./layer.ts";

export interface ChannelNormOptions {
  /** The channel axis; default 1. */
  readonly axis?: number;
  /** Added to the variance; default 1e-5. */
  readonly epsilon?: number;
}

export interface BatchNormOptions extends ChannelNormOptions {
  /** Share of a batch's statistics in the running ones; default 0.1. */
  readonly momentum?: number;
}

/**
 * In training, each channel is normalised by mean and variance over the batch and all other axes, and the running
 * statistics move towards them: `running = (1 - momentum) * running + momentum * batch`, with the unbiased variance. In
 * evaluation the running statistics are used. Weight and bias, `[channels]`, start at 1 and 0. Ioffe and Szegedy 2015,
 * algorithms 1 and 2; PyTorch's momentum.
 */
export class BatchNorm implements Layer<Tensor, Tensor> {
  weight: Tensor;
  bias: Tensor;
  runningMean: NoDerivative<Tensor>;
  runningVariance: NoDerivative<Tensor>;
  training: NoDerivative<boolean> = true;
  readonly axis: Int;
  readonly momentum: NoDerivative<number>;
  readonly epsilon: NoDerivative<number>;

  constructor(channels: number, options: BatchNormOptions = {}) {
    this.weight = ones([channels]);
    this.bias = zeros([channels]);
    this.runningMean = zeros([channels]);
    this.runningVariance = ones([channels]);
    this.axis = options.axis ?? 1;
    this.momentum = options.momentum ?? 0.1;
    this.epsilon = options.epsilon ?? 1e-5;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const form = { axis: this.axis, epsilon: this.epsilon };
    if (!this.training) {
      return batchNorm(input, this.runningMean, this.runningVariance, this.weight, this.bias, form);
    }
    const { output, mean, variance } = batchNormTraining(input, this.weight, this.bias, form);
    this.remember(withoutDerivative(mean), withoutDerivative(variance), input.size / mean.size);
    return output;
  }

  /** Moves the running statistics towards those of a batch with `count` values per channel. */
  private remember(mean: NoDerivative<Tensor>, variance: NoDerivative<Tensor>, count: Int): void {
    const unbiased = variance.mul(count / Math.max(1, count - 1));
    this.runningMean = this.runningMean.mul(1 - this.momentum).add(mean.mul(this.momentum));
    this.runningVariance = this.runningVariance.mul(1 - this.momentum).add(unbiased.mul(this.momentum));
  }
}

/**
 * Each sample's channels are normalised in `groups` of neighbours, over the group and all axes but batch and channel.
 * Weight and bias, `[channels]`, start at 1 and 0. Wu and He 2018.
 */
export class GroupNorm implements Layer<Tensor, Tensor> {
  weight: Tensor;
  bias: Tensor;
  readonly groups: Int;
  readonly axis: Int;
  readonly epsilon: NoDerivative<number>;

  constructor(groups: number, channels: number, options: ChannelNormOptions = {}) {
    this.weight = ones([channels]);
    this.bias = zeros([channels]);
    this.groups = groups;
    this.axis = options.axis ?? 1;
    this.epsilon = options.epsilon ?? 1e-5;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return groupNorm(input, this.groups, this.weight, this.bias, { axis: this.axis, epsilon: this.epsilon });
  }
}

/**
 * Each channel of each sample is normalised by itself, over all axes but batch and channel. Weight and bias,
 * `[channels]`, start at 1 and 0. Ulyanov, Vedaldi and Lempitsky 2016.
 */
export class InstanceNorm implements Layer<Tensor, Tensor> {
  weight: Tensor;
  bias: Tensor;
  readonly axis: Int;
  readonly epsilon: NoDerivative<number>;

  constructor(channels: number, options: ChannelNormOptions = {}) {
    this.weight = ones([channels]);
    this.bias = zeros([channels]);
    this.axis = options.axis ?? 1;
    this.epsilon = options.epsilon ?? 1e-5;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return instanceNorm(input, this.weight, this.bias, { axis: this.axis, epsilon: this.epsilon });
  }
}
