/** The gradient as a careful person would write it. */
import { descend } from "../descent.ts";
import type { FineTune } from "../problem.ts";

function gradient(c: readonly number[], xs: readonly number[], ys: readonly number[], stiffness: number): number[] {
  const d = new Array<number>(c.length).fill(0);
  for (let i = 0; i < xs.length; i++) {
    const position = xs[i] * (c.length - 3);
    const k = Math.min(Math.floor(position), c.length - 4);
    const u = position - k;
    const v = 1 - u;
    const b0 = v * v * v;
    const b1 = 3 * u * u * u - 6 * u * u + 4;
    const b2 = 3 * v * v * v - 6 * v * v + 4;
    const b3 = u * u * u;
    const error = (b0 * c[k] + b1 * c[k + 1] + b2 * c[k + 2] + b3 * c[k + 3]) / 6 - ys[i];
    const scale = error / (3 * xs.length);
    d[k] += scale * b0;
    d[k + 1] += scale * b1;
    d[k + 2] += scale * b2;
    d[k + 3] += scale * b3;
  }
  for (let k = 1; k < c.length - 1; k++) {
    const second = 2 * stiffness * (c[k - 1] - 2 * c[k] + c[k + 1]);
    d[k - 1] += second;
    d[k] -= 2 * second;
    d[k + 1] += second;
  }
  return d;
}

export const fineTune: FineTune = (problem, steps) => {
  const { xs, ys, stiffness } = problem;
  return descend(problem, steps, (c) => gradient(c, xs, ys, stiffness));
};
