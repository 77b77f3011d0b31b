/** What is checked of a case: its values, the gradient that the derivative gives, and the tangent. */
import { type AnyFunction, derivativeOf, valueWithDifferential, valueWithPullback } from "@pullback/autodiff";
import { currentBackend } from "../backend/index.ts";
import type { DType } from "../dtype.ts";
import { isFloating } from "../dtype.ts";
import * as core from "../index.ts";
import { Tensor, tensor, zerosLike } from "../index.ts";
import { type Area, type Case, decode, dtypesOf, type Named, type Tolerance } from "./cases.ts";

/** A check of one case; `run` rejects when the backend in use is wrong. */
export interface Check {
  readonly id: string;
  readonly op: string;
  readonly kind: "values" | "gradient" | "jvp";
  /** The dtypes of what it takes and gives. */
  readonly dtypes: ReadonlySet<DType>;
  run(): Promise<void>;
}

type Operation = (...args: unknown[]) => unknown;

export function operationOf(c: Case): Operation | undefined {
  return (
    c.call === "method" ? (Tensor.prototype as unknown as Record<string, unknown>) : (core as Record<string, unknown>)
  )[c.op] as Operation | undefined;
}

function require(condition: boolean, what: () => string): void {
  if (!condition) throw new Error(what());
}

function requireSame(got: unknown, want: unknown, what: string): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  require(a === b, () => `${what}: got ${a}, want ${b}`);
}

export function at(value: unknown, path: string): Tensor {
  return (
    path === "" ? value : path.split(".").reduce((v, key) => (v as Record<string, unknown>)[key], value)
  ) as Tensor;
}

