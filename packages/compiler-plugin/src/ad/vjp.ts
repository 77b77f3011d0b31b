/** Puts the two sweeps of a reverse-mode derivative together: in one function, or in two that meet in a frame. */
import { type Activity, activity, type Summaries, writtenIn } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import {
  Builder,
  definitionsOf,
  type HirFunction,
  type Ids,
  inertType,
  isNumeric,
  type LoopOp,
  type Op,
  operands,
  type Program,
  passing,
  type Region,
  regions,
  type Type,
  UniqueNames,
  type Value,
  walk,
} from "../hir/index.ts";
import { optimize } from "../opt/index.ts";
import type { Context, Form, LoopRecord } from "./context.ts";
import { Finality } from "./finality.ts";
import { forwardRegion } from "./forward.ts";
import { fuseLoops } from "./fuse.ts";
import { vjpGradient } from "./gradient-sweeps.ts";
import { layoutOf } from "./layout.ts";
import { SavePlan } from "./plan.ts";
import { ReverseSweep } from "./reverse.ts";
import { Stacks } from "./stacks.ts";

export interface Sweeps {
  /** One function for `joint`, forward and backward for `split`. */
  readonly functions: readonly HirFunction[];
  readonly diagnostics: readonly Diagnostic[];
  /** Parameters through which the function writes, as a mask. */
  readonly mutates: string;
}

/** A number that no value of the function has. */
export function freshIds(fn: HirFunction): Ids {
  let next = 0;
  const see = (v: Value) => {
    if (v.id >= next) next = v.id + 1;
  };
  const visit = (f: HirFunction) => {
    for (const v of [...f.params, ...f.captures]) see(v);
    walk(f.body, (op) => {
      for (const v of op.results) see(v);
      for (const r of regions(op)) for (const v of r.params) see(v);
      if (op.kind === "closure") visit(op.function);
    });
  };
  visit(fn);
  return { next };
}

/** What was found wrong with a function before it is differentiated. */
export function faultsOf({ faults = [] }: HirFunction): Diagnostic[] {
  return faults.map((fault) => ({ ...fault, severity: "error", notes: [] }));
}

export interface JointOptions {
  /** Values of the body that the joint form returns besides, in an array. */
  readonly also?: readonly Value[];
  /** The cotangent of the result is given, whatever it is; else the joint form starts at 1. */
  readonly given?: boolean;
}

