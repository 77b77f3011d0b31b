/** A scalar expression of 24 operations. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, cos, div, exp, log, mul, sin, sqrt, sub, type Traced, tanh, tapeGradient } from "../tape.ts";

function f(x: number, y: number): number {
  const a = Math.sin(x) * y + Math.exp(-x * x);
  const b = a / (1 + y * y) + Math.sqrt(x * x + y * y);
  const c = Math.tanh(a * b) - Math.log(1 + b * b);
  return c * Math.cos(a - y) + b * x;
}

function handWritten(x: number, y: number): [number, number] {
  const sx = Math.sin(x);
  const e = Math.exp(-x * x);
  const a = sx * y + e;
  const n = 1 + y * y;
  const r = Math.sqrt(x * x + y * y);
  const b = a / n + r;
  const t = Math.tanh(a * b);
  const m = 1 + b * b;
  const c = t - Math.log(m);
  const k = Math.cos(a - y);
  // c * k + b * x
  const dc = k;
  const dk = c * -Math.sin(a - y);
  let da = dk;
  let dy = -dk;
  let db = x;
  let dx = b;
  db -= (dc * 2 * b) / m;
  const dt = dc * (1 - t * t);
  da += dt * b;
  db += dt * a;
  da += db / n;
  dy -= ((db * a) / (n * n)) * 2 * y;
  const dr = db / r;
  dx += dr * x;
  dy += dr * y;
  dx += da * Math.cos(x) * y - da * e * 2 * x;
  dy += da * sx;
  return [dx, dy];
}

function traced(x: Traced, y: Traced): Traced {
  const a = add(mul(sin(x), y), exp(mul(mul(x, x), -1)));
  const b = add(div(a, add(mul(y, y), 1)), sqrt(add(mul(x, x), mul(y, y))));
  const c = sub(tanh(mul(a, b)), log(add(mul(b, b), 1)));
  return add(mul(c, cos(sub(a, y))), mul(b, x));
}

const compiled = gradient(f);
/** A slightly different point per call, so that no engine can hoist the work. */
const point = (call: number) => 0.3 + (call & 1023) * 1e-4;

export const scalarExpression: Kernel = {
  name: "scalar expression (24 operations)",
  primal: (call) => f(point(call), 0.7),
  handWritten: (call) => handWritten(point(call), 0.7),
  compiled: (call) => compiled(point(call), 0.7),
  tape: (call) => tapeGradient(traced, [point(call), 0.7]),
};
