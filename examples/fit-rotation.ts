/**
 * Finds the rotation between two clouds of points by gradient descent on SO(3): a type that brings its own tangent (the
 * three numbers of an angular velocity) and its own `move` (the exponential map), so that it stays a rotation at every
 * step. Nothing in the loss knows about that.
 *
 *     npx pullback run examples/fit-rotation.ts
 */
import { type Manifold, manifold, move, tangent, valueWithGradient } from "@pullback/autodiff";

type Vector = [number, number, number];

/** A rotation matrix by rows. Its tangent at R is ω, for the curve exp(t ω×) R. */
class Rotation {
  constructor(public m: number[]) {}

  apply([x, y, z]: Vector): Vector {
    const { m } = this;
    return [m[0] * x + m[1] * y + m[2] * z, m[3] * x + m[4] * y + m[5] * z, m[6] * x + m[7] * y + m[8] * z];
  }

  declare readonly [manifold]: Manifold<Rotation, { omega: Vector }>;
}

/** Rodrigues' formula: the rotation by |ω| about ω. */
function exponential([x, y, z]: Vector): number[] {
  const angle = Math.hypot(x, y, z);
  const s = angle < 1e-12 ? 1 : Math.sin(angle) / angle;
  const c = angle < 1e-12 ? 0.5 : (1 - Math.cos(angle)) / angle ** 2;
  const d = 1 - c * angle ** 2;
  return [
    d + c * x * x,
    c * x * y - s * z,
    c * x * z + s * y,
    c * x * y + s * z,
    d + c * y * y,
    c * y * z - s * x,
    c * x * z - s * y,
    c * y * z + s * x,
    d + c * z * z,
  ];
}

const product = (a: readonly number[], b: readonly number[]) =>
  Array.from({ length: 9 }, (_, i) => {
    const [row, column] = [3 * Math.floor(i / 3), i % 3];
    return a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6];
  });

Object.defineProperty(Rotation.prototype, manifold, {
  value: {
    zero: () => ({ omega: [0, 0, 0] }),
    move(rotation, { omega }) {
      rotation.m = product(exponential(omega), rotation.m);
    },
    // The derivative by matrix entries, G, along ω× R: the antisymmetric part of G Rᵀ.
    project({ m }, fields) {
      const g = fields.m as number[];
      const entry = (i: number, j: number) =>
        g[3 * i] * m[3 * j] + g[3 * i + 1] * m[3 * j + 1] + g[3 * i + 2] * m[3 * j + 2];
      return { omega: [entry(2, 1) - entry(1, 2), entry(0, 2) - entry(2, 0), entry(1, 0) - entry(0, 1)] };
    },
  } satisfies Manifold<Rotation, { omega: Vector }>,
});

function loss(rotation: Rotation, from: Vector[], to: Vector[]): number {
  let sum = 0;
  for (let i = 0; i < from.length; i++) {
    const [x, y, z] = rotation.apply(from[i]);
    sum += (x - to[i][0]) ** 2 + (y - to[i][1]) ** 2 + (z - to[i][2]) ** 2;
  }
  return sum / from.length;
}

const truth = new Rotation(exponential([0.9, -1.4, 0.7]));
const from = Array.from({ length: 50 }, (_, i): Vector => [Math.sin(3 * i), Math.cos(5 * i + 1), Math.sin(7 * i + 2)]);
const to = from.map((point, i): Vector => {
  const [x, y, z] = truth.apply(point);
  return [x + 0.01 * Math.sin(97 * i), y + 0.01 * Math.cos(89 * i), z + 0.01 * Math.sin(83 * i)];
});

const rotation = new Rotation([1, 0, 0, 0, 1, 0, 0, 0, 1]);
const step = valueWithGradient(loss, { wrt: 0 });
for (let i = 0; i <= 20; i++) {
  const { value, gradient } = step(rotation, from, to);
  if (i % 4 === 0) console.log(`step ${String(i).padStart(2)}  loss ${value.toExponential(3)}`);
  move(rotation, tangent.scale(gradient, -0.2));
}

const noise = loss(truth, from, to);
console.log(`what remains is the noise of the points: the true rotation has loss ${noise.toExponential(3)}`);

const trace = product(rotation.m, [
  truth.m[0],
  truth.m[3],
  truth.m[6],
  truth.m[1],
  truth.m[4],
  truth.m[7],
  truth.m[2],
  truth.m[5],
  truth.m[8],
]);
const angle = Math.acos(Math.min(1, (trace[0] + trace[4] + trace[8] - 1) / 2));
const columns = [0, 1, 2].map((j) => Math.hypot(rotation.m[j], rotation.m[3 + j], rotation.m[6 + j]));
console.log(`angle to the true rotation: ${((angle * 180) / Math.PI).toFixed(3)}°`);
console.log(`lengths of its columns: ${columns.map((length) => length.toFixed(12)).join(", ")}`);
if (!(angle < 0.01)) throw new Error("the rotation was not found");
