import { expect, test } from "@jest/globals";
import type { UnaryOp } from "../../../backend/backend.ts";
import { EagerBackend } from "../eager-backend.ts";
import { unaryFunctions } from "../plain/scalar-functions.ts";

const backend = new EagerBackend();

/** float32 values from every binade of both signs, `perBinade` of each, subnormal ones included. */
function everyBinade(perBinade: number): Float32Array {
  const patterns: number[] = [];
  for (let exponent = 0; exponent < 255; exponent++) {
    for (let i = 0; i < perBinade; i++) {
      const fraction = Math.floor((i / perBinade) * 2 ** 23) + ((i * 7919 + exponent * 104729) % 4096);
      patterns.push((exponent << 23) | (fraction & 0x7fffff), (1 << 31) | (exponent << 23) | (fraction & 0x7fffff));
    }
  }
  return new Float32Array(Int32Array.from(patterns).buffer);
}

/** One unit in the last place of a float32 near x. */
function ulp(x: number): number {
  return 2 ** Math.max(Math.floor(Math.log2(Math.abs(x))) - 23, -149);
}

/** In units in the last place, but of no value smaller than `floor` units. */
function largestError(op: UnaryOp, inputs: Float32Array, floor = 0): { error: number; at: number } {
  const out = backend.readSync(backend.unary(op, backend.fromHost(inputs, "float32", [inputs.length])));
  let worst = { error: 0, at: 0 };
  inputs.forEach((x, i) => {
    const exact = unaryFunctions[op](x);
    const nearest = Math.fround(exact);
    let error = 0;
    if (!Object.is(out[i], nearest)) {
      if (!Number.isFinite(nearest) || !Number.isFinite(out[i])) error = out[i] === nearest ? 0 : Infinity;
      else
        error = nearest === 0 && out[i] === 0 ? 0 : Math.abs(out[i] - exact) / Math.max(ulp(exact || 2 ** -149), floor);
    }
    if (error > worst.error || Number.isNaN(error)) worst = { error, at: x };
  });
  return worst;
}

const inputs = everyBinade(40);
// Denser where the functions bend.
const dense = Float32Array.from({ length: 100_000 }, (_, i) => (i / 50_000 - 1) * 105);

/** The largest error in units in the last place, against float64. */
test.each<[UnaryOp, number]>([
  ["exp", 1.1],
  ["log", 1.1],
  ["tanh", 2],
  ["sigmoid", 2.5],
  ["erf", 8],
  ["softplus", 3],
  ["logSigmoid", 3],
  ["sqrt", 0.501],
  ["rsqrt", 1.5],
  ["reciprocal", 0.501],
  ["square", 0.501],
])("%s is within %d ulp everywhere", (op, bound) => {
  for (const values of [inputs, dense]) {
    const { error, at } = largestError(op, values);
    if (!(error <= bound)) expect({ error, at }).toEqual({ error: bound, at });
  }
});

test("silu is within 3.5 ulp, and within 2^-142 where its sigmoid is subnormal", () => {
  expect(largestError("silu", inputs, 2 ** -142).error).toBeLessThan(3.5);
  expect(largestError("silu", dense, 2 ** -142).error).toBeLessThan(3.5);
});

test.each<UnaryOp>(["abs", "neg", "ceil", "floor", "round", "trunc", "relu", "sign"])("%s is exact", (op) => {
  expect(largestError(op, inputs).error).toBe(0);
  expect(largestError(op, dense).error).toBe(0);
});

test.each<UnaryOp>(["geluTanh", "geluTanhDerivative"])("%s is near its definition", (op) => {
  for (const values of [inputs, dense]) {
    const out = backend.readSync(backend.unary(op, backend.fromHost(values, "float32", [values.length])));
    values.forEach((x, i) => {
      const exact = unaryFunctions[op](x);
      // Far out on the negative side the exponent's rounding error shows: 1e-5 of a value below 1e-6.
      const bound = 5e-7 * Math.abs(exact) + (Math.abs(exact) < 1e-6 ? 1e-5 * Math.abs(exact) : 0) + 6e-8;
      if (!(Math.abs(out[i] - exact) <= bound + 1e-44)) expect([op, x, out[i]]).toEqual([op, x, exact]);
    });
  }
});

test("zeros keep their sign", () => {
  const zeros = backend.full([32], -0, "float32");
  for (const op of ["tanh", "erf", "silu", "sqrt", "round", "trunc", "floor", "ceil"] as const) {
    expect([op, Object.is(backend.readSync(backend.unary(op, zeros))[0], -0)]).toEqual([op, true]);
  }
});

test("special values", () => {
  const special = Float32Array.of(Infinity, -Infinity, NaN, 0, -0, 2 ** -149, -(2 ** -149), 3.4e38, -3.4e38, 1);
  const x = backend.fromHost(
    Float32Array.from({ length: 40 }, (_, i) => special[i % 10]),
    "float32",
    [40],
  );
  const of = (op: UnaryOp) => [...backend.readSync(backend.unary(op, x))].slice(0, 10).map((value) => value + 0);
  const tiny = 2 ** -149;
  expect(of("exp")).toEqual([Infinity, 0, NaN, 1, 1, 1, 1, Infinity, 0, Math.fround(Math.E)]);
  expect(of("log").slice(0, 5)).toEqual([Infinity, NaN, NaN, -Infinity, -Infinity]);
  expect(of("log")[5]).toBe(Math.fround(Math.log(tiny)));
  expect(of("log")[6]).toBeNaN();
  expect(of("tanh").slice(0, 9)).toEqual([1, -1, NaN, 0, 0, tiny, -tiny, 1, -1]);
  expect(of("sigmoid").slice(0, 9)).toEqual([1, 0, NaN, 0.5, 0.5, 0.5, 0.5, 1, 0]);
  expect(of("erf").slice(0, 5)).toEqual([1, -1, NaN, 0, 0]);
  expect(of("geluTanh").slice(0, 5)).toEqual([Infinity, 0, NaN, 0, 0]);
  expect(of("geluTanhDerivative").slice(0, 5)).toEqual([1, 0, NaN, 0.5, 0.5]);
  expect(of("silu").slice(0, 5)).toEqual([Infinity, 0, NaN, 0, 0]);
  expect(of("softplus").slice(0, 3)).toEqual([Infinity, 0, NaN]);
  expect(of("relu").slice(0, 5)).toEqual([Infinity, 0, NaN, 0, 0]);
  expect(of("sign")).toEqual([1, -1, NaN, 0, 0, 1, -1, 1, -1, 1]);
});
