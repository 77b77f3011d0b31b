/**
 * Convolutions and their adjoints out of forward kernels only: Conv2D, Conv3D and DepthwiseConv2dNative, which every
 * engine has. The adjoint for the input is a convolution of the cotangent, zeros between its elements, with the flipped
 * weight; that for the weight convolves the input with the cotangent as its kernel, strides and dilations exchanged.
 *
 * Engines have channels last. Everything here is [N, …spatial, C], and results stay so in memory: the next convolution
 * reads them as they lie.
 */
import type { NDArray, Sliding } from "../../backend/backend.ts";
import { sizeOf } from "../eager/arrays.ts";
import { reshaped } from "./kernels.ts";
import type { Info } from "./types.ts";
import { permuted, type Views } from "./views.ts";
import type { Vocabulary } from "./vocabulary.ts";

type Pair = readonly [before: number, after: number];

/** x [N, …spatial, I], filter [...kernel, I, O]; padding may be negative, which cuts elements off. */
interface Correlation {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly Pair[];
}

/** The axes [N, …spatial, C] of an array [N, C, …spatial]. */
const channelsLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];

/** The axes [...kernel, I, O] of a weight [O, I, …kernel]. */
const kernelFirst = (rank: number): number[] => [...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1, 0];

/** A weight with its kernel axes reversed. */
function flipped(weight: NDArray): NDArray {
  let { offset } = weight;
  const strides = weight.strides.map((stride, axis) => {
    if (axis < 2) return stride;
    offset += Math.max(0, weight.shape[axis] - 1) * stride;
    return -stride;
  });
  return { ...weight, strides, offset };
}

export class Convolutions {
  private readonly w: Vocabulary;
  private readonly views: Views;

  constructor(w: Vocabulary, views: Views) {
    this.w = w;
    this.views = views;
  }

  /** [N, …out, O]. */
  forward(x: NDArray, weight: NDArray, sliding: Sliding): Info {
    const rank = x.shape.length;
    const { groups } = sliding;
    const input = this.views.dense(permuted(x, channelsLast(rank)));
    const filter = this.views.dense(permuted(weight, kernelFirst(rank)));
    if (groups === 1) return this.correlate(input, filter, sliding);
    const channels = weight.shape[1];
    const outputs = weight.shape[0] / groups;
    if (channels === 1 && rank === 4) return this.depthwise(input, this.byChannel(filter, groups), sliding);
    return this.grouped(groups, (g) =>
      this.correlate(
        this.part(input, rank - 1, g * channels, channels),
        this.part(filter, rank - 1, g * outputs, outputs),
        sliding,
      ),
    );
  }

  /** [N, …spatial, C]. */
  inputAdjoint(ct: NDArray, weight: NDArray, sliding: Sliding, spatial: readonly number[]): Info {
    const rank = ct.shape.length;
    const { groups } = sliding;
    const kernel = weight.shape.slice(2);
    const spread = this.spread(this.views.dense(permuted(ct, channelsLast(rank))), sliding.stride);
    // What is read left of input position i is kernel position K - 1, whence the padding; spread ends in stride - 1 zeros.
    const padding = spatial.map((extent, i): Pair => {
      const reach = sliding.dilation[i] * (kernel[i] - 1);
      const before = reach - sliding.padding[i][0];
      return [before, extent + reach - before - spread.shape[i + 1]];
    });
    const correlation = { stride: spatial.map(() => 1), dilation: sliding.dilation, padding };
    const turned = flipped(weight);
    const channels = weight.shape[1];
    const outputs = weight.shape[0] / groups;
    // [...kernel, O, I]: what came out goes in.
    const filter = this.views.dense(permuted(turned, [...kernelFirst(rank).slice(0, -2), 0, 1]));
    if (groups === 1) return this.correlate(spread, filter, correlation);
    if (channels === 1 && rank === 4) {
      // Every output channel by itself, then those of one input channel together.
      const each = this.depthwise(spread, filter, correlation);
      if (outputs === 1) return each;
      const apart = reshaped(each, [...each.shape.slice(0, -1), groups, outputs]);
      return reshaped(this.w.reduce("Sum", apart, [rank]), [...each.shape.slice(0, -1), groups]);
    }
    return this.grouped(groups, (g) =>
      this.correlate(
        this.part(spread, rank - 1, g * outputs, outputs),
        this.part(filter, rank - 2, g * outputs, outputs),
        correlation,
      ),
    );
  }

