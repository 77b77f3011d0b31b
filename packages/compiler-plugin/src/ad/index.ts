/** Differentiation of HIR. */
import { bodyThrowsFirst, type Summaries } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import { type HirFunction, type Program, passing } from "../hir/index.ts";
import { type Demand, demandsOf, initialisersIn, type ModeDemand } from "./demands.ts";
import { acts, isDerivative } from "./effects.ts";
import { independent } from "./independent.ts";
import { jvp } from "./jvp.ts";
import { prepare } from "./prepare.ts";
import { recorded } from "./recorded.ts";
import { summariesOf } from "./summaries.ts";
import { freshIds, vjp } from "./vjp.ts";

export type { Demand, Mode, ModeDemand } from "./demands.ts";

/** What is known of a variant, whatever its mode. */
export interface DerivedCode extends Demand {
  readonly name: string;
  readonly file: string;
  /** "v", "r", "u" or "-" per parameter. */
  readonly kinds: string;
  /** Parameters through which the function writes, as a mask. */
  readonly mutates: string;
  /** Whether the function may throw after it has changed something. */
  readonly changesFirst: boolean;
  /** Code of other functions that it calls, as far as they are seen. */
  readonly demands: readonly ModeDemand[];
  readonly diagnostics: readonly Diagnostic[];
  /** Names of active parameters that the result does not depend on; asked for where a program asks for the derivative. */
  readonly independent: () => readonly string[];
  /** Callees that are constructors' bodies: a plain call of one is written `new`. */
  readonly initialisers: ReadonlySet<string>;
  /** It has an effect on the world: there is to be a form of it that writes that down. */
  readonly acts: boolean;
}

/** Reverse mode. */
export interface DerivedFunction extends DerivedCode {
  readonly joint: HirFunction;
  readonly forward: HirFunction;
  readonly backward: HirFunction;
}

/** Forward mode. */
export interface ForwardFunction extends DerivedCode {
  readonly jvp: HirFunction;
}

export { conductOf } from "./conduct.ts";
export { ruleMask } from "./demands.ts";
export { withOperators } from "./operators.ts";

/** The reverse-mode derivative of one function; never throws for what the program says, only for defects of ours. */
export function differentiate(program: Program, demand: Demand): DerivedFunction {
  const known = summariesOf(program);
  const lowered = program.lower(demand.key);
  const fn = prepare(lowered, program, freshIds(lowered), known);
  let joint: HirFunction | undefined;
  const { functions: made, diagnostics, mutates } = vjp(program, fn, demand.mask, "split", known);
  const functions = recorded(program, fn, made, known);
  return {
    ...demand,
    ...described(program, fn, demand, known, functions),
    mutates,
    diagnostics,
    // Few functions are asked for both forms.
    get joint() {
      joint ??= recorded(program, fn, vjp(program, fn, demand.mask, "joint", known).functions, known)[0];
      return joint as HirFunction;
    },
    forward: functions[0] as HirFunction,
    backward: functions[1] as HirFunction,
  };
}

/** The forward-mode derivative of one function. */
export function differentiateForward(program: Program, demand: Demand): ForwardFunction {
  const known = summariesOf(program);
  const lowered = program.lower(demand.key);
  const fn = prepare(lowered, program, freshIds(lowered), known);
  const { function: made, diagnostics, mutates } = jvp(program, fn, demand.mask, known);
  const [dual] = recorded(program, fn, [made], known) as [HirFunction];
  return { ...demand, ...described(program, fn, demand, known, [dual]), mutates, diagnostics, jvp: dual };
}

function described(
  program: Program,
  fn: HirFunction,
  { mask }: Demand,
  known: Summaries,
  functions: readonly HirFunction[],
): Pick<DerivedCode, "name" | "file" | "kinds" | "changesFirst" | "initialisers" | "demands" | "independent" | "acts"> {
  return {
    name: fn.name,
    file: fn.file,
    kinds: fn.params.map((p) => passing(p.type)).join(""),
    changesFirst: !bodyThrowsFirst(fn.body, program),
    initialisers: initialisersIn(program, [fn, ...functions]),
    demands: demandsOf(program, functions),
    acts: !isDerivative(fn.key) && fn.kind !== "initialiser" && acts(program, fn) === true,
    independent: () => independent(fn, mask, known).map((i) => fn.params[i]?.name ?? `parameter ${i}`),
  };
}
