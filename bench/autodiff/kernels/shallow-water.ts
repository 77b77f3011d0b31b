/** Shallow-water waves on a periodic 32 x 32 grid: five explicit steps on flat arrays, then the squared height. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, mul, sub, Traced, tapeGradientOf } from "../tape.ts";

const n = 32;
const steps = 5;
const dt = 0.05;
const gravity = 1;
const depth = 1;

function f(initial: Float64Array): number {
  const h = Float64Array.from(initial);
  const u = new Float64Array(n * n);
  const v = new Float64Array(n * n);
  for (let t = 0; t < steps; t++) {
    for (let i = 0; i < n; i++) {
      const below = (i + 1) % n;
      for (let j = 0; j < n; j++) {
        const right = (j + 1) % n;
        const at = i * n + j;
        u[at] -= dt * gravity * (h[i * n + right] - h[at]);
        v[at] -= dt * gravity * (h[below * n + j] - h[at]);
      }
    }
    for (let i = 0; i < n; i++) {
      const above = (i + n - 1) % n;
      for (let j = 0; j < n; j++) {
        const left = (j + n - 1) % n;
        const at = i * n + j;
        const flux = u[at] - u[i * n + left] + v[at] - v[above * n + j];
        h[at] -= dt * (depth + h[at]) * flux;
      }
    }
  }
  let energy = 0;
  for (let i = 0; i < n * n; i++) energy += h[i] * h[i];
  return energy;
}

function handWritten(initial: Float64Array): Float64Array {
  const h = Float64Array.from(initial);
  const u = new Float64Array(n * n);
  const v = new Float64Array(n * n);
  const size = n * n;
  const heights = new Float64Array(steps * size);
  const fluxes = new Float64Array(steps * size);
  for (let t = 0; t < steps; t++) {
    for (let i = 0; i < n; i++) {
      const below = (i + 1) % n;
      for (let j = 0; j < n; j++) {
        const right = (j + 1) % n;
        const at = i * n + j;
        u[at] -= dt * gravity * (h[i * n + right] - h[at]);
        v[at] -= dt * gravity * (h[below * n + j] - h[at]);
      }
    }
    for (let i = 0; i < n; i++) {
      const above = (i + n - 1) % n;
      for (let j = 0; j < n; j++) {
        const left = (j + n - 1) % n;
        const at = i * n + j;
        const flux = u[at] - u[i * n + left] + v[at] - v[above * n + j];
        fluxes[t * size + at] = flux;
        heights[t * size + at] = h[at];
        h[at] -= dt * (depth + h[at]) * flux;
      }
    }
  }
  const dh = h.map((x) => 2 * x);
  const du = new Float64Array(size);
  const dv = new Float64Array(size);
  for (let t = steps - 1; t >= 0; t--) {
    for (let i = n - 1; i >= 0; i--) {
      const above = (i + n - 1) % n;
      for (let j = n - 1; j >= 0; j--) {
        const left = (j + n - 1) % n;
        const at = i * n + j;
        const d = -dt * dh[at];
        const flux = d * (depth + heights[t * size + at]);
        dh[at] += d * fluxes[t * size + at];
        du[at] += flux;
        du[i * n + left] -= flux;
        dv[at] += flux;
        dv[above * n + j] -= flux;
      }
    }
    for (let i = n - 1; i >= 0; i--) {
      const below = (i + 1) % n;
      for (let j = n - 1; j >= 0; j--) {
        const right = (j + 1) % n;
        const at = i * n + j;
        const a = dt * gravity * du[at];
        const b = dt * gravity * dv[at];
        dh[at] += a + b;
        dh[i * n + right] -= a;
        dh[below * n + j] -= b;
      }
    }
  }
  return dh;
}

function traced(initial: readonly Traced[]): Traced {
  const h = [...initial];
  const u = h.map(() => new Traced(0));
  const v = h.map(() => new Traced(0));
  for (let t = 0; t < steps; t++) {
    for (let i = 0; i < n; i++) {
      const below = (i + 1) % n;
      for (let j = 0; j < n; j++) {
        const right = (j + 1) % n;
        const at = i * n + j;
        u[at] = sub(u[at], mul(sub(h[i * n + right], h[at]), dt * gravity));
        v[at] = sub(v[at], mul(sub(h[below * n + j], h[at]), dt * gravity));
      }
    }
    for (let i = 0; i < n; i++) {
      const above = (i + n - 1) % n;
      for (let j = 0; j < n; j++) {
        const left = (j + n - 1) % n;
        const at = i * n + j;
        const flux = sub(add(sub(u[at], u[i * n + left]), v[at]), v[above * n + j]);
        h[at] = sub(h[at], mul(mul(add(h[at], depth), dt), flux));
      }
    }
  }
  let energy = new Traced(0);
  for (const x of h) energy = add(energy, mul(x, x));
  return energy;
}

const initial = Float64Array.from({ length: n * n }, (_, i) => 0.1 * Math.sin(i * 0.37) * Math.cos(i * 0.011));
const compiled = gradient(f);

export const shallowWater: Kernel = {
  name: "shallow water (32 x 32, 5 steps)",
  primal: () => f(initial),
  handWritten: () => handWritten(initial),
  compiled: () => compiled(initial),
  tape: () => tapeGradientOf(traced, initial)[0],
};
