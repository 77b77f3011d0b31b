/** Differentiation of HIR. */
import { Summaries } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import {
  applicationOf,
  type CallOp,
  type HirFunction,
  type Op,
  type Program,
  passing,
  type Value,
  walk,
} from "../hir/index.ts";
import { independent } from "./independent.ts";
import { type Differential, jvp } from "./jvp.ts";
import { leftover } from "./operators.ts";
import { prepare } from "./prepare.ts";
import type { Site } from "./sites.ts";
import { freshIds, type Sweeps, vjp } from "./vjp.ts";

/** One variant of one function's derivative: a bit per parameter, the receiver first. */
export interface Demand {
  readonly key: string;
  readonly mask: string;
}

/** What is known of a variant, whatever its mode. */
export interface DerivedCode extends Demand {
  readonly name: string;
  readonly file: string;
  /** "v", "r", "u" or "-" per parameter. */
  readonly kinds: string;
  /** Parameters through which the function writes, as a mask. */
  readonly mutates: string;
  /** Variants of statically known callees. */
  readonly demands: readonly Demand[];
  /** Variants that implementations of an interface member need. */
  readonly dynamicDemands: readonly {
    readonly interfaceKey: string;
    readonly mask: string;
    readonly implementations: readonly string[];
  }[];
  readonly diagnostics: readonly Diagnostic[];
  /** Names of active parameters that the result does not depend on; asked for where a program asks for the derivative. */
  readonly independent: () => readonly string[];
  /** Callees that are constructors' bodies: a plain call of one is written `new`. */
  readonly initialisers: ReadonlySet<string>;
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

export { withOperators } from "./operators.ts";

const summaries = new WeakMap<Program, Summaries>();

function summariesOf(program: Program): Summaries {
  let known = summaries.get(program);
  if (known === undefined) {
    known = new Summaries(program);
    summaries.set(program, known);
  }
  return known;
}

/** The reverse-mode derivative of one function; never throws for what the program says, only for defects of ours. */
export function differentiate(program: Program, demand: Demand): DerivedFunction {
  const known = summariesOf(program);
  const lowered = program.lower(demand.key);
  const fn = prepare(lowered, program, freshIds(lowered), known);
  let joint: HirFunction | undefined;
  const split = vjp(program, fn, demand.mask, "split", known);
  const { context } = split;
  const found = new Demands(program);
  const gather = ({ context: c }: Sweeps): void => {
    found.add(c.calls, c.definitions);
    for (const inner of c.inner) gather(inner);
  };
  gather(split);
  return {
    ...demand,
    ...described(program, fn, demand, known),
    ...found.all(),
    mutates: context.activity.aliases.summary.mutates.map((m) => (m ? "1" : "0")).join(""),
    diagnostics: [...again(lowered), ...context.diagnostics],
    // Few functions are asked for both forms.
    get joint() {
      joint ??= vjp(program, fn, demand.mask, "joint", known).functions[0] as HirFunction;
      return joint;
    },
    forward: split.functions[0] as HirFunction,
    backward: split.functions[1] as HirFunction,
  };
}

/** The forward-mode derivative of one function. */
export function differentiateForward(program: Program, demand: Demand): ForwardFunction {
  const known = summariesOf(program);
  const lowered = program.lower(demand.key);
  const fn = prepare(lowered, program, freshIds(lowered), known);
  const derived = jvp(program, fn, demand.mask, known);
  const found = new Demands(program);
  const gather = ({ calls, definitions, inner }: Differential): void => {
    found.add(calls, definitions);
    for (const each of inner) gather(each);
  };
  gather(derived);
  return {
    ...demand,
    ...described(program, fn, demand, known),
    ...found.all(),
    mutates: derived.mutates,
    diagnostics: [...again(lowered), ...derived.diagnostics],
    jvp: derived.function,
  };
}

/** What stands in the way of differentiating an operator's result. */
function again(fn: HirFunction): Diagnostic[] {
  const left = applicationOf(fn.key) === undefined ? undefined : leftover(fn);
  if (left === undefined) return [];
  return [
    {
      code: "PB3014",
      severity: "error",
      message: `A derivative that passes through ${left.text} cannot be differentiated again.`,
      span: left.span,
      notes: [],
      hint: "Second derivatives go through code of this file without recursion, dynamic calls and registered derivatives.",
    },
  ];
}

function described(
  program: Program,
  fn: HirFunction,
  { mask }: Demand,
  known: Summaries,
): Pick<DerivedCode, "name" | "file" | "kinds" | "initialisers" | "independent"> {
  const initialisers = new Set<string>();
  walk(fn.body, (op) => {
    if (op.kind !== "call" || op.callee.kind !== "known") return;
    if (program.lower(op.callee.key).kind === "initialiser") initialisers.add(op.callee.key);
  });
  return {
    name: fn.name,
    file: fn.file,
    kinds: fn.params.map((p) => passing(p.type)).join(""),
    initialisers,
    independent: () => independent(fn, mask, known).map((i) => fn.params[i]?.name ?? `parameter ${i}`),
  };
}

/** The variants that a derivative calls. */
class Demands {
  private readonly program: Program;
  private readonly known = new Map<string, Demand>();
  private readonly dynamic: { interfaceKey: string; mask: string; implementations: readonly string[] }[] = [];

  constructor(program: Program) {
    this.program = program;
  }

  add(calls: ReadonlyMap<CallOp, { readonly site: Site }>, definitions: ReadonlyMap<Value, Op>): void {
    for (const [{ callee, args }, { site }] of calls) {
      if (callee.kind === "known") this.demand(callee.key, site.mask);
      if (callee.kind === "dynamic") {
        this.dynamic.push({ interfaceKey: callee.key, mask: site.mask, implementations: callee.implementations });
      }
      // A function passed by name is called through its carrier, and so is one that a constant of the module holds.
      for (const a of args) {
        let made = definitions.get(a);
        const isLoaded = made?.kind === "load";
        while (made?.kind === "load") made = definitions.get(made.object);
        if (made?.kind !== "global") continue;
        if (!isLoaded && made.functionKey !== undefined) this.demandWhole(made.functionKey);
        for (const key of made.holds ?? []) this.demandWhole(key);
      }
    }
  }

  private demandWhole(key: string): void {
    this.demand(
      key,
      this.program
        .lower(key)
        .params.map((p) => (passing(p.type) === "-" ? "0" : "1"))
        .join(""),
    );
  }

  private demand(key: string, mask: string): void {
    this.known.set(`${key}|${mask}`, { key, mask });
  }

  all(): Pick<DerivedCode, "demands" | "dynamicDemands"> {
    return { demands: [...this.known.values()], dynamicDemands: this.dynamic };
  }
}