/** @throws when an element differs by more than the tolerance */
async function compare(
  got: Tensor,
  want: ArrayLike<number>,
  { rtol = 0, atol = 0 }: Tolerance,
  signedZero = false,
): Promise<void> {
  const elements = await got.data();
  requireSame(elements.length, want.length, "number of elements");
  for (let i = 0; i < want.length; i++) {
    const [x, y] = [elements[i]!, want[i]!];
    const close =
      signedZero && y === 0
        ? Object.is(x, y)
        : !Number.isFinite(y)
          ? Object.is(x, y)
          : Math.abs(x - y) <= atol + rtol * Math.abs(y) || (Math.abs(y) < 1e-37 && x === 0);
    require(close, () => `element ${i}: got ${x}, want ${y}`);
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
  readonly compiled: boolean;
}

/** The derivative of an operation: registered for primitives, compiled for compositions. */
function ruleOf(operation: AnyFunction): Rule | undefined {
  const derivative = derivativeOf(operation);
  if (derivative === undefined) return undefined;
  if (derivative.registered !== undefined)
    return { ...(derivative.registered as Omit<Rule, "compiled">), compiled: false };
  const positions = [...derivative.kinds].flatMap((kind, i) => (kind === "-" ? [] : [i]));
  const operator = valueWithPullback as unknown as (f: AnyFunction) => Rule["vjp"];
  const forward = valueWithDifferential as unknown as (f: AnyFunction) => NonNullable<Rule["jvp"]>;
  const mask = [...derivative.kinds].map((kind) => (kind === "-" ? "0" : "1")).join("");
  const jvp = derivative.variants[mask]?.jvp === undefined ? undefined : forward(operation);
  return { vjp: operator(operation), jvp, positions, rest: derivative.rest, compiled: true };
}

async function checkValues(c: Case, area: Area, operation: Operation): Promise<void> {
  const args = c.args.map((arg) => decode(arg, area, new Map()));
  const result = c.call === "method" ? operation.apply(args[0], args.slice(1)) : operation(...args);
  for (const { path, ref, dtype, shape } of c.outputs) {
    const output = at(result, path);
    requireSame(output.dtype, dtype, "dtype");
    requireSame(output.shape, shape, "shape");
    await compare(output, area.data.get(ref)!.data, c.tolerance.value, c.signedZero);
  }
}

/** The parameters of a rule: the arguments at its positions, the further ones as a list where the last takes all. */
function parametersOf(rule: Rule, operation: Operation, args: readonly unknown[]): unknown[] {
  const last = rule.rest === true ? operation.length : -1;
  return rule.positions.map((p) => (p === last ? args.slice(p) : args[p]));
}

async function checkGradient(c: Case, area: Area, operation: Operation, rule: Rule): Promise<void> {
  const named: Named = new Map();
  const args = c.args.map((arg) => decode(arg, area, named));
  const { value, pullback } = rule.vjp(...args);
  let cotangent: unknown;
  c.outputs.forEach(({ path }, j) => {
    const name = c.cotangents![j];
    const output = at(value, path);
    const given = name == null ? undefined : area.data.get(name)!;
    const ct = given === undefined ? zerosLike(output) : tensor(given.data, { shape: given.shape });
    if (path === "") cotangent = ct;
    else {
      cotangent ??= Array.isArray(value) ? [] : {};
      (cotangent as Record<string, unknown>)[path] = ct;
    }
  });
  const wanted = new Set(c.wrt!.map((name) => named.get(name)));
  const parameters = parametersOf(rule, operation, args);
  const needs = parameters.map((argument) => holds(argument, wanted));
  const result = pullback(cotangent, needs);
  const totals = new Map<unknown, Tensor>();
  rule.positions.forEach((_, i) => {
    const entry = rule.positions.length === 1 ? result : (result as unknown[])[i];
    if (needs[i]) collect(parameters[i], entry, totals);
  });
  for (const [i, name] of c.wrt!.entries()) {
    const x = named.get(name)!;
    const total = totals.get(x) ?? zerosLike(x);
    require(isFloating(total.dtype), () => `the gradient is ${total.dtype}`);
    requireSame(total.dtype, x.dtype, "dtype of the gradient");
    requireSame(total.shape, x.shape, "shape of the gradient");
    await compare(total, area.data.get(c.gradients![i]!)!.data, c.tolerance.gradient!);
  }
}

async function checkTangent(c: Case, area: Area, operation: Operation, rule: Rule): Promise<void> {
  const named: Named = new Map();
  const args = c.args.map((arg) => decode(arg, area, named));
  const tangents = new Map<unknown, Tensor>();
  c.wrt!.forEach((name, i) => {
    const x = named.get(name)!;
    tangents.set(x, tensor(area.data.get(c.tangents![i]!)!.data, { shape: [...x.shape], dtype: x.dtype }));
  });
  const { value, differential } = rule.jvp!(...args);
  const tangent = differential(
    // Compiled code counts on a number for a number.
    ...parametersOf(rule, operation, args).map((given) =>
      rule.compiled && typeof given === "number" ? 0 : tangentOf(given, tangents),
    ),
  );
  for (const [j, { path }] of c.outputs.entries()) {
    const name = c.jvp![j];
    if (name == null) continue;
    const output = at(value, path);
    const moved = tangent === undefined ? undefined : at(tangent, path);
    await compare(moved ?? zerosLike(output), area.data.get(name)!.data, c.tolerance.gradient!);
  }
}

/** The check of what an operation gives, without derivatives. */
export function valuesCheck(c: Case, area: Area): Check {
  const run = () => checkValues(c, area, operationOf(c)!);
  return { id: `${c.id}: values`, op: c.op, kind: "values", dtypes: dtypesOf(c, area), run };
}

/** The checks of every case of an area whose operation exists. */
export function checksOf(area: Area): Check[] {
  const checks: Check[] = [];
  for (const c of area.cases) {
    const operation = operationOf(c);
    if (operation === undefined) continue;
    const common = { op: c.op, dtypes: dtypesOf(c, area) };
    checks.push(valuesCheck(c, area));
    const rule = ruleOf(operation);
    if (c.gradients === undefined || rule === undefined) continue;
    const gradient = () => checkGradient(c, area, operation, rule);
    checks.push({ ...common, id: `${c.id}: gradient`, kind: "gradient", run: gradient });
    if (c.jvp === undefined || rule.jvp === undefined) continue;
    checks.push({ ...common, id: `${c.id}: jvp`, kind: "jvp", run: () => checkTangent(c, area, operation, rule) });
  }
  return checks;
}

/** A dtype of the check that the backend in use does not hold: then it must refuse with DTypeError. */
export function dtypeNotHeld(check: Check): DType | undefined {
  const { dtypes } = currentBackend();
  return dtypes === undefined ? undefined : [...check.dtypes].find((dtype) => !dtypes.has(dtype));
}

/**
 * Runs a check on the backend in use: it must agree with the reference, or, where it does not hold a dtype of the case,
 * say so. Rejects otherwise.
 */
export async function runCheck(check: Check): Promise<void> {
  const missing = dtypeNotHeld(check);
  if (missing === undefined) return check.run();
  try {
    await check.run();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "PB6102" && message.includes(currentBackend().name) && message.includes(missing)) return;
    throw error;
  }
  throw new Error(`${currentBackend().name} does not hold ${missing}, but computed with it.`);
}

/** Who fails, of all areas. */
export interface Report {
  readonly passed: number;
  readonly refused: number;
  readonly failures: readonly { id: string; op: string; error: string }[];
}

/** Runs every check on the backend in use. */
export async function runConformance(areas: readonly Area[]): Promise<Report> {
  const failures: { id: string; op: string; error: string }[] = [];
  let passed = 0;
  let refused = 0;
  for (const area of areas)
    for (const check of checksOf(area)) {
      try {
        await runCheck(check);
        if (dtypeNotHeld(check) === undefined) passed++;
        else refused++;
      } catch (error) {
        failures.push({ id: `${area.name} ${check.id}`, op: check.op, error: String((error as Error).message) });
      }
    }
  return { passed, refused, failures };
}
