/** The two sweeps of a gradient: forward computes it, reverse sweeps over the tangent of what it is the gradient of. */
import type { Summaries } from "../analysis/index.ts";
import {
  type Arrangement,
  Builder,
  copyRegion,
  type GradientOf,
  type HirFunction,
  inertType,
  intType,
  isNumeric,
  type Program,
  passing,
  type Region,
  type Type,
  type Value,
} from "../hir/index.ts";
import { optimize } from "../opt/index.ts";
import { partOf, primalsIn, selectedBy } from "./arrangements.ts";
import { effectLog, within } from "./effects.ts";
import { bits, capture, dualOfAny, inputsOf, mutatesOf, restore, seedingOf } from "./gradients.ts";
import { runJoint, type Seeding, seeded, seededParts } from "./seeds.ts";
import { freshIds, type Sweeps, vjp } from "./vjp.ts";

/** What a part of a seed is: a parameter, or the cotangent of a primal part of the result. */
type Source = number | readonly string[];

/** The cotangents of primal parts where they stand in what the function returns. */
function primalSeed(primals: readonly (readonly string[])[]): Seeding<Source> {
  const build = (path: readonly string[]): Seeding<Source> => {
    const here = primals.find((each) => each.length === path.length && path.every((name, i) => each[i] === name));
    if (here !== undefined) return { is: here };
    const inside = (name: string) =>
      primals.some((each) => each.length > path.length && [...path, name].every((n, i) => each[i] === n));
    if (!inside("value") && !inside("tangent")) return 0;
    return { value: build([...path, "value"]), tangent: build([...path, "tangent"]) };
  };
  return build([]);
}

function primalPart(b: Builder, arranged: Arrangement, path: readonly string[], cotangent: Value): Value | undefined {
  const isIt = (part: Arrangement) =>
    typeof part !== "number" && "primal" in part && part.primal.join() === path.join();
  return partOf(b, arranged, isIt, cotangent);
}

