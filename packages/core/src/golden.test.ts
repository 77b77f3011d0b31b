/**
 * Every operation against the reference numbers of testdata/tensor, computed with PyTorch in float64: values, dtypes,
 * shapes, and the gradients that the registered derivatives give.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { type AnyFunction, derivativeOf, valueWithDifferential, valueWithPullback } from "@pullback/autodiff";
import { isFloating } from "./dtype.ts";
import * as core from "./index.ts";
import { type DType, Tensor, tensor, zerosLike } from "./index.ts";

interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
  readonly exact?: boolean;
}

interface Case {
  readonly id: string;
  readonly op: string;
  readonly call: "method" | "function";
  readonly args: readonly unknown[];
  readonly outputs: readonly { path: string; ref: string; dtype: DType; shape: number[] }[];
  readonly wrt?: readonly string[];
  readonly cotangents?: readonly (string | null)[];
  readonly gradients?: readonly string[];
  readonly tangents?: readonly string[];
  readonly jvp?: readonly (string | null)[];
  readonly tolerance: { readonly value: Tolerance; readonly gradient?: Tolerance };
  readonly signedZero?: boolean;
}

/** How many cases of each area run today; a lower number means that an operation was lost. */
const expected: Record<string, { values: number; gradients: number; differentials: number }> = {
  elementwise: { values: 146, gradients: 87, differentials: 87 },
  "binary-broadcast": { values: 112, gradients: 73, differentials: 72 },
  "reductions-scans": { values: 146, gradients: 100, differentials: 100 },
  "shape-indexing": { values: 127, gradients: 112, differentials: 112 },
  linalg: { values: 89, gradients: 85, differentials: 85 },
  "nn-primitives": { values: 93, gradients: 91, differentials: 91 },
  "attention-rope-norms": { values: 56, gradients: 56, differentials: 56 },
};

/** The tensors of a safetensors file, as host arrays. */
function readData(area: string): Map<string, { data: ArrayBufferView; shape: number[] }> {
  const bytes = readFileSync(new URL(`../testdata/tensor/${area}/data.safetensors`, import.meta.url));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const kinds: Record<string, new (buffer: ArrayBuffer) => ArrayBufferView> = {
    F32: Float32Array,
    F64: Float64Array,
    I32: Int32Array,
    U8: Uint8Array,
    BOOL: Uint8Array,
    I8: Int8Array,
  };
  const tensors = new Map<string, { data: ArrayBufferView; shape: number[] }>();
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [start, end],
    },
  ] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const copy = new Uint8Array(bytes.subarray(8 + length + start, 8 + length + end));
    tensors.set(name, { data: new kinds[dtype]!(copy.buffer as ArrayBuffer), shape });
  }
  return tensors;
}

type Named = Map<string, Tensor>;

/** Arguments as the operation takes them; tensors made once per name, so that one passed twice is the same. */
function decode(value: unknown, data: ReturnType<typeof readData>, named: Named): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((entry) => decode(entry, data, named));
  if (typeof value !== "object") return value;
  const entry = value as { $?: string; dtype?: DType; number?: string };
  if (entry.$ !== undefined) {
    if (!named.has(entry.$)) {
      const { data: elements, shape } = data.get(entry.$)!;
      named.set(entry.$, tensor(elements as Float32Array, { shape, dtype: entry.dtype }));
    }
    return named.get(entry.$);
  }
  if (entry.number !== undefined) return Number(entry.number);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decode(inner, data, named)]));
}

function at(value: unknown, path: string): Tensor {
  return (
    path === "" ? value : path.split(".").reduce((v, key) => (v as Record<string, unknown>)[key], value)
  ) as Tensor;
}

