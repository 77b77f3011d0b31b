/** What two branches of a program leave behind, merged into one state: variables, pending exits, results. */
import { Builder, booleanType, joined, type Region, type Type, type Value } from "../../hir/index.ts";
import type { Environment, Exit, Flag } from "./environment.ts";
import type { Lowering } from "./lowering.ts";

export interface Branch {
  readonly region: Region;
  environment: Environment;
  value: Value | undefined;
}

/** Emits the `if` that consists of two lowered branches; the state becomes what holds after it. */
export function merge(s: Lowering, condition: Value, a: Branch, b: Branch, type: Type | undefined): Value | undefined {
  const before = s.environment;
  const results: Value[] = [];
  const after = before.copy();
  const sides = [a, b].filter((side) => !side.environment.diverged);
  const join = (va: Value, vb: Value, name: string | undefined, joinedType: (() => Type) | undefined): Value => {
    if (!a.environment.diverged) a.region.results.push(va);
    if (!b.environment.diverged) b.region.results.push(vb);
    const merged = s.builder.value(joinedType?.() ?? (va === vb ? va.type : joined(va.type, vb.type)), name);
    results.push(merged);
    return merged;
  };
  let value: Value | undefined;
  if (sides.length > 0) {
    const first = sides[0]!.environment;
    const second = sides.at(-1)!.environment;
    for (const variable of before.variables.keys()) {
      const va = first.variables.get(variable);
      const vb = second.variables.get(variable);
      if (va === undefined || vb === undefined) {
        after.variables.delete(variable);
        continue;
      }
      if (va === vb && va === before.variables.get(variable)) continue;
      const merged = join(va, vb, s.nameOf(variable), () => s.mergedType(variable, va, vb));
      after.variables.set(variable, merged);
    }
    for (const exit of before.flags.keys()) {
      // A place that was closed while a guard was open.
      if (!s.exits.includes(exit)) {
        after.flags.delete(exit);
        continue;
      }
      const fa = first.flags.get(exit)!;
      const fb = second.flags.get(exit)!;
      if (fa === fb && (typeof fa === "boolean" || fa === before.flags.get(exit))) after.flags.set(exit, fa);
      else {
        const merged = join(
          materialise(s, sides[0]!, fa),
          materialise(s, sides.at(-1)!, fb),
          "done",
          () => booleanType,
        );
        after.flags.set(exit, merged);
      }
    }
    for (const exit of s.exits) {
      const ra = first.results.get(exit);
      const rb = second.results.get(exit);
      if (ra === undefined && rb === undefined) continue;
      if (ra === rb && ra === before.results.get(exit)) continue;
      const va = ra ?? missing(s, sides[0]!, exit);
      const vb = rb ?? missing(s, sides.at(-1)!, exit);
      after.results.set(exit, join(va, vb, "result", exit.result === undefined ? undefined : () => exit.result!));
    }
    const wa = sides[0]!.value;
    const wb = sides.at(-1)!.value;
    if (wa !== undefined && wb !== undefined)
      value = join(wa, wb, undefined, type === undefined ? undefined : () => type);
  } else after.diverged = true;
  // biome-ignore lint/suspicious/noThenProperty: a branch, never awaited
  s.builder.emit({ kind: "if", condition, then: a.region, else: b.region, span: s.builder.span, results });
  s.environment = after;
  if (after.diverged) s.diverge();
  return value;
}

/** A flag as a value inside a branch. */
function materialise(s: Lowering, branch: Branch, flag: Flag): Value {
  if (typeof flag !== "boolean") return flag;
  return new Builder(branch.region.ops, s.ids, s.builder.span).const(flag, booleanType);
}

/** What stands for a function's result where it has not returned yet; never read. */
function missing(s: Lowering, branch: Branch, exit: Exit): Value {
  return placeholder(new Builder(branch.region.ops, s.ids, s.builder.span), exit);
}

/** What stands for the result of an exit that was not taken; never read. */
export function placeholder(builder: Builder, exit: Exit): Value {
  return exit.result?.kind === "number" ? builder.const(0, exit.result) : builder.const(undefined);
}
