/**
 * The matrices of Winograd's short convolutions F(4 × 4, 3 × 3), and the code that applies one to vectors.
 *
 * A tile of 4 × 4 outputs Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A takes 36 multiplications where the definition takes 144 (Lavin and
 * Gray, "Fast algorithms for convolutional neural networks", 2016, section 4). The matrices follow from six points by
 * Toom and Cook's construction; with 0, ±3/4, ±3/2 and infinity the rounding error is half of that with the usual
 * 0, ±1, ±2 (measured; why points matter: Barabasz et al., "Error analysis and improving the accuracy of Winograd
 * convolution for deep neural networks", 2020).
 */
import { type Expression, f32x4, type Steps } from "../../wasm/index.ts";

/** Outputs of a tile along an axis, inputs that they need, and taps. */
export const outputs = 4;
export const points = 6;
export const taps = 3;

type Matrix = readonly (readonly number[])[];

const finite = [0, 0.75, -0.75, 1.5, -1.5];

/** The coefficients of the product of (x - root), lowest power first. */
function polynomial(roots: readonly number[]): number[] {
  let product = [1];
  for (const root of roots) product = [0, ...product].map((above, i) => above - root * (product[i] ?? 0));
  return product;
}

const powers = (point: number, count: number): number[] => Array.from({ length: count }, (_, i) => point ** i);
const last = (count: number): number[] => Array.from({ length: count }, (_, i) => (i === count - 1 ? 1 : 0));
const transposed = (matrix: Matrix): Matrix => matrix[0]!.map((_, j) => matrix.map((row) => row[j]!));

/** Bᵀ, 6 × 6: inputs to points. */
export const inputMatrix: Matrix = [
  ...finite.map((point) => [...polynomial(finite.filter((other) => other !== point)), 0]),
  polynomial(finite),
];

/** G, 6 × 3: taps to points. */
export const weightMatrix: Matrix = [
  ...finite.map((point) => {
    const scale = finite.reduce((product, other) => (other === point ? product : product * (point - other)), 1);
    return powers(point, taps).map((power) => power / scale);
  }),
  last(taps),
];

/** A, 6 × 4: cotangents to points, as the adjoint for the weight needs them. */
export const cotangentMatrix: Matrix = [...finite.map((point) => powers(point, outputs)), last(outputs)];

/** Aᵀ, 4 × 6, and Gᵀ, 3 × 6: points to outputs, and to the adjoint for the weight. */
export const outputMatrix: Matrix = transposed(cotangentMatrix);
export const gradientMatrix: Matrix = transposed(weightMatrix);

/** Points p and -p: their rows (or columns) agree in even powers and differ in the sign of odd ones. */
const opposite = [
  [1, 2],
  [3, 4],
] as const;

type Madd = (a: Expression, b: Expression, sum: Expression) => Expression;

/** The vectors `matrix` · `inputs`; what opposite points have in common is computed once. */
export function apply(steps: Steps, matrix: Matrix, inputs: readonly Expression[], madd: Madd): Expression[] {
  const rows = matrix.length;
  if (rows === points) {
    const results: Expression[] = new Array(rows);
    for (const [plus, minus] of opposite) {
      const [p, m] = [matrix[plus]!, matrix[minus]!];
      const part = (sign: number) => p.map((factor, i) => (factor + sign * m[i]!) / 2);
      const even = steps.let(combination(steps, part(1), inputs, madd));
      const odd = steps.let(combination(steps, part(-1), inputs, madd));
      results[plus] = f32x4.add(even, odd);
      results[minus] = f32x4.sub(even, odd);
    }
    for (const row of [0, points - 1]) results[row] = combination(steps, matrix[row]!, inputs, madd);
    return results;
  }
  const sums = opposite.flatMap(([plus, minus]) => [
    steps.let(f32x4.add(inputs[plus]!, inputs[minus]!)),
    steps.let(f32x4.sub(inputs[plus]!, inputs[minus]!)),
  ]);
  return matrix.map((row) =>
    combination(
      steps,
      [
        row[0]!,
        ...opposite.flatMap(([plus, minus]) => [(row[plus]! + row[minus]!) / 2, (row[plus]! - row[minus]!) / 2]),
        row[points - 1]!,
      ],
      [inputs[0]!, ...sums, inputs[points - 1]!],
      madd,
    ),
  );
}

/** The sum of the vectors with these factors; those with factor 1 first, where they cost least. */
function combination(steps: Steps, factors: readonly number[], vectors: readonly Expression[], madd: Madd): Expression {
  const order = [...factors.keys()].sort((a, b) => Number(factors[b] === 1) - Number(factors[a] === 1));
  let sum: Expression | undefined;
  for (const i of order) {
    const [factor, vector] = [factors[i]!, vectors[i]!];
    if (factor === 0) continue;
    if (sum === undefined) sum = factor === 1 ? vector : f32x4.mul(f32x4.const(factor), vector);
    else sum = steps.let(factor === 1 ? f32x4.add(sum, vector) : madd(f32x4.const(factor), vector, sum));
  }
  return sum ?? f32x4.const(0);
}