/** The sweeps of a function. */
export function vjp(
  program: Program,
  fn: HirFunction,
  mask: string,
  form: Form,
  summaries: Summaries,
  { also = [], given = false }: JointOptions = {},
): Sweeps {
  if (fn.gradientOf !== undefined) return vjpGradient(program, fn, mask, form, summaries, also);
  const ids = freshIds(fn);
  const diagnostics = faultsOf(fn);
  const context: Context = {
    fn,
    mask,
    form,
    program,
    activity: activity(fn, mask, summaries),
    ids,
    shadows: new Map(),
    forwardOf: new Map(),
    loops: new Map(),
    calls: new Map(),
    owned: new Set(),
    positions: new Map(),
    lengths: new Map(),
    definitions: definitionsOf(fn.body),
    diagnostics,
    closures: new Map(),
    derive: (literal, bits) => vjp(program, literal, bits, "split", summaries),
    report: (code, span, message, hint) => {
      diagnostics.push({ code, severity: "error", message, span, notes: [], ...(hint === undefined ? {} : { hint }) });
    },
  };

  const inputs = [...fn.params, ...fn.captures];
  const shadowParams: Value[] = [];
  inputs.forEach((p, i) => {
    const kind = passing(p.type);
    if (mask[i] !== "1" || (kind !== "r" && kind !== "u")) return;
    const shadow: Value = { id: ids.next++, type: p.type, name: `s_${p.name ?? "argument"}` };
    shadowParams.push(shadow);
    context.shadows.set(p, shadow);
  });
  const unasked = shadowsUnasked(context, inputs);

  const forward = forwardRegion(context, fn.body);
  forward.ops.unshift(...unasked);
  const result = fn.body.results[0];
  const top: readonly Value[] = [...inputs, ...shadowParams];
  const cotangent: Value = { id: ids.next++, type: result?.type ?? inertType, name: "cotangent" };
  // Gradients start at 1: of a number it is folded into the code.
  const seed = form === "joint" && !given && isNumeric(cotangent.type) ? [] : [cotangent];
  if (seed.length === 0) forward.ops.unshift({ kind: "const", value: 1, span: fn.span, results: [cotangent] });
  const layout = layoutOf(forward, form === "joint" ? [...top, ...seed] : top);
  const sweep = new ReverseSweep(context, layout.homes);
  const cotangents = sweep.run(result === undefined ? undefined : cotangent);
  if (form === "split") {
    for (const { results } of unasked) sweep.top.builder.runtime("clearShadow", results, undefined, { effects: true });
  }
  sweep.top.region.results = cotangents;

  const primalOf = new Map([...context.shadows].map(([primal, shadow]) => [shadow, primal]));
  const loops = new Map<Region, LoopRecord>();
  for (const [op, record] of context.loops) loops.set(context.forwardOf.get((op as LoopOp).body) as Region, record);
  const fused = form === "joint" ? fuseLoops(context, layout, sweep) : [];
  const shared = {
    form,
    ids,
    activity: context.activity,
    layout,
    shadowed: primalOf,
    stacks: new Stacks(ids, layout, loops),
    finality: new Finality(context, layout),
    mirrors: sweep.mirrors,
    iterations: sweep.iterations,
    indices: sweep.indices,
    unchanged: sweep.top.unchanged,
    starts: sweep.starts,
  };
  for (const { loop, reverse } of fused) {
    const planned = new SavePlan({ ...shared, base: loop.body, reverse }).run();
    loop.body.ops.push(...planned.ops);
    loop.body.results.push(...planned.results);
  }
  const reverse = new SavePlan({ ...shared, base: forward, reverse: sweep.top.region }).run();

  const base = { file: fn.file, span: fn.span, kind: "function", recursive: false } as const;
  const found = {
    diagnostics,
    mutates: context.activity.aliases.summary.mutates.map((m) => (m ? "1" : "0")).join(""),
  };
  const make = (suffix: string, params: readonly Value[], body: Region, captures: readonly Value[] = []): HirFunction =>
    optimize({
      ...base,
      key: `${fn.key}$${suffix}|${mask}`,
      name: `${fn.name}$${suffix}`,
      params,
      captures,
      body,
      result: inertType,
    });

  if (form === "joint") {
    const body: Region = { params: [], ops: [...forward.ops, ...reverse.ops], results: [] };
    if (fn.body.diverges === true) {
      return { ...found, functions: [make("gradient", [...top, ...seed], { ...forward })] };
    }
    const b = new Builder(body.ops, ids, fn.span);
    const value = result ?? b.const(undefined);
    const entries = [
      { key: "value", value },
      { key: "cotangents", value: bundle(b, reverse.results) },
      ...(also.length === 0 ? [] : [{ key: "also", value: b.array(also, inertType) }]),
    ];
    body.results = [b.object(entries, inertType)];
    return { ...found, functions: [make("gradient", [...top, ...seed], body)] };
  }

  const frame: Value = { id: ids.next++, type: inertType, name: "frame" };
  const crossing = fn.body.diverges === true ? [] : crossings(reverse, layout.homes);
  const names = fieldNames(crossing);
  if (fn.body.diverges !== true) {
    const b = new Builder(forward.ops, ids, fn.span);
    const entries = [{ key: "value", value: result ?? b.const(undefined) }];
    const shadow = result === undefined ? undefined : context.shadows.get(result);
    if (shadow !== undefined) entries.push({ key: "shadow", value: shadow });
    crossing.forEach((v, i) => {
      entries.push({ key: names[i] as string, value: v });
    });
    forward.results = [b.object(entries, inertType)];
  }
  const opened: Region = { params: [], ops: [], results: [] };
  const b = new Builder(opened.ops, ids, fn.span);
  crossing.forEach((v, i) => {
    b.emit({
      kind: "load",
      object: frame,
      key: { kind: "field", name: names[i] as string },
      readonly: true,
      span: fn.span,
      results: [v],
    });
  });
  opened.ops.push(...reverse.ops);
  const own = fn.params.filter((p, i) => mask[i] === "1" && passing(p.type) !== "r" && passing(p.type) !== "-").length;
  opened.results = [bundle(b, reverse.results.slice(0, own))];
  if (fn.captures.length > 0) {
    // A literal's captures get their cotangents through the environment that its maker keeps.
    const environment: Value = { id: ids.next++, type: inertType, name: "environment" };
    const captured = fn.captures.filter((c, i) => mask[fn.params.length + i] === "1" && passing(c.type) !== "r");
    const b = new Builder(opened.ops, ids, fn.span);
    captured.forEach((c, i) => {
      const name = captureName(fn.captures.indexOf(c));
      const before = b.load(environment, name, { type: c.type });
      const d = reverse.results[own + i] as Value;
      b.store(environment, name, isNumeric(c.type) ? b.prim("+", [before, d]) : b.runtime("add", [before, d], c.type));
    });
    const isShadowOfParam = (i: number) =>
      i < fn.params.filter((p, k) => mask[k] === "1" && (passing(p.type) === "r" || passing(p.type) === "u")).length;
    const params = [...fn.params, ...shadowParams.filter((_, i) => isShadowOfParam(i))];
    const shadows = shadowParams.filter((_, i) => !isShadowOfParam(i));
    return {
      ...found,
      functions: [
        make("forward", params, forward, [...fn.captures, ...shadows]),
        make("backward", [frame, cotangent], opened, [environment]),
      ],
    };
  }
  return { ...found, functions: [make("forward", top, forward), make("backward", [frame, cotangent], opened)] };
}

