/**
 * Differentiating a gradient without differentiating its reverse sweep. The gradient of h, applied to a cotangent v, has
 * the derivative of <gradient of h, v>, which is the tangent of h along v: so one reverse sweep over h's forward-mode
 * code gives it (Pearlmutter 1994, "Fast exact multiplication by the Hessian", read from right to left). Forward mode is
 * the same sweep: the tangent of a gradient along v is the gradient of the tangent along v. To any order nothing but
 * forward mode and one reverse sweep is needed, and neither frames nor pullbacks are ever differentiated.
 */
import type { Summaries } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import {
  type Arrangement,
  Builder,
  copyRegion,
  definitionsOf,
  type GradientOf,
  type HirFunction,
  inertType,
  intType,
  isNumeric,
  type Program,
  passing,
  type Region,
  type StructType,
  type Type,
  type Value,
} from "../hir/index.ts";
import { optimize } from "../opt/index.ts";
import { dualFunction } from "./duals.ts";
import { shadowType } from "./forward.ts";
import { type Differential, dualType } from "./jvp.ts";
import { prepare } from "./prepare.ts";
import { freshIds, type Sweeps, vjp } from "./vjp.ts";

/** A derivative and what was found wrong on the way to it. */
interface Made<T> {
  readonly made: T;
  readonly diagnostics: readonly Diagnostic[];
}

/** The parameters whose cotangents make up a gradient, in order. */
function selectedBy(arranged: Arrangement): number[] {
  const found = new Set<number>();
  const visit = (a: Arrangement): void => {
    if (typeof a === "number") found.add(a);
    else if ("value" in a) {
      visit(a.value);
      visit(a.tangent);
    } else a.forEach(visit);
  };
  visit(arranged);
  return [...found].sort((a, b) => a - b);
}

const bits = (values: readonly unknown[], is: (i: number) => boolean) =>
  values.map((_, i) => (is(i) ? "1" : "0")).join("");

/** The type of a gradient. */
function arrangedType(arranged: Arrangement, of: HirFunction): Type {
  if (typeof arranged === "number") return shadowType((of.params[arranged] as Value).type);
  if ("value" in arranged) {
    const fields = new Map([
      ["value", arrangedType(arranged.value, of)],
      ["tangent", arrangedType(arranged.tangent, of)],
    ]);
    return { kind: "struct", name: "{ … }", fields: () => fields };
  }
  return { kind: "tuple", elements: arranged.map((a) => arrangedType(a, of)) };
}

/** A function that is the gradient of another, with the operations that compute it. */
export function gradientFunction(
  program: Program,
  shell: Pick<HirFunction, "key" | "name" | "file" | "span" | "params" | "captures">,
  gradientOf: GradientOf,
  summaries: Summaries,
): Made<HirFunction> {
  const { of, depth, arranged } = gradientOf;
  const body: Region = { params: [], ops: [], results: [] };
  const b = new Builder(body.ops, freshIds({ ...of, ...shell, body: of.body }), shell.span);
  const selected = selectedBy(arranged);
  const scalar = asScalar(of, depth);
  const swept = vjp(
    program,
    scalar,
    bits([...of.params, ...of.captures], (i) => selected.includes(i)),
    "joint",
    summaries,
  );
  const inputs = inputsOf(b, gradientOf, shell.params);
  const cotangents = runJoint(b, swept, scalar, [...inputs, ...shell.captures], selected, new Map());
  const result = arrangedType(arranged, of);
  body.results = [arrange(b, arranged, of, cotangents)];
  const made = { ...shell, kind: "arrow", body, result, recursive: false, gradientOf } as const;
  return { made: optimize(made), diagnostics: swept.diagnostics };
}

/** The arguments of `of`: tangents stand there with every zero filled in, since the sweep asks for their cotangents. */
function inputsOf(b: Builder, { inputs, of }: GradientOf, own: readonly Value[]): Value[] {
  return inputs.map(({ param, tangentOf }, i) => {
    const given = own[param];
    if (tangentOf === undefined) return given as Value;
    const { type } = of.params[i] as Value;
    if (isNumeric(type)) return given ?? b.const(0);
    return b.runtime("wholeTangent", [own[tangentOf] as Value, given ?? b.const(undefined)], type);
  });
}

