/** Pooling as layers. */
import type { NoDerivative } from "@pullback/autodiff";
import {
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type FractionalPoolOptions,
  fractionalMaxPool2d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type PerAxis,
  type SpatialLayout,
  type Tensor,
} from "@pullback/core";
import type { Layer } from "./layer.ts";

/** The windows of the layers that keep the largest element of each; they do not overlap unless `stride` says so. */
class MaxPoolWindows {
  readonly kernelSize: NoDerivative<PerAxis>;
  readonly options: NoDerivative<MaxPoolOptions>;

  constructor(kernelSize: PerAxis, options: MaxPoolOptions = {}) {
    this.kernelSize = kernelSize;
    this.options = options;
  }
}

/** The windows of the layers that take the mean of each; they do not overlap unless `stride` says so. */
class AvgPoolWindows {
  readonly kernelSize: NoDerivative<PerAxis>;
  readonly options: NoDerivative<AvgPoolOptions>;

  constructor(kernelSize: PerAxis, options: AvgPoolOptions = {}) {
    this.kernelSize = kernelSize;
    this.options = options;
  }
}

/** Where the channels are, for the layers that leave one element of each. */
class WholeChannels {
  readonly layout: NoDerivative<SpatialLayout>;

  constructor({ layout = "channelsFirst" }: { readonly layout?: SpatialLayout } = {}) {
    this.layout = layout;
  }
}

/** The largest element of every window of `[batch, channels, length]`. */
export class MaxPool1d extends MaxPoolWindows implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return maxPool1d(input, this.kernelSize, this.options);
  }
}

/** The largest element of every window of `[batch, channels, height, width]`. */
export class MaxPool2d extends MaxPoolWindows implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return maxPool2d(input, this.kernelSize, this.options);
  }
}

/** The largest element of every window of `[batch, channels, depth, height, width]`. */
export class MaxPool3d extends MaxPoolWindows implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return maxPool3d(input, this.kernelSize, this.options);
  }
}

/** The mean of every window of `[batch, channels, length]`. */
export class AvgPool1d extends AvgPoolWindows implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return avgPool1d(input, this.kernelSize, this.options);
  }
}

/** The mean of every window of `[batch, channels, height, width]`. */
export class AvgPool2d extends AvgPoolWindows implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return avgPool2d(input, this.kernelSize, this.options);
  }
}

/** The mean of every window of `[batch, channels, depth, height, width]`. */
export class AvgPool3d extends AvgPoolWindows implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return avgPool3d(input, this.kernelSize, this.options);
  }
}

/** The largest element of every channel: `[batch, channels, length]` to `[batch, channels]`. */
export class GlobalMaxPool1d extends WholeChannels implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return adaptiveMaxPool1d(input, 1, { layout: this.layout }).flatten(1);
  }
}

/** The largest element of every channel: `[batch, channels, height, width]` to `[batch, channels]`. */
export class GlobalMaxPool2d extends WholeChannels implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return adaptiveMaxPool2d(input, 1, { layout: this.layout }).flatten(1);
  }
}

/** The largest element of every channel: `[batch, channels, depth, height, width]` to `[batch, channels]`. */
export class GlobalMaxPool3d extends WholeChannels implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return adaptiveMaxPool3d(input, 1, { layout: this.layout }).flatten(1);
  }
}

/** The mean of every channel: `[batch, channels, length]` to `[batch, channels]`. */
export class GlobalAvgPool1d extends WholeChannels implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return adaptiveAvgPool1d(input, 1, { layout: this.layout }).flatten(1);
  }
}

/** The mean of every channel: `[batch, channels, height, width]` to `[batch, channels]`. */
export class GlobalAvgPool2d extends WholeChannels implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, 1, { layout: this.layout }).flatten(1);
  }
}

/** The mean of every channel: `[batch, channels, depth, height, width]` to `[batch, channels]`. */
export class GlobalAvgPool3d extends WholeChannels implements Layer<Tensor, Tensor> {
  /** @differentiable */
  forward(input: Tensor): Tensor {
    return adaptiveAvgPool3d(input, 1, { layout: this.layout }).flatten(1);
  }
}

/** Max pooling to a given size over cells of random extents. Graham 2014. */
export class FractionalMaxPool2d implements Layer<Tensor, Tensor> {
  readonly outputSize: NoDerivative<PerAxis>;
  readonly options: NoDerivative<FractionalPoolOptions>;

  constructor(outputSize: PerAxis, options: FractionalPoolOptions = {}) {
    this.outputSize = outputSize;
    this.options = options;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return fractionalMaxPool2d(input, this.outputSize, this.options);
  }
}
