/**
 * Differential operators as functions of the program: `gradient(f)` in the HIR that the compiler writes for it, so that
 * it can be differentiated again, in either mode and to any order. Calls are copied in, so that nothing but plain
 * operations is left; what cannot be is reported.
 */
import { Summaries } from "../analysis/index.ts";
import {
  type Application,
  applicationKey,
  applicationName,
  applicationOf,
  Builder,
  copyRegion,
  definitionsOf,
  type HirFunction,
  numberType,
  type Program,
  passing,
  type Region,
  type Type,
  type Value,
  walk,
} from "../hir/index.ts";
import { optimize } from "../opt/index.ts";
import { shadowType } from "./forward.ts";
import { jvp } from "./jvp.ts";
import { prepare } from "./prepare.ts";
import { freshIds, vjp } from "./vjp.ts";

/** Lets a program lower the keys of applied operators as well. */
export function withOperators<P extends Program>(program: P): P {
  const declared = program.lower.bind(program);
  const made = new Map<string, HirFunction>();
  program.lower = (key: string): HirFunction => {
    const application = applicationOf(key);
    if (application === undefined) return declared(key);
    let fn = made.get(key);
    if (fn === undefined) {
      fn = applied(program, program.lower(application.of), application);
      made.set(key, fn);
    }
    return fn;
  };
  return program;
}

/** The function that an operator makes of a function; captures stay captures, and are constants of the operator. */
function applied(program: Program, of: HirFunction, application: Application): HirFunction {
  const ids = freshIds(of);
  const fn = prepare(of, program, ids, new Summaries(program), "all");
  const selected = selection(fn, application.wrt);
  const inputs = [...fn.params, ...fn.captures];
  const mask = inputs.map((_, p) => (selected.includes(p) ? "1" : "0")).join("");
  const fresh = (v: Value): Value => ({ ...v, id: ids.next++ });
  const params = fn.params.map(fresh);
  const captures = fn.captures.map(fresh);
  const own = [...params, ...captures];
  const body: Region = { params: [], ops: [], results: [] };
  const b = new Builder(body.ops, ids, fn.span);
  const results =
    application.operator === "gradient"
      ? gradientOf(b, { program, fn, mask, selected, own })
      : derivativesOf(b, { program, fn, mask, selected, own });
  const bare = application.wrt === "" ? selected.length === 1 : !application.wrt.startsWith("[");
  const types = selected.map((p) =>
    application.operator === "gradient" ? shadowType((fn.params[p] as Value).type) : shadowType(fn.result),
  );
  const result: Type = bare ? (types[0] as Type) : { kind: "tuple", elements: types };
  body.results = [bare ? (results[0] as Value) : b.array(results, result)];
  return optimize({
    key: applicationKey(application),
    name: `${fn.name}$${applicationName(application).replace(/\W+/g, "_")}`,
    file: fn.file,
    span: fn.span,
    kind: "arrow",
    params,
    captures,
    body,
    result,
    recursive: false,
  });
}

interface Parts {
  readonly program: Program;
  readonly fn: HirFunction;
  readonly mask: string;
  readonly selected: readonly number[];
  /** The parameters and captures of the new function. */
  readonly own: readonly Value[];
}

/** Both sweeps in one, over shadows made on the spot, from the cotangent 1. */
function gradientOf(b: Builder, { program, fn, mask, selected, own }: Parts): Value[] {
  const { functions } = vjp(program, fn, mask, "joint", new Summaries(program));
  const joint = functions[0] as HirFunction;
  const inputs = [...fn.params, ...fn.captures];
  const kinds = inputs.map((p) => passing(p.type));
  const shadows = new Map<number, Value>();
  inputs.forEach((p, i) => {
    if (mask[i] === "1" && (kinds[i] === "r" || kinds[i] === "u"))
      shadows.set(
        i,
        b.runtime("zeroShadow", [own[i] as Value], shadowType(p.type), { name: `s_${p.name ?? "argument"}` }),
      );
  });
  const one = b.value(numberType);
  b.emit({ kind: "const", value: 1, span: b.span, results: [one] });
  const parts = inlined(b, joint, [...own, ...shadows.values(), one]);
  const byValue = inputs.flatMap((_, i) => (mask[i] === "1" && (kinds[i] === "v" || kinds[i] === "u") ? [i] : []));
  const cotangents = parts.get("cotangents");
  const list = byValue.length > 1 ? parts.elements(cotangents) : [cotangents];
  return selected.map((p) => shadows.get(p) ?? list[byValue.indexOf(p)] ?? b.const(0));
}

/** One run of forward mode per parameter, each with a unit tangent. */
function derivativesOf(b: Builder, { program, fn, selected, own }: Parts): Value[] {
  return selected.map((p) => {
    const mask = [...fn.params, ...fn.captures].map((_, i) => (i === p ? "1" : "0")).join("");
    const { function: dual } = jvp(program, fn, mask, new Summaries(program));
    const one = b.value(numberType);
    b.emit({ kind: "const", value: 1, span: b.span, results: [one] });
    // Its captures follow its parameters, the tangent among them.
    const params = own.slice(0, fn.params.length);
    return inlined(b, dual, [...params, one, ...own.slice(fn.params.length)]).get("tangent") ?? b.const(0);
  });
}

/** Copies a derivative's body in and gives access to what it returns, an object literal. */
function inlined(
  b: Builder,
  fn: HirFunction,
  args: readonly Value[],
): { get(name: string): Value | undefined; elements(v: Value | undefined): readonly (Value | undefined)[] } {
  const bound = new Map<Value, Value>();
  [...fn.params, ...fn.captures].forEach((p, i) => {
    bound.set(p, args[i] as Value);
  });
  const body = copyRegion(fn.body, bound, b.ids);
  b.ops.push(...body.ops);
  const definitions = definitionsOf(body);
  const result = body.results[0] === undefined ? undefined : definitions.get(body.results[0]);
  return {
    get: (name) => (result?.kind === "object" ? result.entries.find(({ key }) => key === name)?.value : undefined),
    elements: (v) => {
      const made = v === undefined ? undefined : definitions.get(v);
      return made?.kind === "array" ? made.elements : [v];
    },
  };
}

/** Parameters to report, in the order asked for. */
function selection(fn: HirFunction, wrt: string): number[] {
  if (wrt !== "") return (JSON.parse(wrt.startsWith("[") ? wrt : `[${wrt}]`) as number[]).slice();
  return fn.params.flatMap(({ type }, i) => (type.kind !== "function" && passing(type) !== "-" ? [i] : []));
}

/** Why a function cannot be differentiated again: what is left of its calls after everything was copied in. */
export function leftover(fn: HirFunction): { readonly text: string; readonly span: HirFunction["span"] } | undefined {
  let found: { text: string; span: HirFunction["span"] } | undefined;
  walk(fn.body, (op) => {
    if (op.kind === "sweep" || (op.kind === "runtime" && op.fn !== "zeroShadow")) {
      const callee = op.kind === "sweep" ? op.callee : undefined;
      const text =
        callee === undefined
          ? "a value of unknown kind"
          : callee.kind === "value"
            ? "a function value"
            : (("method" in callee ? callee.method : undefined) ?? ("text" in callee ? callee.text : "a function"));
      found ??= { text, span: op.span };
    }
    if (op.kind === "closure" && op.derivative !== undefined) found ??= { text: "a function value", span: op.span };
  });
  return found;
}
