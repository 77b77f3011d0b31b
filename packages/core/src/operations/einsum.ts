/** Einstein summation by diagonals, transposes and batched matrix products, two operands at a time. */
import { ShapeError } from "../errors.ts";
import { formatShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A tensor whose axes are named by distinct labels. */
interface Labelled {
  readonly tensor: Tensor;
  readonly labels: readonly string[];
}

interface Equation {
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/** Labels of the axes that "..." stands for, counted from the right so that they broadcast. */
function ellipsisLabels(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `.${count - i}`);
}

function labelsOf(spec: string, term: string, ellipsis: number): string[] {
  const parts = term.split("...");
  if (parts.length > 2 || !/^[A-Za-z]*$/.test(parts.join("")))
    throw new ShapeError(`einsum: "${term}" in "${spec}" is not a list of letters with at most one "...".`);
  return parts.length === 1 ? [...term] : [...parts[0]!, ...ellipsisLabels(ellipsis), ...parts[1]!];
}

function parse(spec: string, xs: readonly Tensor[]): Equation {
  const [left, right, ...rest] = spec.replace(/\s+/g, "").split("->");
  const terms = left!.split(",");
  if (rest.length > 0 || terms.length !== xs.length)
    throw new ShapeError(`einsum: "${spec}" names ${terms.length} operands, but ${xs.length} were given.`);
  const inputs = terms.map((term, i) => {
    const named = term.replace("...", "").length;
    const rank = xs[i]!.rank;
    if (term.includes("...") ? named > rank : named !== rank)
      throw new ShapeError(`einsum: "${term}" does not fit the shape ${formatShape(xs[i]!.shape)}.`);
    return labelsOf(spec, term, rank - named);
  });
  const widest = inputs
    .map((labels) => labels.filter((label) => label.startsWith(".")))
    .sort((a, b) => b.length - a.length)[0]!;
  if (right !== undefined) {
    const output = labelsOf(spec, right, widest.length);
    for (const label of output)
      if (output.indexOf(label) !== output.lastIndexOf(label) || !inputs.some((labels) => labels.includes(label)))
        throw new ShapeError(`einsum: the output label "${label}" of "${spec}" is repeated or not among the inputs.`);
    return { inputs, output };
  }
  const all = inputs.flat();
  const once = [...new Set(all)].filter(
    (label) => !label.startsWith(".") && all.indexOf(label) === all.lastIndexOf(label),
  );
  return { inputs, output: [...widest, ...once.sort()] };
}

/** Takes the diagonal of every repeated label. */
function distinct(x: Tensor, labels: readonly string[]): Labelled {
  let tensor = x;
  let names = [...labels];
  for (;;) {
    const second = names.findIndex((label, i) => names.indexOf(label) < i);
    if (second < 0) return { tensor, labels: names };
    const label = names[second]!;
    const first = names.indexOf(label);
    if (tensor.shape[first] !== tensor.shape[second])
      throw new ShapeError(
        `einsum: the label "${label}" has extents ${tensor.shape[first]} and ${tensor.shape[second]}.`,
      );
    tensor = tensor.diagonal(0, first, second);
    names = [...names.filter((_, i) => i !== first && i !== second), label];
  }
}

/** Sums away the labels that nothing else needs. */
function sumAway(x: Labelled, needed: readonly string[]): Labelled {
  const axes = x.labels.map((_, i) => i).filter((i) => !needed.includes(x.labels[i]!));
  if (axes.length === 0) return x;
  return { tensor: x.tensor.sum(axes), labels: x.labels.filter((label) => needed.includes(label)) };
}

function arrange(x: Labelled, labels: readonly string[]): Tensor {
  return x.tensor.transpose(labels.map((label) => x.labels.indexOf(label)));
}

function extent(x: Labelled, label: string): number {
  const axis = x.labels.indexOf(label);
  return axis < 0 ? 1 : x.tensor.shape[axis]!;
}

/** One product of two operands: shared labels that are needed later are batches, the others are contracted. */
function contract(a: Labelled, b: Labelled, needed: readonly string[]): Labelled {
  const left = sumAway(a, [...needed, ...b.labels]);
  const right = sumAway(b, [...needed, ...a.labels]);
  const shared = left.labels.filter((label) => right.labels.includes(label));
  for (const label of shared) {
    const [x, y] = [extent(left, label), extent(right, label)];
    if (x !== y && x !== 1 && y !== 1) throw new ShapeError(`einsum: the label "${label}" has extents ${x} and ${y}.`);
  }
  const batch = shared.filter((label) => needed.includes(label));
  const inner = shared.filter((label) => !needed.includes(label));
  const rows = left.labels.filter((label) => !shared.includes(label));
  const columns = right.labels.filter((label) => !shared.includes(label));
  const sizes = (x: Labelled, labels: readonly string[]): number[] => labels.map((label) => extent(x, label));
  // A contracted label of extent 1 on one side only broadcasts: stretch it.
  const common = inner.map((label) => Math.max(extent(left, label), extent(right, label)));
  const stretch = (x: Labelled, free: readonly string[], first: boolean): Tensor => {
    const order = first ? [...batch, ...free, ...inner] : [...batch, ...inner, ...free];
    const target = order.map((label) => (inner.includes(label) ? common[inner.indexOf(label)]! : extent(x, label)));
    const matrix = first ? [sizeOf(sizes(x, free)), sizeOf(common)] : [sizeOf(common), sizeOf(sizes(x, free))];
    return arrange(x, order)
      .broadcastTo(target)
      .reshape([...sizes(x, batch), ...matrix]);
  };
  const product = stretch(left, rows, true).matmul(stretch(right, columns, false));
  const lead = batch.map((label) => Math.max(extent(left, label), extent(right, label)));
  return {
    tensor: product.reshape([...lead, ...sizes(left, rows), ...sizes(right, columns)]),
    labels: [...batch, ...rows, ...columns],
  };
}

/**
 * The sum over all labels that are not in `output` of the product of the operands, whose axes `inputs` names.
 * Operands are contracted from left to right. Differentiable in every operand.
 */
export function sumOfProducts(xs: Tensor[], inputs: readonly (readonly string[])[], output: readonly string[]): Tensor {
  let result = distinct(xs[0]!, inputs[0]!);
  for (let i = 1; i < xs.length; i++) {
    const needed = [...output, ...inputs.slice(i + 1).flat()];
    result = contract(result, distinct(xs[i]!, inputs[i]!), needed);
  }
  return arrange(sumAway(result, output), output);
}

/**
 * Einstein summation, for example `einsum("bij,bjk->bik", a, b)`. Repeated labels in one operand take its diagonal;
 * "..." stands for leading axes, which broadcast; without "->" the output is "..." and the labels that occur once, in
 * alphabetical order. Operands are contracted from left to right. Differentiable in every operand.
 * @throws ShapeError when the specification does not fit the shapes.
 * @differentiable
 */
export function einsum(spec: string, ...xs: Tensor[]): Tensor {
  const { inputs, output } = parse(spec, xs);
  return sumOfProducts(xs, inputs, output);
}
