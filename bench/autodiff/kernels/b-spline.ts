/** The squared error of a uniform cubic B-spline with 50 control points at 1000 samples. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, mul, sub, Traced, tapeGradient } from "../tape.ts";

const controls = 50;
const samples = 1000;
const target = Array.from({ length: samples }, (_, i) => Math.sin((i / samples) * 7) + 0.1 * Math.cos(i));

function fit(c: number[]): number {
  let loss = 0;
  for (let i = 0; i < samples; i++) {
    const t = (i / samples) * (controls - 3);
    const k = Math.floor(t);
    const u = t - k;
    const v = 1 - u;
    const value =
      (v * v * v * c[k] +
        (3 * u * u * u - 6 * u * u + 4) * c[k + 1] +
        (3 * v * v * v - 6 * v * v + 4) * c[k + 2] +
        u * u * u * c[k + 3]) /
      6;
    const error = value - target[i];
    loss += error * error;
  }
  return loss;
}

function handWritten(c: number[]): number[] {
  const dc = c.map(() => 0);
  for (let i = samples - 1; i >= 0; i--) {
    const t = (i / samples) * (controls - 3);
    const k = Math.floor(t);
    const u = t - k;
    const v = 1 - u;
    const b0 = v * v * v;
    const b1 = 3 * u * u * u - 6 * u * u + 4;
    const b2 = 3 * v * v * v - 6 * v * v + 4;
    const b3 = u * u * u;
    const error = (b0 * c[k] + b1 * c[k + 1] + b2 * c[k + 2] + b3 * c[k + 3]) / 6 - target[i];
    const d = (2 * error) / 6;
    dc[k] += d * b0;
    dc[k + 1] += d * b1;
    dc[k + 2] += d * b2;
    dc[k + 3] += d * b3;
  }
  return dc;
}

function traced(...c: Traced[]): Traced {
  let loss = new Traced(0);
  for (let i = 0; i < samples; i++) {
    const t = (i / samples) * (controls - 3);
    const k = Math.floor(t);
    const u = t - k;
    const v = 1 - u;
    const near = add(mul(c[k], v * v * v), mul(c[k + 1], 3 * u * u * u - 6 * u * u + 4));
    const far = add(mul(c[k + 2], 3 * v * v * v - 6 * v * v + 4), mul(c[k + 3], u * u * u));
    const error = sub(mul(add(near, far), 1 / 6), target[i]);
    loss = add(loss, mul(error, error));
  }
  return loss;
}

const points = Array.from({ length: controls }, (_, i) => Math.cos(i * 1.3));
const compiled = gradient(fit);

export const bSpline: Kernel = {
  name: "cubic B-spline fit (1000 points)",
  primal: () => fit(points),
  handWritten: () => handWritten(points),
  compiled: () => compiled(points),
  tape: () => tapeGradient(traced, points),
};
