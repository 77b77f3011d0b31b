/**
 * Differentiating a gradient without differentiating its reverse sweep. The gradient of h, applied to a cotangent v, has
 * the derivative of <gradient of h, v>, which is the tangent of h along v: so one reverse sweep over h's forward-mode
 * code gives it (Pearlmutter 1994, "Fast exact multiplication by the Hessian", read from right to left). Forward mode is
 * the same sweep: the tangent of a gradient along v is the gradient of the tangent along v. To any order nothing but
 * forward mode and one reverse sweep is needed, and neither frames nor pullbacks are ever differentiated. The same holds
 * of a pullback, <c, f> for a cotangent c in the place of h, and of its derivative with respect to c.
 */
import { aliases, type Summaries } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import {
  Builder,
  type GradientOf,
  type HirFunction,
  inertType,
  isNumeric,
  type Program,
  passing,
  type Region,
  type Seed,
  type Value,
} from "../hir/index.ts";
import { optimize } from "../opt/index.ts";
import { arrange, arrangedType, primalsIn, rearrange, selectedBy } from "./arrangements.ts";
import { dualFunction } from "./duals.ts";
import { shadowType } from "./forward.ts";
import { type Differential, dualType } from "./jvp.ts";
import { withPlatformLiterals } from "./platform.ts";
import { prepare } from "./prepare.ts";
import { runJoint, type Seeding, seeded, seededParts } from "./seeds.ts";
import { freshIds, vjp } from "./vjp.ts";

/** A derivative and what was found wrong on the way to it. */
interface Made<T> {
  readonly made: T;
  readonly diagnostics: readonly Diagnostic[];
}

export const bits = (values: readonly unknown[], is: (i: number) => boolean) =>
  values.map((_, i) => (is(i) ? "1" : "0")).join("");

/** A seed with the numbers of the parameters that it names. */
export function seedingOf(seed: Seed): Seeding<number> {
  if (typeof seed === "number") return seed;
  if ("param" in seed) return { is: seed.param };
  return { value: seedingOf(seed.value), tangent: seedingOf(seed.tangent) };
}

/** A function that is the gradient of another, with the operations that compute it. */
export function gradientFunction(
  program: Program,
  shell: Pick<HirFunction, "key" | "name" | "file" | "span" | "params" | "captures">,
  gradientOf: GradientOf,
  summaries: Summaries,
): Made<HirFunction> {
  const { of, arranged } = gradientOf;
  const body: Region = { params: [], ops: [], results: [] };
  const b = new Builder(body.ops, freshIds({ ...of, ...shell, body: of.body }), shell.span);
  const selected = selectedBy(arranged);
  const parts = seededParts(seedingOf(gradientOf.seed));
  const primals = primalsIn(arranged);
  const { code, options, start } = seeded(of, parts, primals);
  const active = bits([...code.params, ...code.captures], (i) => selected.includes(i));
  const swept = vjp(program, code, active, "joint", summaries, options);
  const before = gradientOf.undoes === true ? capture(b, [...shell.params, ...shell.captures]) : undefined;
  const inputs = inputsOf(b, gradientOf, shell.params);
  const given = parts.flatMap(({ seed }) => (seed === 1 ? [] : [shell.params[seed.is] as Value]));
  const { extra, cotangent } = start(b, (i) => given[i] as Value, inputs);
  const found = runJoint(b, swept, code, [...inputs, ...extra, ...shell.captures], selected, new Map(), cotangent);
  const primal = (path: readonly string[]) =>
    found.also[primals.findIndex((each) => each.join() === path.join())] ?? b.const(undefined);
  if (before !== undefined) restore(b, before);
  body.results = [arrange(b, arranged, of, found.cotangents, primal)];
  const result = arrangedType(arranged, of);
  const made = { ...shell, kind: "arrow", body, result, recursive: false, gradientOf } as const;
  return { made: optimize(made), diagnostics: swept.diagnostics };
}

