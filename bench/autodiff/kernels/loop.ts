/** A recurrence: 1000 steps of x = sin(x) * a + b. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, mul, sin, type Traced, tapeGradient } from "../tape.ts";

const steps = 1000;

function f(x: number, a: number, b: number): number {
  for (let i = 0; i < steps; i++) x = Math.sin(x) * a + b;
  return x;
}

function handWritten(x: number, a: number, b: number): [number, number, number] {
  const saved = new Float64Array(steps);
  for (let i = 0; i < steps; i++) {
    saved[i] = x;
    x = Math.sin(x) * a + b;
  }
  let dx = 1;
  let da = 0;
  let db = 0;
  for (let i = steps - 1; i >= 0; i--) {
    const x = saved[i];
    db += dx;
    da += dx * Math.sin(x);
    dx = dx * a * Math.cos(x);
  }
  return [dx, da, db];
}

function traced(x: Traced, a: Traced, b: Traced): Traced {
  for (let i = 0; i < steps; i++) x = add(mul(sin(x), a), b);
  return x;
}

const compiled = gradient(f);
/** A slightly different point per call, so that no engine can hoist the work. */
const point = (call: number) => 0.3 + (call & 1023) * 1e-4;

export const loop: Kernel = {
  name: "loop (1000 steps of x = sin(x) * a + b)",
  primal: (call) => f(point(call), 0.9, 0.4),
  handWritten: (call) => handWritten(point(call), 0.9, 0.4),
  compiled: (call) => compiled(point(call), 0.9, 0.4),
  tape: (call) => tapeGradient(traced, [point(call), 0.9, 0.4]),
};
