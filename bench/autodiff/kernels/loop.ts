/** A recurrence: a number of steps of x = sin(x) * a + b. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, mul, sin, type Traced, tapeGradient } from "../tape.ts";

function f(x: number, a: number, b: number, steps: number): number {
  for (let i = 0; i < steps; i++) x = Math.sin(x) * a + b;
  return x;
}

function handWritten(x: number, a: number, b: number, steps: number): [number, number, number] {
  const sines = new Float64Array(steps);
  const saved = new Float64Array(steps);
  for (let i = 0; i < steps; i++) {
    const sine = Math.sin(x);
    saved[i] = x;
    sines[i] = sine;
    x = sine * a + b;
  }
  let dx = 1;
  let da = 0;
  let db = 0;
  for (let i = steps - 1; i >= 0; i--) {
    db += dx;
    da += dx * sines[i];
    dx *= a * Math.cos(saved[i]);
  }
  return [dx, da, db];
}

function traced(x: Traced, a: Traced, b: Traced, steps: number): Traced {
  for (let i = 0; i < steps; i++) x = add(mul(sin(x), a), b);
  return x;
}

const compiled = gradient(f, { wrt: [0, 1, 2] });
/** A slightly different point per call, so that no engine can hoist the work. */
const point = (call: number) => 0.3 + (call & 1023) * 1e-4;

/** The row for a number of steps. */
export function loop(steps: number): Kernel {
  return {
    name: `loop (${steps.toLocaleString("en")} steps of x = sin(x) * a + b)`,
    primal: (call) => f(point(call), 0.9, 0.4, steps),
    handWritten: (call) => handWritten(point(call), 0.9, 0.4, steps),
    compiled: (call) => compiled(point(call), 0.9, 0.4, steps),
    tape: (call) =>
      tapeGradient((x, a, b) => traced(x as Traced, a as Traced, b as Traced, steps), [point(call), 0.9, 0.4]),
  };
}
