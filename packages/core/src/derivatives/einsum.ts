/** Derivative of Einstein summation: each operand's cotangent is the summation with the operand exchanged for ct. */
import { registerDerivative } from "@pullback/autodiff";
import { isFloating } from "../dtype.ts";
import { ontoDiagonal } from "../operations/bands.ts";
import { sumOfProducts } from "../operations/einsum.ts";
import type { Tensor } from "../tensor/tensor.ts";

registerDerivative(sumOfProducts, {
  vjp: (xs: Tensor[], inputs: readonly (readonly string[])[], output: readonly string[]) => ({
    value: sumOfProducts(xs, inputs, output),
    pullback: (ct: Tensor) =>
      xs.map((x, i) => (isFloating(x.dtype) ? operandCotangent(xs, inputs, output, i, ct) : undefined)) as Tensor[],
  }),
  jvp: (xs: Tensor[], inputs: readonly (readonly string[])[], output: readonly string[]) => {
    const value = sumOfProducts(xs, inputs, output);
    return {
      value,
      differential: (dxs: Tensor[]) => {
        let total: Tensor | undefined;
        for (let i = 0; i < xs.length; i++) {
          if (!isFloating(xs[i]!.dtype)) continue;
          const part = sumOfProducts(
            xs.map((x, j) => (j === i ? dxs[i]! : x)),
            inputs,
            output,
          );
          total = total === undefined ? part : total.add(part);
        }
        return total?.cast(value.dtype);
      },
    };
  },
  wrt: [0],
});

/** Operand i with its labels made distinct, each repeated one by its diagonal. */
function diagonals(x: Tensor, labels: readonly string[]): { extents: Map<string, number>; labels: readonly string[] } {
  const repeat = labels.findIndex((label, i) => labels.indexOf(label) < i);
  if (repeat < 0) return { extents: new Map(labels.map((label, i) => [label, x.shape[i]!])), labels };
  const { rest, label, first } = withoutRepeat(labels, repeat);
  return diagonals(x.diagonal(0, first, repeat), [...rest, label]);
}

function withoutRepeat(labels: readonly string[], repeat: number): { rest: string[]; label: string; first: number } {
  const label = labels[repeat]!;
  const first = labels.indexOf(label);
  return { rest: labels.filter((_, i) => i !== first && i !== repeat), label, first };
}

/** Puts a cotangent of the diagonals back onto the operand. */
function ontoDiagonals(x: Tensor, labels: readonly string[], ct: Tensor): Tensor {
  const repeat = labels.findIndex((label, i) => labels.indexOf(label) < i);
  if (repeat < 0) return ct;
  const { rest, label, first } = withoutRepeat(labels, repeat);
  const inner = ontoDiagonals(x.diagonal(0, first, repeat), [...rest, label], ct);
  return ontoDiagonal(x, inner, 0, first, repeat);
}

function operandCotangent(
  xs: Tensor[],
  inputs: readonly (readonly string[])[],
  output: readonly string[],
  i: number,
  ct: Tensor,
): Tensor {
  const x = xs[i]!;
  const { extents, labels } = diagonals(x, inputs[i]!);
  const others = inputs.filter((_, j) => j !== i);
  const known = [...output, ...others.flat()];
  const kept = labels.filter((label) => known.includes(label));
  const reached = sumOfProducts([ct, ...xs.filter((_, j) => j !== i)], [output, ...others], kept);
  // A label of this operand alone was summed away: its cotangent is the same everywhere along it.
  const missing = labels.map((_, axis) => axis).filter((axis) => !known.includes(labels[axis]!));
  const spread = reached.expandDims(missing);
  // A label of extent 1 that broadcast against the others is summed back.
  const summed = spread.sum(
    labels.map((_, axis) => axis).filter((axis) => extents.get(labels[axis]!) === 1 && spread.shape[axis] !== 1),
    true,
  );
  return ontoDiagonals(x, inputs[i]!, summed.broadcastTo(labels.map((label) => extents.get(label)!))).cast(x.dtype);
}