/** Both sweeps at once from the cotangent 1: cotangents of the selected inputs, into shadows made here or given. */
function runJoint(
  b: Builder,
  { functions }: Sweeps,
  fn: HirFunction,
  inputs: readonly Value[],
  active: readonly number[],
  given: ReadonlyMap<number, Value>,
): Map<number, Value> {
  const declared = [...fn.params, ...fn.captures];
  const found = new Map<number, Value>();
  const shadows: Value[] = [];
  const byValue: number[] = [];
  for (const i of active) {
    const { type, name } = declared[i] as Value;
    const kind = passing(type);
    if (kind === "v" || kind === "u") byValue.push(i);
    if (kind !== "r" && kind !== "u") continue;
    const shadow =
      given.get(i) ??
      b.runtime("zeroShadow", [inputs[i] as Value], shadowType(type), { name: `s_${name ?? "argument"}` });
    shadows.push(shadow);
    found.set(i, shadow);
  }
  const joint = functions[0] as HirFunction;
  const bound = new Map<Value, Value>();
  const args = [...inputs, ...shadows, b.const(1)];
  joint.params.forEach((p, i) => {
    bound.set(p, args[i] as Value);
  });
  const copy = copyRegion(joint.body, bound, b.ids);
  b.ops.push(...copy.ops);
  const definitions = definitionsOf(copy);
  const result = copy.results[0] === undefined ? undefined : definitions.get(copy.results[0]);
  const cotangents =
    result?.kind === "object" ? result.entries.find(({ key }) => key === "cotangents")?.value : undefined;
  const several = cotangents === undefined ? undefined : definitions.get(cotangents);
  byValue.forEach((i, k) => {
    const value = byValue.length === 1 ? cotangents : several?.kind === "array" ? several.elements[k] : undefined;
    const shadow = found.get(i);
    // A value of unknown kind has either.
    if (value !== undefined) found.set(i, shadow === undefined ? value : b.prim("??", [shadow, value], shadow.type));
  });
  return found;
}

function arrange(b: Builder, arranged: Arrangement, of: HirFunction, cotangents: ReadonlyMap<number, Value>): Value {
  if (typeof arranged === "number") return cotangents.get(arranged) ?? b.const(0);
  const type = arrangedType(arranged, of);
  if (!("value" in arranged)) {
    return b.array(
      arranged.map((a) => arrange(b, a, of, cotangents)),
      type,
    );
  }
  const value = arrange(b, arranged.value, of, cotangents);
  const tangent = arrange(b, arranged.tangent, of, cotangents);
  return b.object(
    [
      { key: "value", value },
      { key: "tangent", value: tangent },
    ],
    type,
  );
}

/**
 * The same function with a number as its result: the scalar that it returns, or its tangent, `depth` levels into what
 * forward-mode code returns. A leaf becomes the number that its one element is.
 */
function asScalar(fn: HirFunction, depth: number): HirFunction {
  if (fn.body.diverges === true || fn.body.results[0] === undefined) return fn;
  const body: Region = { ...fn.body, ops: [...fn.body.ops], results: [] };
  const b = new Builder(body.ops, freshIds(fn), fn.span);
  const definitions = definitionsOf(fn.body);
  const result = fn.body.results[0];
  const follow = (name: string): Value => {
    let at: Value = result;
    let type: Type = fn.result;
    for (let k = 0; k < depth; k++) {
      type = type.kind === "struct" ? (type.fields().get(name) ?? inertType) : type;
      const made = definitions.get(at);
      const entry = made?.kind === "object" ? made.entries.find(({ key }) => key === name)?.value : undefined;
      at = entry ?? b.load(at, name, { type, readonly: true });
    }
    return at;
  };
  const scalar = follow("tangent");
  const yields = (v: Value): HirFunction => ({ ...fn, body: { ...body, results: [v] }, result: v.type });
  if (fn.gradientOf !== undefined) {
    let { arranged } = fn.gradientOf;
    for (let k = 0; k < depth; k++)
      if (typeof arranged !== "number" && "value" in arranged) arranged = arranged.tangent;
    return { ...yields(scalar), gradientOf: { ...fn.gradientOf, arranged } };
  }
  if (isNumeric(scalar.type)) return yields(scalar);
  return yields(b.runtime("element", [scalar, depth === 0 ? scalar : follow("value")], { kind: "number" }));
}

/**
 * Whoever writes into the arguments of a gradient would have to be undone between its two runs, and would change what
 * comes after: the tangents of what it writes into tell.
 */
