/** Reverse mode by tracing: one closure per operation, run backwards. */
import { add, mul, sub, Traced, tapeGradientOf } from "../../autodiff/tape.ts";
import { descend } from "../descent.ts";
import type { FineTune } from "../problem.ts";

function at(c: readonly Traced[], x: number): Traced {
  const position = x * (c.length - 3);
  const k = Math.min(Math.floor(position), c.length - 4);
  const u = position - k;
  const v = 1 - u;
  const near = add(mul(c[k], v * v * v), mul(c[k + 1], 3 * u * u * u - 6 * u * u + 4));
  const far = add(mul(c[k + 2], 3 * v * v * v - 6 * v * v + 4), mul(c[k + 3], u * u * u));
  return mul(add(near, far), 1 / 6);
}

function loss(c: readonly Traced[], xs: readonly number[], ys: readonly number[], stiffness: number): Traced {
  let error = new Traced(0);
  for (let i = 0; i < xs.length; i++) {
    const difference = sub(at(c, xs[i]), ys[i]);
    error = add(error, mul(difference, difference));
  }
  let bending = new Traced(0);
  for (let k = 1; k < c.length - 1; k++) {
    const second = add(sub(c[k - 1], mul(c[k], 2)), c[k + 1]);
    bending = add(bending, mul(second, second));
  }
  return add(mul(error, 1 / xs.length), mul(bending, stiffness));
}

export const fineTune: FineTune = (problem, steps) => {
  const { xs, ys, stiffness } = problem;
  return descend(problem, steps, (c) => tapeGradientOf((traced) => loss(traced, xs, ys, stiffness), c)[0]);
};