/** The arguments of `of`: tangents stand there with every zero filled in, since the sweep asks for their cotangents. */
export function inputsOf(b: Builder, { inputs, of }: GradientOf, own: readonly Value[]): Value[] {
  return inputs.map(({ param, tangentOf }, i) => {
    const given = own[param];
    if (tangentOf === undefined) return given as Value;
    const { type } = of.params[i] as Value;
    if (isNumeric(type)) return given ?? b.const(0);
    return b.runtime("wholeTangent", [own[tangentOf] as Value, given ?? b.const(undefined)], type);
  });
}

/** What objects hold, and the random state. */
export function capture(b: Builder, values: readonly Value[]): Value {
  const mutable = values.filter((v) => passing(v.type) !== "v");
  return b.runtime("capture", [b.array(mutable, inertType)], inertType, { effects: true, name: "state" });
}

export function restore(b: Builder, state: Value): void {
  b.runtime("restore", [state], undefined, { effects: true });
}

/** Whether a function writes active values into what it is given or has captured: the tangents of that tell. */
export function writesActive(program: Program, of: HirFunction, summaries: Summaries): boolean {
  const inputs = [...of.params, ...of.captures];
  const writes = (fn: HirFunction) => {
    const given = [...fn.params, ...fn.captures];
    return aliases({ ...fn, params: given, captures: [] }, summaries).summary.mutates;
  };
  if (of.gradientOf !== undefined || !writes(of).some(Boolean)) return false;
  const dual = dualOfAny(
    program,
    of,
    bits(inputs, (i) => passing((inputs[i] as Value).type) !== "-"),
    summaries,
  ).made;
  const isTangent = [...dual.params.map((_, i) => i >= of.params.length)].concat(
    dual.captures.map((_, i) => i >= of.captures.length),
  );
  return writes(dual).some((written, i) => written && isTangent[i] === true);
}

/** The forward-mode code of `of` for the parameters (and captures) in `mask`, itself a gradient where `of` is one. */
export function dualOfAny(program: Program, of: HirFunction, mask: string, summaries: Summaries): Made<HirFunction> {
  if (of.gradientOf !== undefined) return dualGradient(program, of, mask, summaries);
  // What is copied in may use functions of Math as values, too.
  const ready = withPlatformLiterals(prepare(of, program, freshIds(of), summaries));
  const dual = dualFunction(program, ready, mask, summaries);
  return { made: dual.function, diagnostics: dual.diagnostics };
}

/**
 * The forward-mode code of a gradient: of the tangent of `of` it takes the cotangents of the arguments, which are the
 * gradient's tangent, and of the arguments' tangents, which are the gradient itself.
 */
export function dualGradient(program: Program, fn: HirFunction, mask: string, summaries: Summaries): Made<HirFunction> {
  const { of, seed, inputs, arranged, undoes } = fn.gradientOf as GradientOf;
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
  const tangentOfSeed = (s: Seed): Seed => {
    if (typeof s === "number") return 0;
    if ("param" in s) {
      const param = tangentAt.get(s.param);
      return param === undefined ? 0 : { param };
    }
    return { value: tangentOfSeed(s.value), tangent: tangentOfSeed(s.tangent) };
  };
  // Forward-mode code takes a rest parameter as the array that it is.
  const { rest: _, ...shell } = fn;
  const { made, diagnostics } = gradientFunction(
    program,
    { ...shell, key: `${fn.key}$jvp|${mask}`, name: `${fn.name}$jvp`, params, captures },
    {
      of: dual.made,
      seed: { value: tangentOfSeed(seed), tangent: seed },
      inputs: [...inputs, ...tangents],
      ...(undoes === undefined ? {} : { undoes }),
      arranged: {
        fields: [
          [
            "value",
            rearrange(
              arranged,
              (i) => places.get(i) as number,
              (path) => ["value", ...path],
            ),
          ],
          [
            "tangent",
            rearrange(
              arranged,
              (i) => i,
              (path) => ["tangent", ...path],
            ),
          ],
        ],
      },
    },
    summaries,
  );
  return { made, diagnostics: [...dual.diagnostics, ...diagnostics] };
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

/** Which parameters a gradient writes into. */
export function mutatesOf(fn: HirFunction, summaries: Summaries): string {
  const { mutates } = summaries.made(fn);
  return bits(fn.params, (p) => mutates[p] === true);
}
