/** Gradient descent with momentum over a list of numbers, for the contenders that compute with numbers. */
import type { Problem } from "./problem.ts";

export function descend(
  { controls, learningRate, momentum }: Problem,
  steps: number,
  gradient: (controls: number[]) => readonly number[],
): number[] {
  const c = [...controls];
  const velocity = c.map(() => 0);
  for (let step = 0; step < steps; step++) {
    const d = gradient(c);
    for (let k = 0; k < c.length; k++) {
      velocity[k] = momentum * velocity[k] + d[k];
      c[k] -= learningRate * velocity[k];
    }
  }
  return c;
}
