/**
 * Shapes a wave by gradients through time: which initial height of shallow water makes a given picture appear after it
 * has sloshed for a while? The solver is ordinary loops over arrays (the linear shallow-water equations on a periodic
 * grid, by leapfrog), and the derivative goes back through all of its steps. After the Shallow-Water-PDE example of
 * swift-models.
 *
 *     npx pullback run examples/control-waves.ts
 */
import { parseArgs } from "node:util";
import { valueWithGradient } from "@pullback/autodiff";

const { values: flags } = parseArgs({
  args: process.argv.slice(2),
  options: { updates: { type: "string", default: "60" } },
});
const updates = Number(flags.updates);
const n = 32;
const steps = 100;
const dt = 0.35; // grid cells per step at wave speed 1; the scheme is stable below 0.7

/** The height of the water after `steps` steps from rest. */
function slosh(initial: number[]): number[] {
  let height = initial;
  let before = initial;
  for (let step = 0; step < steps; step++) {
    const next = new Array<number>(n * n).fill(0);
    for (let y = 0; y < n; y++) {
      const [up, down] = [((y + n - 1) % n) * n, ((y + 1) % n) * n];
      for (let x = 0; x < n; x++) {
        const [left, right] = [(x + n - 1) % n, (x + 1) % n];
        const here = y * n + x;
        const laplacian =
          height[up + x] + height[down + x] + height[y * n + left] + height[y * n + right] - 4 * height[here];
        next[here] = 2 * height[here] - before[here] + dt * dt * laplacian;
      }
    }
    before = height;
    height = next;
  }
  return height;
}

function mismatch(initial: number[], target: number[]): number {
  const height = slosh(initial);
  let sum = 0;
  for (let i = 0; i < height.length; i++) sum += (height[i] - target[i]) ** 2;
  return sum / height.length;
}

/** A ring. */
const target = Array.from({ length: n * n }, (_, i) => {
  const radius = Math.hypot((i % n) - n / 2 + 0.5, Math.floor(i / n) - n / 2 + 0.5);
  return Math.exp(-(((radius - 9) / 1.5) ** 2));
});

const initial = new Array<number>(n * n).fill(0);
const velocity = new Array<number>(n * n).fill(0);
const gradient = valueWithGradient(mismatch, { wrt: 0 });
const begin = performance.now();
let first = 0;
let last = 0;
for (let update = 0; update <= updates; update++) {
  const { value, gradient: tangent } = gradient(initial, target);
  if (update === 0) first = value;
  last = value;
  if (update % 10 === 0) console.log(`update ${String(update).padStart(2)}  mismatch ${value.toExponential(3)}`);
  for (let i = 0; i < initial.length; i++) {
    velocity[i] = 0.9 * velocity[i] - 100 * tangent[i];
    initial[i] += velocity[i];
  }
}
console.log(
  `${((performance.now() - begin) / (updates + 1)).toFixed(1)} ms per gradient through ${steps} steps of ${n} × ${n} cells\n`,
);

const shades = " .:-=+*#%@";
const draw = (height: readonly number[]) =>
  Array.from({ length: n }, (_, y) =>
    Array.from({ length: n }, (_, x) => {
      const shade = shades[Math.round(Math.min(1, Math.max(0, height[y * n + x])) * (shades.length - 1))];
      return `${shade}${shade}`;
    }).join(""),
  ).join("\n");
console.log(`the water after ${steps} steps:\n${draw(slosh(initial))}`);
console.log(`\nmismatch ${first.toExponential(2)} -> ${last.toExponential(2)}`);
if (updates >= 60 && !(last < first / 20)) throw new Error("the wave should have taken the target's shape");
