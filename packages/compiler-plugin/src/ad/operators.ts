/**
 * Functions that are made of functions: what a differential operator makes of one, and a function's forward-mode code.
 * They are lowered like any other, so that they can be differentiated again, in either mode and to any order. Where
 * everything that is called can be copied in, `gradient(f)` is plain operations, both sweeps in one; else it says what it
 * is the gradient of, and is differentiated through that (gradients.ts).
 */
import { Summaries } from "../analysis/index.ts";
import {
  type Application,
  type Arrangement,
  applicationKey,
  applicationName,
  applicationOf,
  Builder,
  copyRegion,
  definitionsOf,
  dualKey,
  dualOf,
  type Fault,
  type GradientOf,
  type HirFunction,
  type Program,
  passing,
  type Region,
  settled,
  type Type,
  type Value,
  walk,
} from "../hir/index.ts";
import { optimize } from "../opt/index.ts";
import { withCalls } from "./duals.ts";
import { effectLog, effectsOf, within } from "./effects.ts";
import { shadowType } from "./forward.ts";
import { capture, dualGradient, dualOfAny, gradientFunction, restore, writesActive } from "./gradients.ts";
import { jvp } from "./jvp.ts";
import { withPlatformLiterals } from "./platform.ts";
import { prepare } from "./prepare.ts";
import { settledFunction } from "./settled.ts";
import { freshIds } from "./vjp.ts";

/** Lets a program lower the keys of applied operators and of forward-mode code as well. */
export function withOperators<P extends Program>(program: P): P {
  const declared = program.lower.bind(program);
  const made = new Map<string, HirFunction>();
  const make = (key: string): HirFunction | undefined => {
    const application = applicationOf(key);
    if (application !== undefined) return applied(program, program.lower(application.of), application);
    const dual = dualOf(key);
    return dual === undefined ? undefined : forwardCode(program, program.lower(dual.of), dual.mask);
  };
  program.lower = (key: string): HirFunction => {
    let fn = made.get(key);
    if (fn === undefined) {
      fn = make(key);
      if (fn === undefined) return declared(key);
      made.set(key, fn);
    }
    return fn;
  };
  return program;
}

/** The forward-mode code of a function of the program. */
function forwardCode(program: Program, of: HirFunction, mask: string): HirFunction {
  const summaries = new Summaries(program);
  return { ...dualOfAny(program, of, mask, summaries).made, key: dualKey({ of: of.key, mask }) };
}

/** The function that an operator makes of a function; captures stay captures, and are constants of the operator. */
export function applied(program: Program, of: HirFunction, application: Application): HirFunction {
  const { operator, wrt } = application;
  if (operator === settled) return settledFunction(program, of);
  const ids = freshIds(of);
  const params = of.params.map((v) => ({ ...v, id: ids.next++ }));
  const captures = of.captures.map((v) => ({ ...v, id: ids.next++ }));
  const shell = {
    key: applicationKey(application),
    name: `${of.name}$${applicationName(application).replace(/\W+/g, "_")}`,
    file: of.file,
    span: of.span,
    params,
    captures,
  };
  const selected = selection(of, wrt);
  const bare = isBare(of, wrt);
  const summaries = new Summaries(program);
  if (operator === "derivative" || operator === "valueWithDerivative")
    return derivativesOf(program, of, shell, { selected, bare, withValue: operator !== "derivative" }, summaries);
  if (operator === "transposed") params.push({ id: ids.next++, type: shadowType(of.result), name: "cotangent" });
  const whole = prepare(of, program, freshIds(of), summaries, "all");
  const cotangents: Arrangement = bare ? (selected[0] as number) : selected;
  const gradientOf: GradientOf = {
    of: whole,
    seed: operator === "transposed" ? { param: of.params.length } : 1,
    inputs: of.params.map((_, param) => ({ param })),
    arranged:
      operator === "valueWithGradient"
        ? {
            fields: [
              ["value", { primal: [] }],
              ["gradient", cotangents],
            ],
          }
        : cotangents,
  };
  const { made } = gradientFunction(program, shell, gradientOf, summaries);
  // `transposed` takes the rest in an array: its cotangent comes last.
  const rest = of.rest === undefined || operator === "transposed" ? {} : { rest: of.rest };
  if (of.gradientOf === undefined && isPlain(made)) {
    const { gradientOf: _, ...plain } = made;
    return { ...plain, ...rest };
  }
  const found = { ...made, ...rest, gradientOf: { ...gradientOf, of } };
  return writesActive(program, of, summaries) ? afterwards(program, found, of, whole, summaries) : found;
}

/**
 * The gradient of a function that writes into what it is given: one that undoes what it writes, and then the function
 * itself for what it does.
 */