  /** [I, …kernel, O]. */
  weightAdjoint(x: NDArray, ct: NDArray, sliding: Sliding, kernel: readonly number[]): Info {
    const rank = x.shape.length;
    const { groups } = sliding;
    const spatial = x.shape.slice(2);
    const out = ct.shape.slice(2);
    const padding = spatial.map((extent, i): Pair => {
      const [before] = sliding.padding[i];
      const needed = sliding.dilation[i] * (kernel[i] - 1) + sliding.stride[i] * (out[i] - 1) + 1;
      return [before, needed - extent - before];
    });
    const correlation = { stride: sliding.dilation, dilation: sliding.stride, padding };
    const channels = x.shape[1] / groups;
    const outputs = ct.shape[1] / groups;
    if (groups > 1 && channels === 1 && rank === 4) return this.depthwiseWeight(x, ct, sliding, kernel, padding);
    // Channels take the place of the batch, and the batch that of channels: [C, …spatial, N] with [...out, N, O].
    const swapped = this.views.dense(permuted(x, [1, ...channelsLast(rank).slice(1, -1), 0]));
    const filter = this.views.dense(permuted(ct, [...kernelFirst(rank).slice(0, -2), 0, 1]));
    if (groups === 1) return this.correlate(swapped, filter, correlation);
    return this.grouped(groups, (g) =>
      this.correlate(
        this.part(swapped, 0, g * channels, channels),
        this.part(filter, rank - 1, g * outputs, outputs),
        correlation,
      ),
    );
  }

  /** For each kernel position the products of the elements that meet there: [1, …kernel, C times multiplier]. */
  private depthwiseWeight(
    x: NDArray,
    ct: NDArray,
    sliding: Sliding,
    kernel: readonly number[],
    padding: readonly Pair[],
  ): Info {
    const { w } = this;
    const groups = x.shape[1];
    const outputs = ct.shape[1] / groups;
    const cotangents = this.views.dense(permuted(ct, channelsLast(4)));
    const [n, height, width] = cotangents.shape;
    const padded = this.padded(this.views.dense(permuted(x, channelsLast(4))), padding);
    const [, rows, columns] = padded.shape;
    const apart = reshaped(cotangents, [n, height * width, groups, outputs]);
    const sums: Info[] = [];
    for (let i = 0; i < kernel[0]; i++)
      for (let j = 0; j < kernel[1]; j++) {
        const top = i * sliding.dilation[0];
        const left = j * sliding.dilation[1];
        const bottom = top + (height - 1) * sliding.stride[0] + 1;
        const right = left + (width - 1) * sliding.stride[1] + 1;
        const met = this.strided(
          padded,
          [top, left],
          [Math.min(bottom, rows), Math.min(right, columns)],
          sliding.stride,
        );
        const products = w.mul(apart, reshaped(met, [n, height * width, groups, 1]));
        sums.push(reshaped(w.reduce("Sum", products, [0, 1]), [1, 1, groups * outputs]));
      }
    return reshaped(w.concat(sums, 1), [1, kernel[0], kernel[1], groups * outputs]);
  }

