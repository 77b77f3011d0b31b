/** Calls in an inner loop: the energy of 64 particles on a line, where each pair calls functions that call others. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, exp, mul, recip, sub, Traced, tapeGradientOf } from "../tape.ts";

const count = 64;

/** Too long to be copied into its caller. */
function repulsion(r: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k < 6; k++) {
    term *= -r / k;
    sum += term;
  }
  return sum;
}

function pair(x: number, y: number, charge: number): number {
  const distance = x - y;
  const squared = distance * distance + 0.1;
  return charge / squared + Math.exp(-squared) + repulsion(0.1 * squared);
}

function f(x: number[]): number {
  let energy = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) energy += pair(x[i], x[j], 0.5);
  }
  return energy;
}

function repulsionGradient(r: number): number {
  let term = 1;
  let slope = 0;
  let sum = 0;
  // d/dr of (-r)^k / k! is -(-r)^(k - 1) / (k - 1)!
  for (let k = 1; k < 6; k++) {
    slope = -term;
    term *= -r / k;
    sum += slope;
  }
  return sum;
}

function pairGradient(x: number, y: number, charge: number): number {
  const distance = x - y;
  const squared = distance * distance + 0.1;
  const slope = -charge / (squared * squared) - Math.exp(-squared) + 0.1 * repulsionGradient(0.1 * squared);
  return 2 * distance * slope;
}

function handWritten(x: number[]): number[] {
  const dx = x.map(() => 0);
  for (let i = count - 1; i >= 0; i--) {
    for (let j = i - 1; j >= 0; j--) {
      const d = pairGradient(x[i], x[j], 0.5);
      dx[i] += d;
      dx[j] -= d;
    }
  }
  return dx;
}

function tracedRepulsion(r: Traced): Traced {
  let term = new Traced(1);
  let sum = new Traced(1);
  for (let k = 1; k < 6; k++) {
    term = mul(term, mul(r, -1 / k));
    sum = add(sum, term);
  }
  return sum;
}

function tracedPair(x: Traced, y: Traced, charge: number): Traced {
  const distance = sub(x, y);
  const squared = add(mul(distance, distance), 0.1);
  const near = add(mul(recip(squared), charge), exp(mul(squared, -1)));
  return add(near, tracedRepulsion(mul(squared, 0.1)));
}

function traced(x: Traced[]): Traced {
  let energy = new Traced(0);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) energy = add(energy, tracedPair(x[i], x[j], 0.5));
  }
  return energy;
}

const points = Array.from({ length: count }, (_, i) => 0.1 * i + 0.05 * Math.sin(i * 2.1));
const compiled = gradient(f);

export const calls: Kernel = {
  name: "calls in an inner loop (64 particles)",
  primal: () => f(points),
  handWritten: () => handWritten(points),
  compiled: () => compiled(points),
  tape: () => tapeGradientOf(traced, points)[0],
};
