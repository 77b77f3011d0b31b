/** Further layers over images: enlarging, and grey-scale morphology. */
import type { Int, NoDerivative } from "@pullback/autodiff";
import {
  dilation2d,
  erosion2d,
  type MorphologyOptions,
  type PerAxis,
  type ResizeMode,
  resize,
  type SpatialLayout,
  type Tensor,
  zeros,
} from "@pullback/core";
import { kernelOf } from "./convolution.ts";
import type { Layer } from "./layer.ts";

export interface UpSamplingOptions {
  /** Default "nearest"; others need exactly two spatial axes. */
  readonly mode?: ResizeMode;
  readonly layout?: SpatialLayout;
}

/** Every spatial axis of `[batch, channels, …spatial]` enlarged by a whole factor, in one, two or three dimensions. */
export class UpSampling implements Layer<Tensor, Tensor> {
  readonly factor: Int;
  readonly mode: NoDerivative<ResizeMode>;
  readonly layout: NoDerivative<SpatialLayout>;

  constructor(factor = 2, options: UpSamplingOptions = {}) {
    this.factor = factor;
    this.mode = options.mode ?? "nearest";
    this.layout = options.layout ?? "channelsFirst";
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const first = this.layout === "channelsFirst" ? 2 : 1;
    if (this.mode !== "nearest") {
      const size: [number, number] = [input.shape[first] * this.factor, input.shape[first + 1] * this.factor];
      return resize(input, size, { mode: this.mode, layout: this.layout });
    }
    let output = input;
    for (let axis = first; axis < first + input.rank - 2; axis++) output = output.repeat(this.factor, axis);
    return output;
  }
}

/** One weight per channel and place in the window, `[channels, …kernel]`, zero at first: a flat structuring element. */
class Morphology {
  weight: Tensor;
  readonly options: NoDerivative<MorphologyOptions>;

  constructor(channels: number, kernelSize: PerAxis, options: MorphologyOptions = {}) {
    this.weight = zeros([channels, ...kernelOf(kernelSize, 2)]);
    this.options = options;
  }
}

/** The largest of `x + weight` in every window; starts as max pooling of stride 1. */
export class Dilation2d extends Morphology implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return dilation2d(input, this.weight, this.options);
  }
}

/** The least of `x - weight` in every window. */
export class Erosion2d extends Morphology implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return erosion2d(input, this.weight, this.options);
  }
}