function checkWrites(of: HirFunction, dual: HirFunction, summaries: Summaries): Diagnostic[] {
  const written = summaries.made(dual).mutates.slice(of.params.length).some(Boolean);
  if (!written || of.gradientOf !== undefined) return [];
  return [
    {
      code: "PB3014",
      severity: "error",
      message: `${of.name} may write into its argument, so its gradient cannot be differentiated again.`,
      span: of.span,
      notes: [],
      hint: "Copy the array or object before changing it, and do not hand it to a function value that might.",
    },
  ];
}

/** The forward-mode code of `of` for the parameters (and captures) in `mask`, itself a gradient where `of` is one. */
export function dualOfAny(program: Program, of: HirFunction, mask: string, summaries: Summaries): Made<HirFunction> {
  if (of.gradientOf !== undefined) return dualGradient(program, of, mask, summaries);
  const ready = prepare(of, program, freshIds(of), summaries);
  const dual = dualFunction(program, ready, mask, summaries);
  return { made: dual.function, diagnostics: dual.diagnostics };
}

/**
 * The forward-mode code of a gradient: of the tangent of `of` it takes the cotangents of the arguments, which are the
 * gradient's tangent, and of the arguments' tangents, which are the gradient itself.
 */
export function dualGradient(program: Program, fn: HirFunction, mask: string, summaries: Summaries): Made<HirFunction> {
  const { of, depth, inputs, arranged } = fn.gradientOf as GradientOf;
  const selected = selectedBy(arranged);
  const { length } = fn.params;
  const varies = (i: number) => mask[(inputs[i] as { param: number }).param] === "1";
  const wanted = (i: number) => selected.includes(i) || varies(i);
  const dual = dualOfAny(program, of, bits(of.params, wanted) + mask.slice(length), summaries);
  const ids = freshIds(fn);
  const fresh = (v: Value, prefix = ""): Value => ({
    ...v,
    id: ids.next++,
    ...(prefix === "" ? {} : { name: `${prefix}${v.name ?? "argument"}`, type: shadowType(v.type) }),
  });
  const params = fn.params.map((p) => fresh(p));
  const tangentAt = new Map<number, number>();
  fn.params.forEach((p, i) => {
    if (mask[i] !== "1" || passing(p.type) === "-") return;
    tangentAt.set(i, params.length);
    params.push(fresh(p, "d_"));
  });
  const captures = fn.captures.map((c) => fresh(c));
  fn.captures.forEach((c, i) => {
    if (mask[length + i] === "1" && passing(c.type) !== "-") captures.push(fresh(c, "d_"));
  });
  const places = new Map<number, number>();
  const tangents = inputs.flatMap(({ param, tangentOf }, i) => {
    if (!wanted(i) || passing((of.params[i] as Value).type) === "-") return [];
    places.set(i, inputs.length + places.size);
    return [{ param: tangentAt.get(param) ?? -1, tangentOf: tangentOf ?? param }];
  });
  const moved = (a: Arrangement): Arrangement => {
    if (typeof a === "number") return places.get(a) as number;
    return "value" in a ? { value: moved(a.value), tangent: moved(a.tangent) } : a.map(moved);
  };
  const { made, diagnostics } = gradientFunction(
    program,
    { ...fn, key: `${fn.key}$jvp|${mask}`, name: `${fn.name}$jvp`, params, captures },
    {
      of: dual.made,
      depth: depth + 1,
      inputs: [...inputs, ...tangents],
      arranged: { value: moved(arranged), tangent: arranged },
    },
    summaries,
  );
  return { made, diagnostics: [...dual.diagnostics, ...checkWrites(of, dual.made, summaries), ...diagnostics] };
}

/** `jvp` for a gradient. */
export function jvpGradient(program: Program, fn: HirFunction, mask: string, summaries: Summaries): Differential {
  const { made, diagnostics } = dualGradient(program, fn, mask, summaries);
  return {
    function: { ...made, result: dualType(fn.result) },
    diagnostics,
    mutates: mutatesOf(fn, summaries),
  };
}

