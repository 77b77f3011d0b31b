/** Array reads and writes: a recurrence that fills an array of n elements from another and reads it again. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, mul, sub, Traced, tapeGradientOf } from "../tape.ts";

function f(x: Float64Array): number {
  const n = x.length;
  const y = new Float64Array(n);
  y[0] = x[0];
  for (let i = 1; i < n; i++) y[i] = 0.5 * y[i - 1] + x[i] * x[i];
  let sum = 0;
  for (let i = 0; i < n; i++) sum += y[i] * (1 - y[i]);
  return sum;
}

function handWritten(x: Float64Array): Float64Array {
  const n = x.length;
  const y = new Float64Array(n);
  y[0] = x[0];
  for (let i = 1; i < n; i++) y[i] = 0.5 * y[i - 1] + x[i] * x[i];
  const dx = new Float64Array(n);
  const dy = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) dy[i] = 1 - 2 * y[i];
  for (let i = n - 1; i >= 1; i--) {
    const d = dy[i];
    dy[i - 1] += 0.5 * d;
    dx[i] = 2 * x[i] * d;
  }
  dx[0] = dy[0];
  return dx;
}

function traced(x: Traced[]): Traced {
  const y = [x[0]];
  for (let i = 1; i < x.length; i++) y.push(add(mul(y[i - 1], 0.5), mul(x[i], x[i])));
  let sum = new Traced(0);
  for (const each of y) sum = add(sum, sub(each, mul(each, each)));
  return sum;
}

const compiled = gradient(f);

/** The row for arrays of n elements. */
export function array(n: number): Kernel {
  const x = Float64Array.from({ length: n }, (_, i) => 0.3 * Math.sin(i));
  return {
    name: `array reads and writes (n = ${n.toLocaleString("en")})`,
    primal: () => f(x),
    handWritten: () => handWritten(x),
    compiled: () => compiled(x),
    tape: () => tapeGradientOf(traced, x)[0],
  };
}
