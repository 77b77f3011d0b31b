/**
 * Where a reverse sweep starts: the cotangent of a function's result, of which most parts are zero. What is differentiated
 * is the function with only the parts that have a cotangent as its result: one of them, the sum of their products with
 * their cotangents where all are numbers, or all of them.
 */
import {
  type Arrangement,
  Builder,
  copyRegion,
  definitionsOf,
  type HirFunction,
  isNumeric,
  numberType,
  passing,
  type Region,
  type Value,
} from "../hir/index.ts";
import { arrangedAt, typeAt } from "./arrangements.ts";
import { shadowType } from "./forward.ts";
import { freshIds, type JointOptions, type Sweeps } from "./vjp.ts";

/** A seed whose parts that are not constant are told apart by `T`. */
export type Seeding<T> = 0 | 1 | { readonly is: T } | { readonly value: Seeding<T>; readonly tangent: Seeding<T> };

/** One part of a result that has a cotangent: the constant 1, or something given. */
export interface SeededPart<T> {
  readonly path: readonly string[];
  readonly seed: 1 | { readonly is: T };
}

export function seededParts<T>(seed: Seeding<T>, path: readonly string[] = []): SeededPart<T>[] {
  if (seed === 0) return [];
  if (seed === 1 || "is" in seed) return [{ path, seed }];
  return [...seededParts(seed.value, [...path, "value"]), ...seededParts(seed.tangent, [...path, "tangent"])];
}

export interface Seeded {
  /** Its parameters are the function's, then the cotangents that it takes as factors. */
  readonly code: HirFunction;
  /** What its joint form needs: parts of the function's result besides, and whether it starts at another cotangent than 1. */
  readonly options: JointOptions;
  /** The arguments that follow the function's own, and the cotangent of the result of `code`. */
  start(b: Builder, given: (i: number) => Value, arguments_: readonly Value[]): { extra: Value[]; cotangent: Value };
}

export function seeded<T>(
  fn: HirFunction,
  parts: readonly SeededPart<T>[],
  wanted: readonly (readonly string[])[],
): Seeded {
  const result = fn.body.results[0];
  if (fn.body.diverges === true || result === undefined) {
    return { code: fn, options: {}, start: (b) => ({ extra: [], cotangent: b.const(1) }) };
  }
  const body: Region = { ...fn.body, ops: [...fn.body.ops], results: [] };
  const ids = freshIds(fn);
  const b = new Builder(body.ops, ids, fn.span);
  const definitions = definitionsOf(fn.body);
  const follow = (path: readonly string[]): Value => {
    let at = result;
    path.forEach((name, k) => {
      const made = definitions.get(at);
      const entry = made?.kind === "object" ? made.entries.find(({ key }) => key === name)?.value : undefined;
      at = entry ?? b.load(at, name, { type: typeAt(fn.result, path.slice(0, k + 1)), readonly: true });
    });
    return at;
  };
  const { gradientOf } = fn;
  /** The tangent of a leaf with one element as the number that it is. */
  const scalarAt = (path: readonly string[]): Value => {
    const part = follow(path);
    if (gradientOf !== undefined || isNumeric(part.type)) return part;
    const like = path.length === 0 ? part : follow(path.map(() => "value"));
    return b.runtime("element", [part, like], numberType);
  };
  const values = parts.map(({ path, seed }) => (seed === 1 ? scalarAt(path) : follow(path)));
  const also = wanted.map(follow);
  const yields = (v: Value, params = fn.params, arranged?: Arrangement): HirFunction => ({
    ...fn,
    params,
    body: { ...body, results: [v] },
    result: v.type,
    ...(gradientOf === undefined || arranged === undefined ? {} : { gradientOf: { ...gradientOf, arranged } }),
  });
  const subs = gradientOf === undefined ? [] : parts.map(({ path }) => arrangedAt(gradientOf.arranged, path));
  const [only] = values;
  if (only !== undefined && values.length === 1) {
    const isOne = parts[0]?.seed === 1;
    return {
      code: yields(only, fn.params, subs[0]),
      options: { also, given: !isOne },
      start: (s, given) => ({ extra: [], cotangent: isOne ? s.const(1) : given(0) }),
    };
  }
  if (gradientOf === undefined && values.every((v) => isNumeric(v.type))) {
    const factors = parts.flatMap(({ seed }) => (seed === 1 ? [] : [b.value(numberType, "cotangent")]));
    let sum: Value | undefined;
    let next = 0;
    values.forEach((v, i) => {
      const term = parts[i]?.seed === 1 ? v : b.prim("*", [v, factors[next++] as Value]);
      sum = sum === undefined ? term : b.prim("+", [sum, term]);
    });
    return {
      code: yields(sum as Value, [...fn.params, ...factors]),
      options: { also },
      start: (s, given) => ({ extra: factors.map((_, i) => given(i)), cotangent: s.const(1) }),
    };
  }
  const tuple = b.array(values, { kind: "tuple", elements: values.map((v) => v.type) });
  return {
    code: yields(tuple, fn.params, subs),
    options: { also, given: true },
    start: (s, given, own) => {
      let next = 0;
      const cotangents = parts.map(({ seed }, i) => {
        if (seed !== 1) return given(next++);
        const like = typeof subs[i] === "number" ? own[subs[i] as number] : undefined;
        if (like === undefined || isNumeric((values[i] as Value).type)) return s.const(1);
        return s.runtime("seed", [like, s.const(1)], (values[i] as Value).type);
      });
      return { extra: [], cotangent: s.array(cotangents, tuple.type) };
    },
  };
}

/** What both sweeps found: cotangents by position among parameters and captures, and the parts asked for besides. */
export interface Swept {
  readonly cotangents: Map<number, Value>;
  readonly also: readonly Value[];
}

/** Both sweeps at once, their operations copied in: cotangents of the active inputs, into shadows made here or given. */
export function runJoint(
  b: Builder,
  { functions }: Sweeps,
  fn: HirFunction,
  inputs: readonly Value[],
  active: readonly number[],
  given: ReadonlyMap<number, Value>,
  cotangent: Value,
): Swept {
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
  const args = [...inputs, ...shadows, cotangent];
  joint.params.forEach((p, i) => {
    bound.set(p, args[i] as Value);
  });
  const copy = copyRegion(joint.body, bound, b.ids);
  b.ops.push(...copy.ops);
  const definitions = definitionsOf(copy);
  const result = copy.results[0] === undefined ? undefined : definitions.get(copy.results[0]);
  const entry = (key: string) =>
    result?.kind === "object" ? result.entries.find((each) => each.key === key)?.value : undefined;
  const list = (v: Value | undefined): readonly Value[] => {
    const made = v === undefined ? undefined : definitions.get(v);
    return made?.kind === "array" ? made.elements : [];
  };
  const cotangents = entry("cotangents");
  byValue.forEach((i, k) => {
    const value = byValue.length === 1 ? cotangents : list(cotangents)[k];
    const shadow = found.get(i);
    // A value of unknown kind has either.
    if (value !== undefined) found.set(i, shadow === undefined ? value : b.prim("??", [shadow, value], shadow.type));
  });
  return { cotangents: found, also: list(entry("also")) };
}