/** `vjp` for a gradient: forward computes it and keeps its arguments; backward sweeps over the tangent of `of`. */
export function vjpGradient(
  program: Program,
  fn: HirFunction,
  mask: string,
  form: "joint" | "split",
  summaries: Summaries,
): Sweeps {
  const { of, depth, inputs, arranged } = fn.gradientOf as GradientOf;
  const selected = selectedBy(arranged);
  const { length } = fn.params;
  const dual = dualOfAny(
    program,
    of,
    bits([...of.params, ...of.captures], (i) => selected.includes(i)),
    summaries,
  );
  const code = asScalar(dual.made, depth + 1);
  const directions = new Map(
    selected
      .filter((i) => passing((of.params[i] as Value).type) !== "-")
      .map((i, k) => [i, of.params.length + k] as const),
  );
  const active = [
    ...of.params.flatMap((_, i) => (mask[(inputs[i] as { param: number }).param] === "1" ? [i] : [])),
    ...fn.captures.flatMap((_, i) => (mask[length + i] === "1" ? [code.params.length + i] : [])),
  ];
  const swept = vjp(
    program,
    code,
    bits([...code.params, ...code.captures], (i) => active.includes(i)),
    "joint",
    summaries,
  );
  const declared = [...fn.params, ...fn.captures];
  const ids = freshIds(fn);
  const fresh = (v: Value, name = v.name): Value => ({
    ...v,
    id: ids.next++,
    ...(name === undefined ? {} : { name }),
  });
  const shadows = new Map<number, Value>();
  declared.forEach((p, i) => {
    const kind = passing(p.type);
    if (mask[i] === "1" && (kind === "r" || kind === "u")) shadows.set(i, fresh(p, `s_${p.name ?? "argument"}`));
  });
  const cotangent: Value = { id: ids.next++, type: fn.result, name: "cotangent" };
  const held = [...declared, ...shadows.values()];

  /** The reverse sweep: cotangents by position among the parameters and captures. */
  const backward = (b: Builder, at: (v: Value) => Value, ct: Value): Map<number, Value> => {
    const own = fn.params.map(at);
    const given = [...inputsOf(b, fn.gradientOf as GradientOf, own)];
    for (const i of directions.keys()) given.push(part(b, arranged, i, ct) as Value);
    const captured = fn.captures.map(at);
    const into = new Map<number, Value>();
    inputs.forEach(({ param }, i) => {
      const shadow = shadows.get(param);
      if (shadow !== undefined) into.set(i, at(shadow));
    });
    fn.captures.forEach((_, i) => {
      const shadow = shadows.get(length + i);
      if (shadow !== undefined) into.set(code.params.length + i, at(shadow));
    });
    const found = runJoint(b, swept, code, [...given, ...captured], active, into);
    const cotangents = new Map<number, Value>();
    inputs.forEach(({ param }, i) => {
      const d = found.get(i);
      if (d !== undefined && i < of.params.length) cotangents.set(param, d);
    });
    fn.captures.forEach((_, i) => {
      const d = found.get(code.params.length + i);
      if (d !== undefined) cotangents.set(length + i, d);
    });
    return cotangents;
  };
  const byValue = declared.flatMap((p, i) =>
    mask[i] === "1" && (passing(p.type) === "v" || passing(p.type) === "u") ? [i] : [],
  );
  const bundle = (b: Builder, list: readonly Value[]) =>
    list.length === 0
      ? b.const(undefined)
      : list.length === 1
        ? (list[0] as Value)
        : b.array(list, { kind: "tuple", elements: list.map((v) => v.type) });
  const plain = (b: Builder): Value => {
    const copy = copyRegion(fn.body, new Map(declared.map((v) => [v, v])), ids);
    b.ops.push(...copy.ops);
    return copy.results[0] as Value;
  };
  const base = { file: fn.file, span: fn.span, kind: "function", recursive: false, result: inertType } as const;
  const make = (suffix: string, params: readonly Value[], body: Region, captures: readonly Value[] = []): HirFunction =>
    optimize({ ...base, key: `${fn.key}$${suffix}|${mask}`, name: `${fn.name}$${suffix}`, params, captures, body });
  const found = {
    diagnostics: [...dual.diagnostics, ...checkWrites(of, dual.made, summaries), ...swept.diagnostics],
    mutates: mutatesOf(fn, summaries),
  };
  const same = (v: Value) => v;

  if (form === "joint") {
    const body: Region = { params: [], ops: [], results: [] };
    const b = new Builder(body.ops, ids, fn.span);
    const before = capture(b, declared);
    const value = plain(b);
    const now = capture(b, declared);
    restore(b, before);
    const like = typeof arranged === "number" ? fn.params[(inputs[arranged] as { param: number }).param] : undefined;
    const ct = isNumeric(fn.result) || like === undefined ? cotangent : b.runtime("seed", [like, cotangent], fn.result);
    const given = backward(b, same, ct);
    restore(b, now);
    const cotangents = bundle(
      b,
      byValue.map((i) => given.get(i) ?? b.const(0)),
    );
    body.results = [
      b.object(
        [
          { key: "value", value },
          { key: "cotangents", value: cotangents },
        ],
        inertType,
      ),
    ];
    return { ...found, functions: [make("gradient", [...held, cotangent], body)] };
  }

  const forward: Region = { params: [], ops: [], results: [] };
  const f = new Builder(forward.ops, ids, fn.span);
  const before = capture(f, declared);
  const value = plain(f);
  const kind = passing(fn.result);
  const entries = [{ key: "value", value }];
  if (kind === "r" || kind === "u") {
    entries.push({ key: "shadow", value: f.runtime("zeroShadow", [value], fn.result) });
  }
  entries.push({ key: "before", value: before });
  held.forEach((v, i) => {
    entries.push({ key: `a${i}`, value: v });
  });
  forward.results = [f.object(entries, inertType)];

  const frame: Value = { id: ids.next++, type: inertType, name: "frame" };
  const opened: Region = { params: [], ops: [], results: [] };
  const b = new Builder(opened.ops, ids, fn.span);
  const load = (name: string, type: Type): Value => b.load(frame, name, { type, readonly: true });
  const own = new Map(held.map((v, i) => [v, load(`a${i}`, v.type)]));
  const at = (v: Value) => own.get(v) as Value;
  const now = capture(b, declared.map(at));
  restore(b, load("before", inertType));
  const ct =
    kind === "r"
      ? b.runtime("takeShadow", [load("shadow", fn.result), load("value", fn.result)], fn.result, { effects: true })
      : cotangent;
  const given = backward(b, at, ct);
  restore(b, now);
  opened.results = [
    bundle(
      b,
      byValue.filter((i) => i < length).map((i) => given.get(i) ?? b.const(0)),
    ),
  ];
  if (fn.captures.length === 0) {
    return { ...found, functions: [make("forward", held, forward), make("backward", [frame, cotangent], opened)] };
  }
  const environment: Value = { id: ids.next++, type: inertType, name: "environment" };
  for (const i of byValue.filter((p) => p >= length)) {
    const { type } = declared[i] as Value;
    const name = `c${i - length}`;
    const sum = b.load(environment, name, { type });
    const d = given.get(i);
    if (d === undefined) continue;
    b.store(environment, name, isNumeric(type) ? b.prim("+", [sum, d]) : b.runtime("add", [sum, d], type));
  }
  const ofParams = [...shadows].flatMap(([i, s]) => (i < length ? [s] : []));
  const ofCaptures = [...shadows].flatMap(([i, s]) => (i < length ? [] : [s]));
  return {
    ...found,
    functions: [
      make("forward", [...fn.params, ...ofParams], forward, [...fn.captures, ...ofCaptures]),
      make("backward", [frame, cotangent], opened, [environment]),
    ],
  };
}

