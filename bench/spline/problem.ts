/**
 * The on-device task of the Swift for TensorFlow paper (Saeta et al. 2021, section 5.3): a spline that was learned for
 * everybody is fine-tuned to one person's few points. Numbers only, many small steps.
 */

export interface Problem {
  /** The control points of a uniform cubic B-spline over [0, 1]. */
  readonly controls: readonly number[];
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  /** Weight of the squared second differences of the control points. */
  readonly stiffness: number;
  readonly learningRate: number;
  readonly momentum: number;
}

/** Minimises the mean squared error by gradient descent with momentum; returns the control points. */
export type FineTune = (problem: Problem, steps: number) => readonly number[] | Promise<readonly number[]>;

const everybody = (x: number) => Math.sin(2 * Math.PI * x);
const count = 16;
const own = 32;
const xs = Array.from({ length: own }, (_, i) => (i + 0.5) / own);

export const problem: Problem = {
  controls: Array.from({ length: count }, (_, k) => everybody((k - 1) / (count - 3))),
  xs,
  ys: xs.map((x, i) => everybody(x) + 0.4 * x * x + 0.05 * Math.sin(12.9898 * i * i)),
  stiffness: 1e-4,
  learningRate: 0.5,
  momentum: 0.9,
};

/** The loss in plain numbers, to check what the contenders found. */
export function lossOf(c: readonly number[]): number {
  let error = 0;
  for (const [i, x] of problem.xs.entries()) {
    const position = x * (c.length - 3);
    const k = Math.min(Math.floor(position), c.length - 4);
    const u = position - k;
    const basis = [(1 - u) ** 3, 3 * u ** 3 - 6 * u ** 2 + 4, 3 * (1 - u) ** 3 - 6 * (1 - u) ** 2 + 4, u ** 3];
    error += (basis.reduce((sum, b, j) => sum + (b * c[k + j]) / 6, 0) - problem.ys[i]) ** 2;
  }
  let bending = 0;
  for (let k = 1; k < c.length - 1; k++) bending += (c[k - 1] - 2 * c[k] + c[k + 1]) ** 2;
  return error / problem.xs.length + problem.stiffness * bending;
}
