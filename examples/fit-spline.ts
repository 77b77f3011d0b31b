/**
 * The spline fine-tuning of the Swift for TensorFlow paper (Saeta et al. 2021): a curve that was learned for everybody
 * is adapted to one person's data on their own device. Numbers and arrays only; no tensor in sight.
 *
 *     npx pullback run examples/fit-spline.ts
 */
import { gradient, valueWithGradient } from "@pullback/autodiff";

/** A uniform cubic B-spline over [0, 1]. */
class Spline {
  constructor(public controls: number[]) {}

  at(x: number): number {
    const last = this.controls.length - 3;
    const position = Math.min(Math.max(x, 0), 1) * last;
    const k = Math.min(Math.floor(position), last - 1);
    const u = position - k;
    const v = 1 - u;
    const near = v ** 3 * this.controls[k] + (3 * u ** 3 - 6 * u ** 2 + 4) * this.controls[k + 1];
    const far = (3 * v ** 3 - 6 * v ** 2 + 4) * this.controls[k + 2] + u ** 3 * this.controls[k + 3];
    return (near + far) / 6;
  }
}

/** Mean squared error, and how far neighbouring controls may bend. */
function loss(spline: Spline, xs: number[], ys: number[], stiffness: number): number {
  let error = 0;
  for (let i = 0; i < xs.length; i++) error += (spline.at(xs[i]) - ys[i]) ** 2;
  const c = spline.controls;
  let bending = 0;
  for (let k = 1; k < c.length - 1; k++) bending += (c[k - 1] - 2 * c[k] + c[k + 1]) ** 2;
  return error / xs.length + stiffness * bending;
}

/** Gradient descent with momentum, in place. */
function fit(spline: Spline, xs: number[], ys: number[], steps: number): number[] {
  const step = valueWithGradient(loss, { wrt: 0 });
  const velocity = spline.controls.map(() => 0);
  return Array.from({ length: steps }, () => {
    const { value, gradient: tangent } = step(spline, xs, ys, 1e-4);
    for (let k = 0; k < velocity.length; k++) {
      velocity[k] = 0.9 * velocity[k] - 0.5 * tangent.controls[k];
      spline.controls[k] += velocity[k];
    }
    return value;
  });
}

const noise = (i: number) => 0.05 * Math.sin(12.9898 * i * i);
const everybody = (x: number) => Math.sin(2 * Math.PI * x);
const person = (x: number) => everybody(x) + 0.4 * x * x;

const xs = Array.from({ length: 400 }, (_, i) => i / 399);
const global = new Spline(new Array<number>(16).fill(0));
const learned = fit(
  global,
  xs,
  xs.map((x, i) => everybody(x) + noise(i)),
  300,
);
console.log(`for everybody: loss ${learned[0].toFixed(4)} -> ${learned.at(-1)!.toFixed(4)} in 300 steps of 400 points`);

const own = [0.05, 0.2, 0.35, 0.5, 0.62, 0.75, 0.88, 0.97];
const before = new Spline([...global.controls]);
const tuned = new Spline([...global.controls]);
const start = performance.now();
const losses = fit(
  tuned,
  own,
  own.map((x, i) => person(x) + noise(i)),
  200,
);
const elapsed = performance.now() - start;
console.log(
  `for one person: loss ${losses[0].toFixed(4)} -> ${losses.at(-1)!.toFixed(4)} in ${elapsed.toFixed(1)} ms on 8 points`,
);

const distance = (spline: Spline) =>
  Math.sqrt(xs.reduce((sum, x) => sum + (spline.at(x) - person(x)) ** 2, 0) / xs.length);
console.log(
  `distance from the person's curve: ${distance(before).toFixed(3)} before, ${distance(tuned).toFixed(3)} after`,
);

// The same derivative answers other questions: where does the curve rise fastest?
const slope = gradient((x: number) => tuned.at(x));
const steepest = xs.reduce((best, x) => (slope(x) > slope(best) ? x : best));
console.log(`it rises fastest at x = ${steepest.toFixed(2)}, by ${slope(steepest).toFixed(2)} per unit`);
if (!(distance(tuned) < distance(before) / 2)) throw new Error("the tuned curve should be much nearer");
