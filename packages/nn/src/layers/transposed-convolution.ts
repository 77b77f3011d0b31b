/** Transposed convolutions as layers. Weights are `[in, out / groups, …kernel]` in every layout. */
import type { NoDerivative } from "@pullback/autodiff";
import {
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type PerAxis,
  type Tensor,
  type TransposedConvolutionOptions,
} from "@pullback/core";
import { fanInUniform, type InitializerOptions } from "../initializers/index.ts";
import { kernelOf } from "./convolution.ts";
import type { Layer } from "./layer.ts";

export interface ConvTransposeOptions extends TransposedConvolutionOptions, InitializerOptions {
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
}

/** What the transposed convolutions share; weight and bias start uniform in ±1/sqrt(fan), as PyTorch's. */
class TransposedConvolution {
  weight: Tensor;
  bias?: Tensor;
  readonly options: NoDerivative<TransposedConvolutionOptions>;

  constructor(
    axes: number,
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeOptions,
  ) {
    const { key, bias = true, ...rest } = options;
    const kernel = kernelOf(kernelSize, axes);
    const fan = kernel.reduce((product, extent) => product * extent, outChannels / (rest.groups ?? 1));
    const [weightKey, biasKey] = key?.split() ?? [];
    const shape = [inChannels, outChannels / (rest.groups ?? 1), ...kernel];
    this.weight = fanInUniform(shape, fan, weightKey && { key: weightKey });
    if (bias) this.bias = fanInUniform([outChannels], fan, biasKey && { key: biasKey });
    this.options = rest;
  }
}

/** The adjoint of `Conv1d`, as a layer that enlarges; core's `convTranspose1d` says what the options do. */
export class ConvTranspose1d extends TransposedConvolution implements Layer<Tensor, Tensor> {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return convTranspose1d(input, this.weight, this.bias, this.options);
  }
}

/** The adjoint of `Conv2d`, as a layer that enlarges; core's `convTranspose2d` says what the options do. */
export class ConvTranspose2d extends TransposedConvolution implements Layer<Tensor, Tensor> {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return convTranspose2d(input, this.weight, this.bias, this.options);
  }
}

/** The adjoint of `Conv3d`, as a layer that enlarges; core's `convTranspose3d` says what the options do. */
export class ConvTranspose3d extends TransposedConvolution implements Layer<Tensor, Tensor> {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return convTranspose3d(input, this.weight, this.bias, this.options);
  }
}
