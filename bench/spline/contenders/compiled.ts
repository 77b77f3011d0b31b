/** The loss as one would write it, and the derivative that the compiler makes of it. */
import { gradient } from "@pullback/autodiff";
import { descend } from "../descent.ts";
import type { FineTune } from "../problem.ts";

function at(c: number[], x: number): number {
  const position = x * (c.length - 3);
  const k = Math.min(Math.floor(position), c.length - 4);
  const u = position - k;
  const v = 1 - u;
  const near = v * v * v * c[k] + (3 * u * u * u - 6 * u * u + 4) * c[k + 1];
  const far = (3 * v * v * v - 6 * v * v + 4) * c[k + 2] + u * u * u * c[k + 3];
  return (near + far) / 6;
}

function loss(c: number[], xs: readonly number[], ys: readonly number[], stiffness: number): number {
  let error = 0;
  for (let i = 0; i < xs.length; i++) {
    const difference = at(c, xs[i]) - ys[i];
    error += difference * difference;
  }
  let bending = 0;
  for (let k = 1; k < c.length - 1; k++) {
    const second = c[k - 1] - 2 * c[k] + c[k + 1];
    bending += second * second;
  }
  return error / xs.length + stiffness * bending;
}

export const fineTune: FineTune = (problem, steps) => {
  const { xs, ys, stiffness } = problem;
  const gradientOf = gradient(loss, { wrt: 0 });
  return descend(problem, steps, (c) => gradientOf(c, xs, ys, stiffness));
};