  /** Every stride-th row and column of x [N, H, W, C] from `begin` to `end`. */
  private strided(
    x: Info,
    begin: readonly [number, number],
    end: readonly [number, number],
    stride: readonly number[],
  ): Info {
    const [n, , , channels] = x.shape;
    let part = this.w.slice(x, [0, ...begin, 0], [n, end[0] - begin[0], end[1] - begin[1], channels]);
    for (const axis of [1, 2]) {
      const step = stride[axis - 1];
      if (step === 1) continue;
      const count = Math.ceil(part.shape[axis] / step);
      const widths = part.shape.map((extent, i): Pair => (i === axis ? [0, count * step - extent] : [0, 0]));
      const whole = this.w.pad(part, widths);
      const outer = sizeOf(whole.shape.slice(0, axis));
      const inner = sizeOf(whole.shape.slice(axis + 1));
      const kept = this.w.slice(reshaped(whole, [outer * count, step, inner]), [0, 0, 0], [outer * count, 1, inner]);
      part = reshaped(
        kept,
        whole.shape.map((extent, i) => (i === axis ? count : extent)),
      );
    }
    return part;
  }

  /** x with stride - 1 zeros after each element of its spatial axes. */
  private spread(x: Info, stride: readonly number[]): Info {
    let result = x;
    stride.forEach((step, i) => {
      if (step === 1) return;
      const outer = sizeOf(result.shape.slice(0, i + 2));
      const inner = sizeOf(result.shape.slice(i + 2));
      const apart = this.w.pad(reshaped(result, [outer, 1, inner]), [
        [0, 0],
        [0, step - 1],
        [0, 0],
      ]);
      result = reshaped(
        apart,
        result.shape.map((extent, axis) => (axis === i + 1 ? extent * step : extent)),
      );
    });
    return result;
  }

  private padded(x: Info, padding: readonly Pair[]): Info {
    const begin = x.shape.map((_, axis) => Math.max(0, -(padding[axis - 1]?.[0] ?? 0)));
    const size = x.shape.map((extent, axis) => extent - begin[axis] - Math.max(0, -(padding[axis - 1]?.[1] ?? 0)));
    const widths = x.shape.map((_, axis): Pair => {
      const [before, after] = padding[axis - 1] ?? [0, 0];
      return [Math.max(0, before), Math.max(0, after)];
    });
    return this.w.pad(this.w.slice(x, begin, size), widths);
  }

  private correlate(x: Info, filter: Info, { stride, dilation, padding }: Correlation): Info {
    const axes = stride.length;
    if (axes === 1) {
      const [n, length, channels] = x.shape;
      const [k, inputs, outputs] = filter.shape;
      const flat = this.correlate(reshaped(x, [n, 1, length, channels]), reshaped(filter, [1, k, inputs, outputs]), {
        stride: [1, stride[0]],
        dilation: [1, dilation[0]],
        padding: [[0, 0], padding[0]],
      });
      return reshaped(flat, [flat.shape[0], flat.shape[2], flat.shape[3]]);
    }
    const whole = this.padded(x, padding);
    const kernel = axes === 2 ? "Conv2D" : "Conv3D";
    const dataFormat = axes === 2 ? "NHWC" : "NDHWC";
    return this.w.kernels.run(
      kernel,
      { x: whole, filter },
      { strides: [...stride], dilations: [...dilation], pad: "valid", dataFormat, dimRoundingMode: undefined },
    );
  }

  /** filter [kh, kw, C, multiplier]. */
  private depthwise(x: Info, filter: Info, { stride, dilation, padding }: Correlation): Info {
    return this.w.kernels.run(
      "DepthwiseConv2dNative",
      { x: this.padded(x, padding), filter },
      { strides: [...stride], dilations: [...dilation], pad: "valid", dataFormat: "NHWC", dimRoundingMode: undefined },
    );
  }

  /** A depthwise filter [kh, kw, 1, C times multiplier] as [kh, kw, C, multiplier]. */
  private byChannel(filter: Info, groups: number): Info {
    const [height, width, , outputs] = filter.shape;
    return reshaped(filter, [height, width, groups, outputs / groups]);
  }

  private part(x: Info, axis: number, start: number, count: number): Info {
    const begin = x.shape.map((_, i) => (i === axis ? start : 0));
    const size = x.shape.map((extent, i) => (i === axis ? count : extent));
    return this.w.slice(x, begin, size);
  }

  private grouped(groups: number, run: (group: number) => Info): Info {
    const results = Array.from({ length: groups }, (_, g) => run(g));
    return this.w.concat(results, results[0].shape.length - 1);
  }
}
