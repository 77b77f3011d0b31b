/** Layers that only rearrange their input. */
import type { Int, NoDerivative } from "@pullback/autodiff";
import type { PadMode, Tensor } from "@pullback/core";
import type { Layer } from "./layer.ts";

/** All axes from `startAxis` to `endAxis` as one; by default all but the batch. */
export class Flatten implements Layer<Tensor, Tensor> {
  readonly startAxis: Int;
  readonly endAxis: Int;

  constructor(startAxis = 1, endAxis = -1) {
    this.startAxis = startAxis;
    this.endAxis = endAxis;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.flatten(this.startAxis, this.endAxis);
  }
}

/** Each sample in another shape: `[batch, …]` to `[batch, …shape]`; one extent may be -1. */
export class Reshape implements Layer<Tensor, Tensor> {
  readonly shape: NoDerivative<readonly number[]>;

  constructor(shape: readonly number[]) {
    this.shape = shape;
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    return input.reshape([input.shape[0], ...this.shape]);
  }
}

export interface PaddingOptions {
  /** Default "constant", with `value` 0. */
  readonly mode?: PadMode;
  readonly value?: number;
  /** Where the channels are; default "channelsFirst". */
  readonly layout?: "channelsFirst" | "channelsLast";
}

/** Widens the spatial axes of `[batch, channels, …spatial]`: one number for all sides, one per axis, or pairs per axis. */
export class Padding implements Layer<Tensor, Tensor> {
  readonly widths: NoDerivative<number | readonly (number | readonly [number, number])[]>;
  readonly mode: NoDerivative<PadMode>;
  readonly value: NoDerivative<number>;
  readonly layout: NoDerivative<"channelsFirst" | "channelsLast">;

  constructor(widths: number | readonly (number | readonly [number, number])[], options: PaddingOptions = {}) {
    this.widths = widths;
    this.mode = options.mode ?? "constant";
    this.value = options.value ?? 0;
    this.layout = options.layout ?? "channelsFirst";
  }

  /** @differentiable */
  forward(input: Tensor): Tensor {
    const { widths } = this;
    const first = this.layout === "channelsFirst" ? 2 : 1;
    const pairs = input.shape.map((_, axis): [number, number] => {
      const spatial = axis - first;
      if (spatial < 0 || spatial >= input.rank - 2) return [0, 0];
      const width = typeof widths === "number" ? widths : (widths[spatial] ?? 0);
      return typeof width === "number" ? [width, width] : [width[0], width[1]];
    });
    return input.pad(pairs, { mode: this.mode, value: this.value });
  }
}
