/** Convolutions as layers, in one, two and three dimensions. Weights are `[out, in / groups, …kernel]` in every layout. */
import type { Int, NoDerivative } from "@pullback/autodiff";
import { type ConvolutionOptions, conv1d, conv2d, conv3d, type PerAxis, type Tensor } from "@pullback/core";
import { fanInUniform, type InitializerOptions } from "../initializers/index.ts";
import type { Layer } from "./layer.ts";

export interface ConvOptions extends ConvolutionOptions, InitializerOptions {
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
}

/** What the convolution layers share: weight, bias and options; both start uniform in ±1/sqrt(fan in), as PyTorch's. */
class Convolution {
  weight: Tensor;
  bias?: Tensor;
  readonly options: NoDerivative<ConvolutionOptions>;

  constructor(axes: number, inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvOptions) {
    const { key, bias = true, ...rest } = options;
    const kernel = kernelOf(kernelSize, axes);
    const fanIn = kernel.reduce((product, extent) => product * extent, inChannels / (rest.groups ?? 1));
    const [weightKey, biasKey] = key?.split() ?? [];
    const shape = [outChannels, inChannels / (rest.groups ?? 1), ...kernel];
    this.weight = fanInUniform(shape, fanIn, weightKey && { key: weightKey });
    if (bias) this.bias = fanInUniform([outChannels], fanIn, biasKey && { key: biasKey });
    this.options = rest;
  }
}

/** One extent per axis. */
export const kernelOf = (kernelSize: PerAxis, axes: Int): number[] =>
  typeof kernelSize === "number" ? new Array<number>(axes).fill(kernelSize) : [...kernelSize];

/** Cross-correlation over `[batch, channels, length]`; core's `conv1d` says what the options do. */
export class Conv1d extends Convolution implements Layer<Tensor, Tensor> {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return conv1d(input, this.weight, this.bias, this.options);
  }
}

/** Cross-correlation over `[batch, channels, height, width]`; core's `conv2d` says what the options do. */
export class Conv2d extends Convolution implements Layer<Tensor, Tensor> {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return conv2d(input, this.weight, this.bias, this.options);
  }
}

/** Cross-correlation over `[batch, channels, depth, height, width]`; core's `conv3d` says what the options do. */
export class Conv3d extends Convolution implements Layer<Tensor, Tensor> {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return conv3d(input, this.weight, this.bias, this.options);
  }
}

export interface DepthwiseOptions extends Omit<ConvOptions, "groups"> {}

/** Every channel convolved by itself with `multiplier` kernels: `channels * multiplier` channels out. */
export class DepthwiseConv2d extends Convolution implements Layer<Tensor, Tensor> {
  constructor(channels: number, multiplier: number, kernelSize: PerAxis, options: DepthwiseOptions = {}) {
    super(2, channels, channels * multiplier, kernelSize, { ...options, groups: channels });
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return conv2d(input, this.weight, this.bias, this.options);
  }
}

export interface SeparableOptions extends DepthwiseOptions {
  /** Kernels per channel of the depthwise part; default 1. */
  readonly multiplier?: number;
}

const parts = ({ multiplier = 1, bias = true, key, ...spatial }: SeparableOptions) => {
  const [first, second] = key?.split() ?? [];
  const layout = spatial.layout === undefined ? {} : { layout: spatial.layout };
  return {
    multiplier,
    depthwise: { ...spatial, bias: false, ...(first === undefined ? {} : { key: first }) },
    pointwise: { ...layout, bias, ...(second === undefined ? {} : { key: second }) },
  };
};

/** A depthwise convolution without bias, then one of extent 1 over the channels. Chollet 2017 (Xception). */
export class SeparableConv1d implements Layer<Tensor, Tensor> {
  readonly depthwise: Conv1d;
  readonly pointwise: Conv1d;

  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: SeparableOptions = {}) {
    const { multiplier, depthwise, pointwise } = parts(options);
    const between = inChannels * multiplier;
    this.depthwise = new Conv1d(inChannels, between, kernelSize, { ...depthwise, groups: inChannels });
    this.pointwise = new Conv1d(between, outChannels, 1, pointwise);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return this.pointwise.forward(this.depthwise.forward(input));
  }
}

/** A depthwise convolution without bias, then one of extent 1 over the channels. Chollet 2017 (Xception). */
export class SeparableConv2d implements Layer<Tensor, Tensor> {
  readonly depthwise: DepthwiseConv2d;
  readonly pointwise: Conv2d;

  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: SeparableOptions = {}) {
    const { multiplier, depthwise, pointwise } = parts(options);
    this.depthwise = new DepthwiseConv2d(inChannels, multiplier, kernelSize, depthwise);
    this.pointwise = new Conv2d(inChannels * multiplier, outChannels, 1, pointwise);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return this.pointwise.forward(this.depthwise.forward(input));
  }
}
