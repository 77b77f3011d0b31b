/**
 * How exact the functions of single elements are on a backend: the largest relative error against the eager backend in
 * float64, over magnitudes from 1e-6 on and both signs. Arrays are large enough for an engine to use its own shaders.
 */
import { type Tensor, tensor, withBackend } from "@pullback/core";

type Unary = (x: Tensor) => Tensor;

/** Functions and the magnitudes up to which they are defined, or finite, or asked for. */
const functions: Readonly<Record<string, readonly [f: Unary, most: number, positive?: boolean]>> = {
  sin: [(x) => x.sin(), 1.9e5],
  cos: [(x) => x.cos(), 1.9e5],
  tan: [(x) => x.tan(), 1.9e5],
  asin: [(x) => x.asin(), 1],
  acos: [(x) => x.acos(), 1],
  atan: [(x) => x.atan(), 1e6],
  sinh: [(x) => x.sinh(), 88],
  cosh: [(x) => x.cosh(), 88],
  tanh: [(x) => x.tanh(), 100],
  asinh: [(x) => x.asinh(), 1e20],
  acosh: [(x) => x.maximum(1).acosh(), 1e20, true],
  atanh: [(x) => x.atanh(), 0.9999],
  exp: [(x) => x.exp(), 87],
  exp2: [(x) => x.exp2(), 126],
  exp10: [(x) => x.exp10(), 37],
  expm1: [(x) => x.expm1(), 88],
  log: [(x) => x.log(), 1e30, true],
  log2: [(x) => x.log2(), 1e30, true],
  log10: [(x) => x.log10(), 1e30, true],
  log1p: [(x) => x.log1p(), 1e30, true],
  sqrt: [(x) => x.sqrt(), 1e30, true],
  rsqrt: [(x) => x.rsqrt(), 1e30, true],
  reciprocal: [(x) => x.reciprocal(), 1e30],
  erf: [(x) => x.erf(), 6],
  erfc: [(x) => x.erfc(), 9],
  erfInv: [(x) => x.erfInv(), 0.9999],
  sigmoid: [(x) => x.sigmoid(), 80],
  logSigmoid: [(x) => x.logSigmoid(), 80],
  softplus: [(x) => x.softplus(), 80],
  silu: [(x) => x.silu(), 80],
  pow: [(x) => x.pow(x.mul(0.1).add(0.5)), 20, true],
};

/** Magnitudes from 1e-6 to `most`, evenly on a logarithmic scale, with both signs where the function takes them. */
function points(most: number, positive = false): Float32Array {
  const half = 1500;
  const magnitudes = Float32Array.from({ length: half }, (_, i) => 1e-6 * (most / 1e-6) ** (i / (half - 1)));
  if (positive) return magnitudes;
  return Float32Array.from({ length: 2 * half }, (_, i) => (i < half ? magnitudes[i]! : -magnitudes[i - half]!));
}

/** Name, largest relative error and the argument that has it. */
export type Accuracy = readonly [name: string, error: number, at: number];

export async function accuracies(): Promise<Accuracy[]> {
  const found: Accuracy[] = [];
  for (const [name, [f, most, positive]] of Object.entries(functions)) {
    const x = points(most, positive);
    const got = await f(tensor(x)).data();
    const want = await withBackend("eager", () => f(tensor(x).cast("float64")).data());
    let [worst, at] = [0, 0];
    for (let i = 0; i < x.length; i++) {
      const scale = Math.max(Math.abs(want[i]!), 1e-35);
      const error = Math.abs(got[i]! - want[i]!) / scale;
      if (!(error <= worst)) [worst, at] = [error, x[i]!];
    }
    found.push([name, worst, at]);
  }
  return found;
}
