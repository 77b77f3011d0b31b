/** Where five bodies are after ten leapfrog steps: mutated objects in an array, in a loop over pairs. */
import { gradient } from "@pullback/autodiff";
import type { Kernel } from "../kernel.ts";
import { add, mul, recip, sqrt, sub, Traced, tapeSweep } from "../tape.ts";

const steps = 10;
const dt = 0.01;

interface Body<T = number> {
  x: T;
  y: T;
  z: T;
  vx: T;
  vy: T;
  vz: T;
  mass: T;
}

function step(bodies: Body[]): void {
  for (let i = 0; i < bodies.length; i++) {
    const a = bodies[i];
    for (let j = i + 1; j < bodies.length; j++) {
      const b = bodies[j];
      const dx = a.x - b.x;
      const dy = a.y - b.y;
      const dz = a.z - b.z;
      const squared = dx * dx + dy * dy + dz * dz;
      const force = dt / (squared * Math.sqrt(squared));
      a.vx -= dx * b.mass * force;
      a.vy -= dy * b.mass * force;
      a.vz -= dz * b.mass * force;
      b.vx += dx * a.mass * force;
      b.vy += dy * a.mass * force;
      b.vz += dz * a.mass * force;
    }
  }
  for (const body of bodies) {
    body.x += dt * body.vx;
    body.y += dt * body.vy;
    body.z += dt * body.vz;
  }
}

function f(initial: readonly Body[]): number {
  const bodies = initial.map((b) => ({ ...b }));
  for (let n = 0; n < steps; n++) step(bodies);
  let sum = 0;
  for (const b of bodies) sum += b.x * b.x + b.y * b.y + b.z * b.z;
  return sum;
}

function handWritten(initial: readonly Body[]): Body[] {
  const bodies = initial.map((b) => ({ ...b }));
  const count = bodies.length;
  // Velocities are linear in what came before them, so that only positions have to be kept.
  const saved = new Float64Array(steps * count * 3);
  for (let n = 0; n < steps; n++) {
    for (let i = 0; i < count; i++) {
      const at = (n * count + i) * 3;
      saved[at] = bodies[i].x;
      saved[at + 1] = bodies[i].y;
      saved[at + 2] = bodies[i].z;
    }
    step(bodies);
  }
  const d = bodies.map((b) => ({ x: 2 * b.x, y: 2 * b.y, z: 2 * b.z, vx: 0, vy: 0, vz: 0, mass: 0 }));
  for (let n = steps - 1; n >= 0; n--) {
    for (const b of d) {
      b.vx += dt * b.x;
      b.vy += dt * b.y;
      b.vz += dt * b.z;
    }
    for (let i = count - 1; i >= 0; i--) {
      const da = d[i];
      const ma = initial[i].mass;
      const at = (n * count + i) * 3;
      for (let j = count - 1; j > i; j--) {
        const db = d[j];
        const mb = initial[j].mass;
        const bt = (n * count + j) * 3;
        const dx = saved[at] - saved[bt];
        const dy = saved[at + 1] - saved[bt + 1];
        const dz = saved[at + 2] - saved[bt + 2];
        const squared = dx * dx + dy * dy + dz * dz;
        const force = dt / (squared * Math.sqrt(squared));
        const dotA = dx * da.vx + dy * da.vy + dz * da.vz;
        const dotB = dx * db.vx + dy * db.vy + dz * db.vz;
        da.mass += dotB * force;
        db.mass -= dotA * force;
        const dForce = ma * dotB - mb * dotA;
        const dSquared = (-1.5 * dForce * force) / squared;
        const gx = force * (ma * db.vx - mb * da.vx) + 2 * dSquared * dx;
        const gy = force * (ma * db.vy - mb * da.vy) + 2 * dSquared * dy;
        const gz = force * (ma * db.vz - mb * da.vz) + 2 * dSquared * dz;
        da.x += gx;
        da.y += gy;
        da.z += gz;
        db.x -= gx;
        db.y -= gy;
        db.z -= gz;
      }
    }
  }
  return d;
}

function traced(initial: readonly Body<Traced>[]): Traced {
  const bodies = initial.map((b) => ({ ...b }));
  for (let n = 0; n < steps; n++) {
    for (let i = 0; i < bodies.length; i++) {
      const a = bodies[i];
      for (let j = i + 1; j < bodies.length; j++) {
        const b = bodies[j];
        const dx = sub(a.x, b.x);
        const dy = sub(a.y, b.y);
        const dz = sub(a.z, b.z);
        const squared = add(add(mul(dx, dx), mul(dy, dy)), mul(dz, dz));
        const force = mul(recip(mul(squared, sqrt(squared))), dt);
        a.vx = sub(a.vx, mul(mul(dx, b.mass), force));
        a.vy = sub(a.vy, mul(mul(dy, b.mass), force));
        a.vz = sub(a.vz, mul(mul(dz, b.mass), force));
        b.vx = add(b.vx, mul(mul(dx, a.mass), force));
        b.vy = add(b.vy, mul(mul(dy, a.mass), force));
        b.vz = add(b.vz, mul(mul(dz, a.mass), force));
      }
    }
    for (const body of bodies) {
      body.x = add(body.x, mul(body.vx, dt));
      body.y = add(body.y, mul(body.vy, dt));
      body.z = add(body.z, mul(body.vz, dt));
    }
  }
  let sum = new Traced(0);
  for (const b of bodies) sum = add(sum, add(add(mul(b.x, b.x), mul(b.y, b.y)), mul(b.z, b.z)));
  return sum;
}

function tapeGradient(initial: readonly Body[]): Body[] {
  const lifted = initial.map((b) => mapBody(b, (x) => new Traced(x)));
  tapeSweep(() => traced(lifted));
  return lifted.map((b) => mapBody(b, (x) => x.adjoint));
}

const mapBody = <T, U>(b: Body<T>, map: (x: T) => U): Body<U> => ({
  x: map(b.x),
  y: map(b.y),
  z: map(b.z),
  vx: map(b.vx),
  vy: map(b.vy),
  vz: map(b.vz),
  mass: map(b.mass),
});

const bodies = Array.from({ length: 5 }, (_, i) => ({
  x: 3 * Math.cos(i * 1.3),
  y: 3 * Math.sin(i * 1.1),
  z: 0.2 * i,
  vx: 0.3 * Math.sin(i),
  vy: 0.4 * Math.cos(i),
  vz: 0.05 * i,
  mass: 1 + 0.3 * i,
}));
const compiled = gradient(f);

export const nBody: Kernel = {
  name: "N-body (5 bodies, 10 steps, mutated objects)",
  primal: () => f(bodies),
  handWritten: () => handWritten(bodies),
  compiled: () => compiled(bodies),
  tape: () => tapeGradient(bodies),
};