function afterwards(
  program: Program,
  { gradientOf, ...shell }: HirFunction,
  of: HirFunction,
  whole: HirFunction,
  summaries: Summaries,
): HirFunction {
  const body: Region = { params: [], ops: [], results: [] };
  const b = new Builder(body.ops, freshIds({ ...whole, ...shell, body: whole.body }), shell.span);
  const { rest: _, ...own } = shell;
  const undone: GradientOf = { ...(gradientOf as GradientOf), of: whole, undoes: true };
  const inner = { ...own, key: `${shell.key}~undone` };
  const { made } = gradientFunction(program, inner, undone, summaries);
  const code = b.closure({ ...made, gradientOf: { ...undone, of } }, shell.captures);
  const log = effectLog(b, program, of);
  const result = within(b, log, () =>
    b.call({ kind: "value" }, [code, ...shell.params], shell.result, { effects: true }),
  );
  const inputs = [...shell.params.slice(0, whole.params.length), ...shell.captures];
  const bound = new Map([...whole.params, ...whole.captures].map((v, i) => [v, inputs[i] as Value]));
  within(b, log, () => body.ops.push(...copyRegion(whole.body, bound, b.ids).ops));
  body.results = [result];
  if (log !== undefined || effectsOf(program, of) !== "speaks") return { ...shell, body };
  const fault: Fault = {
    code: "PB3014",
    span: of.span,
    message: `${of.name} writes into what it is given, and does something that must not happen twice: its gradient cannot be differentiated again.`,
    hint: "Move the input or output out of the function, or copy the array or object before changing it.",
  };
  return { ...shell, body, faults: [fault] };
}

/** Which tangents are reported, and whether the function's value stands beside them. */
interface Report {
  readonly selected: readonly number[];
  readonly bare: boolean;
  readonly withValue: boolean;
}

/** One run of forward mode per parameter, each with a unit tangent. */
function derivativesOf(
  program: Program,
  of: HirFunction,
  shell: Pick<HirFunction, "key" | "name" | "file" | "span" | "params" | "captures">,
  { selected, bare, withValue }: Report,
  summaries: Summaries,
): HirFunction {
  const fn = withPlatformLiterals(prepare(of, program, freshIds(of), summaries, "all"));
  const body: Region = { params: [], ops: [], results: [] };
  const b = new Builder(body.ops, freshIds({ ...fn, ...shell, body: fn.body }), fn.span);
  const type = shadowType(fn.result);
  const severally = selected.length > 1;
  const log = severally ? effectLog(b, program, of) : undefined;
  const state = severally && effectsOf(program, of) !== "free" ? capture(b, []) : undefined;
  const runs = selected.map((p, k): { value: Value | undefined; tangent: Value | undefined } => {
    if (state !== undefined && k > 0) restore(b, state);
    return within(b, log, () => run(p));
  });
  const tangents = runs.map(({ tangent }) => tangent ?? b.const(0));
  function run(p: number): { value: Value | undefined; tangent: Value | undefined } {
    const mask = [...fn.params, ...fn.captures].map((_, i) => (i === p ? "1" : "0")).join("");
    const argument = shell.params[p] as Value;
    const one = argument.type.kind === "number" ? b.const(1) : b.runtime("seed", [argument, b.const(1)], argument.type);
    if (fn.gradientOf !== undefined) {
      const { made } = dualGradient(program, fn, mask, summaries);
      const dual = b.call({ kind: "value" }, [b.closure(made, shell.captures), ...shell.params, one], made.result, {
        effects: true,
        name: "dual",
      });
      return {
        value: b.load(dual, "value", { type: fn.result, readonly: true }),
        tangent: b.load(dual, "tangent", { type, readonly: true }),
      };
    }
    const { function: dual } = jvp(program, fn, mask, summaries);
    const bound = new Map<Value, Value>();
    // Its captures follow its parameters, the tangent among them.
    [...dual.params, ...dual.captures].forEach((v, i) => {
      bound.set(v, [...shell.params, one, ...shell.captures][i] as Value);
    });
    const copy = copyRegion(dual.body, bound, b.ids);
    b.ops.push(...copy.ops);
    const made = copy.results[0] === undefined ? undefined : definitionsOf(copy).get(copy.results[0]);
    const entry = (name: string) =>
      made?.kind === "object" ? made.entries.find(({ key }) => key === name)?.value : undefined;
    return { value: entry("value"), tangent: entry("tangent") };
  }
  const tuple: Type = { kind: "tuple", elements: selected.map(() => type) };
  const found = bare ? (tangents[0] as Value) : b.array(tangents, tuple);
  const fields = new Map([
    ["value", fn.result],
    ["derivative", bare ? type : tuple],
  ]);
  const entries = [
    { key: "value", value: runs[0]?.value ?? b.const(undefined) },
    { key: "derivative", value: found },
  ];
  const both: Type = { kind: "struct", name: "{ … }", fields: () => fields };
  const result = withValue ? both : bare ? type : tuple;
  body.results = [withValue ? b.object(entries, both) : found];
  const rest = of.rest === undefined ? {} : { rest: of.rest };
  return withCalls(optimize({ ...shell, ...rest, kind: "arrow", body, result, recursive: false }));
}

/** Whether the operator reports one tangent as it is, and not in a list. */
export function isBare(fn: HirFunction, wrt: string): boolean {
  return wrt === "" ? selection(fn, wrt).length === 1 : !wrt.startsWith("[");
}

/** Parameters to report, in the order asked for. */
export function selection(fn: HirFunction, wrt: string): number[] {
  if (wrt !== "") return (JSON.parse(wrt.startsWith("[") ? wrt : `[${wrt}]`) as number[]).slice();
  return fn.params.flatMap(({ type }, i) => (type.kind !== "function" && passing(type) !== "-" ? [i] : []));
}

/** Whether nothing is left of calls after everything was copied in, so that the operations say all there is to say. */
function isPlain(fn: HirFunction): boolean {
  let plain = true;
  walk(fn.body, (op) => {
    if (op.kind === "sweep" || (op.kind === "runtime" && op.fn !== "zeroShadow")) plain = false;
    if (op.kind === "closure" && op.derivative !== undefined) plain = false;
  });
  return plain;
}