function check(got: Tensor, want: ArrayLike<number>, { rtol = 0, atol = 0 }: Tolerance, signedZero = false): void {
  const elements = got.dataSync();
  expect(elements.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    const [x, y] = [elements[i]!, want[i]!];
    if (signedZero && y === 0) expect(Object.is(x, y)).toBe(true);
    else if (!Number.isFinite(y)) expect(x).toBe(y);
    else if (!(Math.abs(x - y) <= atol + rtol * Math.abs(y) || (Math.abs(y) < 1e-37 && x === 0)))
      throw new Error(`element ${i}: got ${x}, want ${y}`);
  }
}

/** Adds to each named tensor the cotangent that stands at its place in a pullback's result. */
function collect(argument: unknown, cotangent: unknown, totals: Map<unknown, Tensor>): void {
  if (cotangent === undefined || argument === undefined || argument === null) return;
  if (argument instanceof Tensor) {
    const before = totals.get(argument);
    totals.set(argument, before === undefined ? (cotangent as Tensor) : before.add(cotangent as Tensor));
  } else if (typeof argument === "object")
    for (const key of Object.keys(argument))
      collect((argument as Record<string, unknown>)[key], (cotangent as Record<string, unknown>)[key], totals);
}

/** The tangent of an argument: of tensors those given; what is not among them does not vary. */
function tangentOf(argument: unknown, tangents: ReadonlyMap<unknown, Tensor>): unknown {
  if (argument instanceof Tensor) return tangents.get(argument);
  if (Array.isArray(argument))
    return argument.map(
      (entry) => tangentOf(entry, tangents) ?? (entry instanceof Tensor ? zerosLike(entry) : undefined),
    );
  if (typeof argument !== "object" || argument === null) return undefined;
  return Object.fromEntries(Object.entries(argument).map(([key, entry]) => [key, tangentOf(entry, tangents)]));
}

function holds(argument: unknown, wanted: ReadonlySet<unknown>): boolean {
  if (wanted.has(argument)) return true;
  if (typeof argument !== "object" || argument === null || argument instanceof Tensor) return false;
  return Object.values(argument).some((inner) => holds(inner, wanted));
}

interface Rule {
  vjp(...args: unknown[]): { value: unknown; pullback: (cotangent: unknown, needs: boolean[]) => unknown };
  jvp?: ((...args: unknown[]) => { value: unknown; differential: (...tangents: unknown[]) => unknown }) | undefined;
  /** The arguments with an entry in the pullback's result, which is bare when there is one. */
  readonly positions: readonly number[];
  /** The last parameter takes all further arguments. */
  readonly rest?: boolean | undefined;
}

/** The derivative of an operation: registered for primitives, compiled for compositions. */
function ruleOf(operation: AnyFunction): Rule | undefined {
  const derivative = derivativeOf(operation);
  if (derivative === undefined || derivative.registered !== undefined) return derivative?.registered;
  const positions = [...derivative.kinds].flatMap((kind, i) => (kind === "-" ? [] : [i]));
  const operator = valueWithPullback as unknown as (f: AnyFunction) => Rule["vjp"];
  const forward = valueWithDifferential as unknown as (f: AnyFunction) => NonNullable<Rule["jvp"]>;
  const mask = [...derivative.kinds].map((kind) => (kind === "-" ? "0" : "1")).join("");
  const jvp = derivative.variants[mask]?.jvp === undefined ? undefined : forward(operation);
  return { vjp: operator(operation), jvp, positions, rest: derivative.rest };
}