/** Whether a function writes active values into what a parameter or capture holds. */
export function takesActive(p: Value, { aliases, shadowed }: Activity): boolean {
  return p.type.kind !== "function" && shadowed(p) && writtenIn(aliases.classOf(p));
}

/** Shadows of what the function writes active values into and nobody asks the cotangent of: they end with it. */
function shadowsUnasked({ ids, shadows, activity, fn }: Context, inputs: readonly Value[]): readonly Op[] {
  const ops: Op[] = [];
  const b = new Builder(ops, ids, fn.span);
  for (const p of inputs) {
    if (shadows.has(p) || !takesActive(p, activity)) continue;
    shadows.set(p, b.runtime("zeroShadow", [p], p.type, { name: `s_${p.name ?? "argument"}` }));
  }
  return ops;
}

/** Where a literal's environment keeps the adjoint of its capture number `i`. */
export const captureName = (i: number): string => `c${i}`;

/** Cotangents as `backward` returns them: a bare one, several as an array, or nothing. */
function bundle(b: Builder, cotangents: readonly Value[]): Value {
  if (cotangents.length === 0) return b.const(undefined);
  if (cotangents.length === 1) return cotangents[0] as Value;
  const type: Type = { kind: "tuple", elements: cotangents.map((c) => c.type) };
  return b.array(cotangents, type);
}

/** Values of the forward sweep that the reverse sweep reads, in order of definition. */
function crossings(reverse: Region, homes: ReadonlyMap<Value, Region>): Value[] {
  const found = new Set<Value>();
  const use = (v: Value) => {
    if (homes.has(v)) found.add(v);
  };
  const visit = (region: Region) => {
    for (const op of region.ops) {
      for (const v of operands(op)) use(v);
      for (const inner of regions(op)) visit(inner);
    }
    for (const v of region.results) use(v);
  };
  visit(reverse);
  return [...found].sort((a, b) => a.id - b.id);
}

function fieldNames(values: readonly Value[]): string[] {
  const names = new UniqueNames(["value", "shadow"]);
  return values.map((v) => names.unique((v.name ?? "v").replace(/[^\w$]/g, "_")));
}
