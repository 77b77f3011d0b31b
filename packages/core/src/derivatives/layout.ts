/** Derivatives of the operations that move elements without changing them. */
import { registerDerivative } from "@pullback/autodiff";
import { isFloating } from "../dtype.ts";
import { gatherAdjoint } from "../operations/gathering.ts";
import { concatenate, stack } from "../operations/joining.ts";
import type { PadOptions, PadWidths } from "../operations/padding.ts";
import { sourcePositions } from "../operations/padding.ts";
import { slice } from "../operations/slicing.ts";
import type { Axes, Shape } from "../shape.ts";
import { normalizeAxis } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";

registerDerivative(Tensor.prototype.reshape, {
  vjp: (x: Tensor, shape: Shape) => ({ value: x.reshape(shape), pullback: (ct: Tensor) => ct.reshape(x.shape) }),
  jvp: (x: Tensor, shape: Shape) => ({ value: x.reshape(shape), differential: (dx: Tensor) => dx.reshape(shape) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.flatten, {
  vjp: (x: Tensor, startAxis = 0, endAxis = -1) => ({
    value: x.flatten(startAxis, endAxis),
    pullback: (ct: Tensor) => ct.reshape(x.shape),
  }),
  jvp: (x: Tensor, startAxis = 0, endAxis = -1) => ({
    value: x.flatten(startAxis, endAxis),
    differential: (dx: Tensor) => dx.flatten(startAxis, endAxis),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.expandDims, {
  vjp: (x: Tensor, axes: Axes) => ({ value: x.expandDims(axes), pullback: (ct: Tensor) => ct.reshape(x.shape) }),
  jvp: (x: Tensor, axes: Axes) => ({ value: x.expandDims(axes), differential: (dx: Tensor) => dx.expandDims(axes) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.squeeze, {
  vjp: (x: Tensor, axes?: Axes) => ({ value: x.squeeze(axes), pullback: (ct: Tensor) => ct.reshape(x.shape) }),
  jvp: (x: Tensor, axes?: Axes) => ({ value: x.squeeze(axes), differential: (dx: Tensor) => dx.squeeze(axes) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.transpose, {
  vjp: (x: Tensor, axes?: readonly number[]) => ({
    value: x.transpose(axes),
    pullback: (ct: Tensor) => ct.transpose(axes === undefined ? undefined : inversePermutation(axes)),
  }),
  jvp: (x: Tensor, axes?: readonly number[]) => ({
    value: x.transpose(axes),
    differential: (dx: Tensor) => dx.transpose(axes),
  }),
  wrt: ["this"],
});

function inversePermutation(axes: readonly number[]): number[] {
  const inverse = new Array<number>(axes.length);
  axes.forEach((axis, place) => {
    inverse[normalizeAxis("transpose", axis, axes.length)] = place;
  });
  return inverse;
}

registerDerivative(Tensor.prototype.swapAxes, {
  vjp: (x: Tensor, a: number, b: number) => ({ value: x.swapAxes(a, b), pullback: (ct: Tensor) => ct.swapAxes(a, b) }),
  jvp: (x: Tensor, a: number, b: number) => ({
    value: x.swapAxes(a, b),
    differential: (dx: Tensor) => dx.swapAxes(a, b),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.moveAxis, {
  vjp: (x: Tensor, from: Axes, to: Axes) => ({
    value: x.moveAxis(from, to),
    pullback: (ct: Tensor) => ct.moveAxis(to, from),
  }),
  jvp: (x: Tensor, from: Axes, to: Axes) => ({
    value: x.moveAxis(from, to),
    differential: (dx: Tensor) => dx.moveAxis(from, to),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.broadcastTo, {
  vjp: (x: Tensor, shape: Shape) => ({ value: x.broadcastTo(shape), pullback: (ct: Tensor) => ct.sumTo(x.shape) }),
  jvp: (x: Tensor, shape: Shape) => ({
    value: x.broadcastTo(shape),
    differential: (dx: Tensor) => dx.broadcastTo(shape),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.sumTo, {
  vjp: (x: Tensor, shape: Shape) => ({ value: x.sumTo(shape), pullback: (ct: Tensor) => ct.broadcastTo(x.shape) }),
  jvp: (x: Tensor, shape: Shape) => ({ value: x.sumTo(shape), differential: (dx: Tensor) => dx.sumTo(shape) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.tile, {
  vjp: (x: Tensor, repetitions: readonly number[]) => ({
    value: x.tile(repetitions),
    pullback: (ct: Tensor) => {
      const rank = Math.max(x.rank, repetitions.length);
      const blocks: number[] = [];
      for (let i = 0; i < rank; i++) {
        const axis = i - rank + x.rank;
        const repetition = i - rank + repetitions.length;
        blocks.push(repetition < 0 ? 1 : repetitions[repetition]!, axis < 0 ? 1 : x.shape[axis]!);
      }
      return ct
        .reshape(blocks)
        .sum(blocks.map((_, i) => i).filter((i) => i % 2 === 0))
        .reshape(x.shape);
    },
  }),
  jvp: (x: Tensor, repetitions: readonly number[]) => ({
    value: x.tile(repetitions),
    differential: (dx: Tensor) => dx.tile(repetitions),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.repeat, {
  vjp: (x: Tensor, count: number, axis: number) => ({
    value: x.repeat(count, axis),
    pullback: (ct: Tensor) => {
      const along = normalizeAxis("repeat", axis, x.rank);
      return ct.reshape([...x.shape.slice(0, along + 1), count, ...x.shape.slice(along + 1)]).sum(along + 1);
    },
  }),
  jvp: (x: Tensor, count: number, axis: number) => ({
    value: x.repeat(count, axis),
    differential: (dx: Tensor) => dx.repeat(count, axis),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.flip, {
  vjp: (x: Tensor, axes?: Axes) => ({ value: x.flip(axes), pullback: (ct: Tensor) => ct.flip(axes) }),
  jvp: (x: Tensor, axes?: Axes) => ({ value: x.flip(axes), differential: (dx: Tensor) => dx.flip(axes) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.roll, {
  vjp: (x: Tensor, shift: Axes, axis?: Axes) => ({
    value: x.roll(shift, axis),
    pullback: (ct: Tensor) => ct.roll(typeof shift === "number" ? -shift : shift.map((by) => -by), axis),
  }),
  jvp: (x: Tensor, shift: Axes, axis?: Axes) => ({
    value: x.roll(shift, axis),
    differential: (dx: Tensor) => dx.roll(shift, axis),
  }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.pad, {
  vjp: (x: Tensor, widths: PadWidths, options?: PadOptions) => ({
    value: x.pad(widths, options),
    pullback: (ct: Tensor) => {
      const mode = options?.mode ?? "constant";
      if (mode === "constant")
        return slice(
          ct,
          widths.map(([before], axis): [number, number] => [before, before + x.shape[axis]!]),
        );
      let result = ct;
      for (let axis = widths.length - 1; axis >= 0; axis--) {
        const [before, after] = widths[axis]!;
        const extent = x.shape[axis]!;
        if (before > 0 || after > 0)
          result = gatherAdjoint(result, sourcePositions(x, axis, before, after, mode), axis, extent);
      }
      return result;
    },
  }),
  jvp: (x: Tensor, widths: PadWidths, options?: PadOptions) => ({
    value: x.pad(widths, options),
    differential: (dx: Tensor) => dx.pad(widths, { mode: options?.mode ?? "constant", value: 0 }),
  }),
  wrt: ["this"],
});

registerDerivative(concatenate, {
  vjp: (xs: Tensor[], axis = 0) => ({
    value: concatenate(xs, axis),
    pullback: (ct: Tensor) => {
      const parts = ct.split(
        xs.map((x) => x.shape[normalizeAxis("concatenate", axis, x.rank)]!),
        axis,
      );
      return parts.map((part, i) => part.cast(isFloating(xs[i]!.dtype) ? xs[i]!.dtype : part.dtype));
    },
  }),
  jvp: (xs: Tensor[], axis = 0) => {
    const value = concatenate(xs, axis);
    return {
      value,
      differential: (dxs: Tensor[]) =>
        concatenate(
          dxs.map((dx) => dx.cast(value.dtype)),
          axis,
        ),
    };
  },
  wrt: [0],
});

registerDerivative(stack, {
  vjp: (xs: Tensor[], axis = 0) => ({
    value: stack(xs, axis),
    pullback: (ct: Tensor) =>
      ct.unstack(axis).map((part, i) => part.cast(isFloating(xs[i]!.dtype) ? xs[i]!.dtype : part.dtype)),
  }),
  jvp: (xs: Tensor[], axis = 0) => {
    const value = stack(xs, axis);
    return {
      value,
      differential: (dxs: Tensor[]) =>
        stack(
          dxs.map((dx) => dx.cast(value.dtype)),
          axis,
        ),
    };
  },
  wrt: [0],
});

registerDerivative(Tensor.prototype.unstack, {
  vjp: (x: Tensor, axis = 0) => ({
    value: x.unstack(axis),
    pullback: (cts: Tensor[]) => (cts.length === 0 ? undefined : stack(cts, axis)),
  }),
  jvp: (x: Tensor, axis = 0) => ({ value: x.unstack(axis), differential: (dx: Tensor) => dx.unstack(axis) }),
  wrt: ["this"],
});

registerDerivative(Tensor.prototype.split, {
  vjp: (x: Tensor, parts: number | readonly number[], axis = 0) => ({
    value: x.split(parts, axis),
    pullback: (cts: Tensor[]) => concatenate(cts, axis),
  }),
  jvp: (x: Tensor, parts: number | readonly number[], axis = 0) => ({
    value: x.split(parts, axis),
    differential: (dx: Tensor) => dx.split(parts, axis),
  }),
  wrt: ["this"],
});