/** `vjp` for a gradient: forward computes it and keeps its arguments; backward sweeps over the tangent of `of`. */
export function vjpGradient(
  program: Program,
  fn: HirFunction,
  mask: string,
  form: "joint" | "split",
  summaries: Summaries,
  wanted: readonly Value[] = [],
): Sweeps {
  const { of, seed, inputs, arranged, undoes } = fn.gradientOf as GradientOf;
  const selected = selectedBy(arranged);
  const { length } = fn.params;
  const asked = (param: number) => mask[param] === "1";
  const dual = dualOfAny(
    program,
    of,
    bits([...of.params, ...of.captures], (i) => selected.includes(i)),
    summaries,
  );
  // <cotangent, gradient> is the tangent that the seed picks; <cotangent, primal part> goes in beside it.
  const primals = primalsIn(arranged);
  const parts = seededParts<Source>({ value: primalSeed(primals), tangent: seedingOf(seed) as Seeding<Source> });
  const ofSeed = parts.filter((part) => part.seed !== 1 && typeof part.seed.is === "number" && asked(part.seed.is));
  const { code, options, start } = seeded(
    dual.made,
    parts,
    ofSeed.map(({ path }) => path),
  );
  const directions = new Map(
    selected
      .filter((i) => passing((of.params[i] as Value).type) !== "-")
      .map((i, k) => [i, of.params.length + k] as const),
  );
  const active = [
    ...of.params.flatMap((_, i) => (asked((inputs[i] as { param: number }).param) ? [i] : [])),
    ...fn.captures.flatMap((_, i) => (mask[length + i] === "1" ? [code.params.length + i] : [])),
  ];
  const swept = vjp(
    program,
    code,
    bits([...code.params, ...code.captures], (i) => active.includes(i)),
    "joint",
    summaries,
    options,
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
    for (const i of directions.keys()) {
      const direction = partOf(b, arranged, (part) => part === i, ct) as Value;
      // What writes into its argument writes into the tangent, too.
      const own = undoes === true && !isNumeric(direction.type);
      given.push(own ? b.runtime("tree", [given[i] as Value, direction], direction.type) : direction);
    }
    const sources = parts.flatMap(({ seed: from }) => (from === 1 ? [] : [from.is]));
    const sourceValue = (source: Source): Value =>
      typeof source === "number" ? (own[source] as Value) : (primalPart(b, arranged, source, ct) as Value);
    const { extra, cotangent: top } = start(b, (i) => sourceValue(sources[i] as Source), given);
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
    const twins = undoes === true ? apart(b, into, (i) => [...given, ...extra, ...captured][i] as Value) : undefined;
    const reached = runJoint(b, swept, code, [...given, ...extra, ...captured], active, twins?.shadows ?? into, top);
    twins?.rejoin();
    const found = reached.cotangents;
    const cotangents = new Map<number, Value>();
    inputs.forEach(({ param }, i) => {
      const d = found.get(i);
      if (d !== undefined && i < of.params.length) cotangents.set(param, d);
    });
    fn.captures.forEach((_, i) => {
      const d = found.get(code.params.length + i);
      if (d !== undefined) cotangents.set(length + i, d);
    });
    ofSeed.forEach((part, k) => {
      const param = (part.seed as { is: number }).is;
      const d = reached.also[k] ?? b.const(undefined);
      const shadow = shadows.get(param);
      if (shadow !== undefined) b.runtime("accumulate", [at(shadow), d], undefined, { effects: true });
      const { type } = fn.params[param] as Value;
      const before = cotangents.get(param);
      const sum = isNumeric(type)
        ? b.prim("+", [before ?? b.const(0), d])
        : b.runtime("add", [before ?? b.const(undefined), d], type);
      if (passing(type) !== "r") cotangents.set(param, before === undefined ? d : sum);
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
  let plainAlso: readonly Value[] = [];
  const plain = (b: Builder): Value => {
    const whole = { ...fn.body, results: [...fn.body.results, ...wanted] };
    const copy = copyRegion(whole, new Map(declared.map((v) => [v, v])), ids);
    b.ops.push(...copy.ops);
    plainAlso = copy.results.slice(1);
    return copy.results[0] as Value;
  };
  const base = { file: fn.file, span: fn.span, kind: "function", recursive: false, result: inertType } as const;
  const make = (suffix: string, params: readonly Value[], body: Region, captures: readonly Value[] = []): HirFunction =>
    optimize({ ...base, key: `${fn.key}$${suffix}|${mask}`, name: `${fn.name}$${suffix}`, params, captures, body });
  const found = {
    diagnostics: [...dual.diagnostics, ...swept.diagnostics],
    mutates: mutatesOf(fn, summaries),
  };
  const same = (v: Value) => v;

  if (form === "joint") {
    const body: Region = { params: [], ops: [], results: [] };
    const b = new Builder(body.ops, ids, fn.span);
    const log = effectLog(b, program, of);
    const before = capture(b, declared);
    const value = within(b, log, () => plain(b));
    const now = capture(b, declared);
    restore(b, before);
    const like = typeof arranged === "number" ? fn.params[(inputs[arranged] as { param: number }).param] : undefined;
    const ct = isNumeric(fn.result) || like === undefined ? cotangent : b.runtime("seed", [like, cotangent], fn.result);
    const given = within(b, log, () => backward(b, same, ct));
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
          ...(wanted.length === 0 ? [] : [{ key: "also", value: b.array(plainAlso, inertType) }]),
        ],
        inertType,
      ),
    ];
    return { ...found, functions: [make("gradient", [...held, cotangent], body)] };
  }

  const forward: Region = { params: [], ops: [], results: [] };
  const f = new Builder(forward.ops, ids, fn.span);
  const log = effectLog(f, program, of);
  const before = capture(f, declared);
  const value = within(f, log, () => plain(f));
  const kind = passing(fn.result);
  const entries = [{ key: "value", value }];
  if (kind === "r" || kind === "u") {
    entries.push({ key: "shadow", value: f.runtime("zeroShadow", [value], fn.result) });
  }
  entries.push({ key: "before", value: before });
  if (log !== undefined) entries.push({ key: "log", value: log });
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
  const kept = log === undefined ? undefined : load("log", inertType);
  const given = within(b, kept, () => backward(b, at, ct));
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

/**
 * Shadows for a sweep over what is undone: the adjoints that are there already belong to what the arguments hold, not to
 * what is written into them.
 */
function apart(b: Builder, into: ReadonlyMap<number, Value>, value: (i: number) => Value) {
  const entries = [...into];
  const list = (values: readonly Value[]) => b.array(values, inertType);
  const shadows = list(entries.map(([, shadow]) => shadow));
  const twins = b.runtime("twins", [shadows, list(entries.map(([i]) => value(i)))], inertType, { effects: true });
  const loaded = entries.map(([i, { type, name }], k): [number, Value] => [
    i,
    b.load(twins, b.const(k, intType), { type, readonly: true, ...(name === undefined ? {} : { name }) }),
  ]);
  const rejoin = () => b.runtime("rejoin", [shadows, twins], undefined, { effects: true });
  return { shadows: new Map(loaded), rejoin };
}
