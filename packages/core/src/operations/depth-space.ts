/** Blocks of an image as channels, and back. */
import type { Int } from "@pullback/autodiff";
import { ShapeError } from "../errors.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isChannelsLast, type SpatialLayout } from "./windows.ts";

export interface DepthSpaceOptions {
  /** Order of a channel's block row, block column and own index: "DCR" (ONNX, TensorFlow) or "CRD" (pixel shuffle). */
  readonly mode?: "DCR" | "CRD";
  readonly layout?: SpatialLayout;
}

function requireImage(operation: string, x: Tensor, block: number): void {
  if (x.rank !== 4) throw new ShapeError(`${operation}: the input has shape ${formatShape(x.shape)}, not four axes.`);
  if (!Number.isInteger(block) || block < 1)
    throw new ShapeError(`${operation}: the block ${block} must be a whole number, 1 or more.`);
}

function requireMode(operation: string, mode: "DCR" | "CRD" | undefined): boolean {
  if (mode !== undefined && mode !== "DCR" && mode !== "CRD")
    throw new ShapeError(`${operation}: the mode "${mode as string}" must be "DCR" or "CRD".`);
  return mode === "CRD";
}

/**
 * x [N, C block², H, W] with each pixel's channels as a block of pixels: [N, C, H block, W block]. Shi et al. 2016
 * (pixel shuffle) for mode "CRD". Differentiable.
 * @throws ShapeError when the channels do not divide.
 * @differentiable
 */
export function depthToSpace(x: Tensor, block: Int, options?: DepthSpaceOptions): Tensor {
  requireImage("depthToSpace", x, block);
  const last = isChannelsLast("depthToSpace", options?.layout);
  const crd = requireMode("depthToSpace", options?.mode);
  const first = last ? x.moveAxis(-1, 1) : x;
  const [count, channels, height, width] = first.shape as readonly [number, number, number, number];
  const own = channels / (block * block);
  if (!Number.isInteger(own))
    throw new ShapeError(`depthToSpace: ${channels} channels do not divide into blocks of ${block} × ${block}.`);
  const split = crd ? [count, own, block, block, height, width] : [count, block, block, own, height, width];
  const order = crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  const spread = first
    .reshape(split)
    .transpose(order)
    .reshape([count, own, height * block, width * block]);
  return last ? spread.moveAxis(1, -1) : spread;
}

/**
 * x [N, C, H, W] with each block of pixels as channels of one pixel: [N, C block², H / block, W / block]; undoes
 * `depthToSpace`. Differentiable.
 * @throws ShapeError when the extents do not divide.
 * @differentiable
 */
export function spaceToDepth(x: Tensor, block: Int, options?: DepthSpaceOptions): Tensor {
  requireImage("spaceToDepth", x, block);
  const last = isChannelsLast("spaceToDepth", options?.layout);
  const crd = requireMode("spaceToDepth", options?.mode);
  const first = last ? x.moveAxis(-1, 1) : x;
  const [count, channels, height, width] = first.shape as readonly [number, number, number, number];
  if (height % block !== 0 || width % block !== 0)
    throw new ShapeError(`spaceToDepth: ${height} × ${width} pixels do not divide into blocks of ${block} × ${block}.`);
  const split = [count, channels, height / block, block, width / block, block];
  const order = crd ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
  const gathered = first
    .reshape(split)
    .transpose(order)
    .reshape([count, channels * block * block, height / block, width / block]);
  return last ? gathered.moveAxis(1, -1) : gathered;
}
