/** Grey-scale dilation and erosion of images. Serra 1982, "Image Analysis and Mathematical Morphology". */
import type { Int, NoDerivative } from "@pullback/autodiff";
import { ShapeError } from "../errors.ts";
import type { Shape } from "../shape.ts";
import { formatShape } from "../shape.ts";
import { tensorOn } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  isChannelsLast,
  type Padding,
  type PerAxis,
  paddingOf,
  perAxis,
  requireCells,
  requireSpatial,
  type SpatialLayout,
} from "./windows.ts";

export interface MorphologyOptions {
  readonly stride?: PerAxis;
  readonly padding?: Padding;
  readonly dilation?: PerAxis;
  readonly layout?: SpatialLayout;
}

interface Plan {
  readonly widths: readonly (readonly [number, number])[];
  /** For each axis the padded position that output cell and kernel position meet, [cells, kernel]. */
  readonly positions: readonly { readonly list: readonly number[]; readonly cells: number; readonly kernel: number }[];
}

function planOf(operation: string, spatial: Shape, kernel: Shape, options: MorphologyOptions | undefined): Plan {
  const stride = perAxis(operation, "stride", options?.stride ?? 1, 2);
  const dilation = perAxis(operation, "dilation", options?.dilation ?? 1, 2);
  const padding = paddingOf(operation, options?.padding ?? 0, spatial, kernel, stride, dilation);
  const spans = kernel.map((extent, i) => dilation[i]! * (extent - 1) + 1);
  requireCells(operation, spatial, padding, spans);
  const positions = spatial.map((extent, i) => {
    const cells = Math.floor((extent + padding[i]![0] + padding[i]![1] - spans[i]!) / stride[i]!) + 1;
    const list = Array.from({ length: cells * kernel[i]! }, (_, at) => {
      const cell = Math.floor(at / kernel[i]!);
      return cell * stride[i]! + (at % kernel[i]!) * dilation[i]!;
    });
    return { list, cells, kernel: kernel[i]! };
  });
  return { widths: [[0, 0], [0, 0], ...padding], positions };
}

/**
 * The largest sum in each window; the first of equals takes the derivative.
 * @differentiable
 */
function largest(
  operation: string,
  input: Tensor,
  filter: Tensor,
  sign: Int,
  options: NoDerivative<MorphologyOptions> | undefined,
): Tensor {
  requireSpatial(operation, input, 2);
  const last = isChannelsLast(operation, options?.layout);
  const first = last ? input.moveAxis(-1, 1) : input;
  if (filter.rank !== 3 || filter.shape[0] !== first.shape[1])
    throw new ShapeError(
      `${operation}: the filter has shape ${formatShape(filter.shape)}; for an input of shape ` +
        `${formatShape(input.shape)} it must be [${first.shape[1]}, height, width].`,
    );
  const plan = planOf(operation, first.shape.slice(2), filter.shape.slice(1), options);
  const [count, channels] = [first.shape[0]!, first.shape[1]!];
  const [rows, columns] = [plan.positions[0]!, plan.positions[1]!];
  const signed = sign < 0 ? first.neg() : first;
  const padded = signed.pad(plan.widths, { value: -Infinity });
  const down = padded.gather(indicesOn(first, rows.list), 2);
  const windows = down.gather(indicesOn(first, columns.list), 3);
  const sums = windows
    .reshape([count, channels, rows.cells, rows.kernel, columns.cells, columns.kernel])
    .transpose([0, 1, 2, 4, 3, 5])
    .add(filter.reshape([channels, 1, 1, rows.kernel, columns.kernel]))
    .reshape([count, channels, rows.cells, columns.cells, rows.kernel * columns.kernel]);
  const best = sums.takeAlongAxis(sums.argmax(-1, true), -1).squeeze(-1);
  const result = sign < 0 ? best.neg() : best;
  return last ? result.moveAxis(1, -1) : result;
}

function indicesOn(x: Tensor, list: readonly number[]): Tensor {
  return tensorOn(x.backend, [...list], { dtype: "int32" });
}

/**
 * The maximum over each window of x + filter: x [N, C, H, W], filter [C, kh, kw]. Padding is -Infinity. Differentiable in
 * x and filter; the first of equals takes the derivative.
 * @throws ShapeError when the shapes do not fit, DTypeError when x is not floating.
 * @differentiable
 */
export function dilation2d(x: Tensor, filter: Tensor, options?: MorphologyOptions): Tensor {
  return largest("dilation2d", x, filter, 1, options);
}

/**
 * The minimum over each window of x - filter: x [N, C, H, W], filter [C, kh, kw]. Padding is Infinity. Differentiable in x
 * and filter; the first of equals takes the derivative.
 * @throws ShapeError when the shapes do not fit, DTypeError when x is not floating.
 * @differentiable
 */
export function erosion2d(x: Tensor, filter: Tensor, options?: MorphologyOptions): Tensor {
  return largest("erosion2d", x, filter, -1, options);
}