/** The part of a gradient's cotangent that belongs to parameter `i`: the direction along which `of` is to be moved. */
function part(b: Builder, arranged: Arrangement, i: number, cotangent: Value): Value | undefined {
  if (typeof arranged === "number") return arranged === i ? cotangent : undefined;
  if ("value" in arranged) {
    for (const name of ["value", "tangent"] as const) {
      if (!selectedBy(arranged[name]).includes(i)) continue;
      const type = (cotangent.type as StructType).fields().get(name) as Type;
      return part(b, arranged[name], i, b.load(cotangent, name, { type, readonly: true }));
    }
    return undefined;
  }
  const k = arranged.findIndex((a) => selectedBy(a).includes(i));
  if (k < 0) return undefined;
  const { type } = cotangent;
  const element = type.kind === "tuple" ? (type.elements[k] as Type) : inertType;
  return part(
    b,
    arranged[k] as Arrangement,
    i,
    b.load(cotangent, b.const(k, intType), { type: element, readonly: true }),
  );
}

/** What the arguments hold, and the random state, to be seen again by the sweep that runs `of` a second time. */
function capture(b: Builder, values: readonly Value[]): Value {
  const mutable = values.filter((v) => passing(v.type) !== "v");
  return b.runtime("capture", [b.array(mutable, inertType)], inertType, { effects: true, name: "state" });
}

function restore(b: Builder, state: Value): void {
  b.runtime("restore", [state], undefined, { effects: true });
}

/** Which parameters a gradient writes into. */
function mutatesOf(fn: HirFunction, summaries: Summaries): string {
  const { mutates } = summaries.made(fn);
  return bits(fn.params, (p) => mutates[p] === true);
}