for (const [area, present] of Object.entries(expected))
  describe(area, () => {
    const { cases } = JSON.parse(
      readFileSync(new URL(`../testdata/tensor/${area}/cases.json`, import.meta.url), "utf8"),
    ) as { cases: Case[] };
    const data = readData(area);
    let values = 0;
    let gradients = 0;
    let jvps = 0;

    for (const c of cases) {
      const operation = (c.call === "method" ? Tensor.prototype : core)[c.op as never] as
        | ((...args: unknown[]) => unknown)
        | undefined;
      if (operation === undefined) continue;
      values++;

      test(`${c.id}: values`, () => {
        const args = c.args.map((arg) => decode(arg, data, new Map()));
        const result = c.call === "method" ? operation.apply(args[0], args.slice(1)) : operation(...args);
        for (const { path, ref, dtype, shape } of c.outputs) {
          const output = at(result, path);
          expect(output.dtype).toBe(dtype);
          expect(output.shape).toEqual(shape);
          check(output, data.get(ref)!.data as Float32Array, c.tolerance.value, c.signedZero);
        }
      });

      const rule = ruleOf(operation);
      if (c.gradients === undefined || rule === undefined) continue;
      gradients++;

      test(`${c.id}: gradient`, () => {
        const named: Named = new Map();
        const args = c.args.map((arg) => decode(arg, data, named));
        const { value, pullback } = rule.vjp(...args);
        let cotangent: unknown;
        c.outputs.forEach(({ path }, j) => {
          const name = c.cotangents![j];
          const output = at(value, path);
          const ct =
            name == null
              ? zerosLike(output)
              : tensor(data.get(name)!.data as Float32Array, { shape: data.get(name)!.shape });
          if (path === "") cotangent = ct;
          else {
            cotangent ??= Array.isArray(value) ? [] : {};
            (cotangent as Record<string, unknown>)[path] = ct;
          }
        });
        const wanted = new Set(c.wrt!.map((name) => named.get(name)));
        const last = rule.rest === true ? operation.length : -1;
        const parameters = rule.positions.map((p) => (p === last ? args.slice(p) : args[p]));
        const needs = parameters.map((argument) => holds(argument, wanted));
        const result = pullback(cotangent, needs);
        const totals = new Map<unknown, Tensor>();
        rule.positions.forEach((_, i) => {
          const entry = rule.positions.length === 1 ? result : (result as unknown[])[i];
          if (!needs[i]) return;
          collect(parameters[i], entry, totals);
        });
        c.wrt!.forEach((name, i) => {
          const x = named.get(name)!;
          const total = totals.get(x) ?? zerosLike(x);
          expect(isFloating(total.dtype)).toBe(true);
          expect(total.dtype).toBe(x.dtype);
          expect(total.shape).toEqual(x.shape);
          check(total, data.get(c.gradients![i]!)!.data as Float32Array, c.tolerance.gradient!);
        });
      });

      if (c.jvp === undefined || rule.jvp === undefined) continue;
      jvps++;

      test(`${c.id}: jvp`, () => {
        const named: Named = new Map();
        const args = c.args.map((arg) => decode(arg, data, named));
        const tangents = new Map<unknown, Tensor>();
        c.wrt!.forEach((name, i) => {
          const x = named.get(name)!;
          tangents.set(x, tensor(data.get(c.tangents![i]!)!.data as Float32Array, { shape: x.shape, dtype: x.dtype }));
        });
        const last = rule.rest === true ? operation.length : -1;
        const { value, differential } = rule.jvp!(...args);
        const parameters = rule.positions.map((p) => (p === last ? args.slice(p) : args[p]));
        const compiled = derivativeOf(operation)?.registered === undefined;
        const tangent = differential(
          // Compiled code counts on a number for a number.
          ...parameters.map((given) => (compiled && typeof given === "number" ? 0 : tangentOf(given, tangents))),
        );
        c.outputs.forEach(({ path }, j) => {
          const name = c.jvp![j];
          if (name == null) return;
          const output = at(value, path);
          const moved = tangent === undefined ? undefined : at(tangent, path);
          check(moved ?? zerosLike(output), data.get(name)!.data as Float32Array, c.tolerance.gradient!);
        });
      });
    }

    test("as many cases run as before", () => {
      process.stdout.write(
        `${area}: ${values} of ${cases.length} cases, ${gradients} with gradients, ${jvps} with differentials\n`,
      );
      expect(values).toBeGreaterThanOrEqual(present.values);
      expect(gradients).toBeGreaterThanOrEqual(present.gradients);
      expect(jvps).toBeGreaterThanOrEqual(present.differentials);
    });
  });
