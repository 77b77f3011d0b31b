/** Differentiation of HIR. */
import { Summaries } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import { type HirFunction, type Program, passing, walk } from "../hir/index.ts";
import { prepare } from "./prepare.ts";
import { freshIds, type Sweeps, vjp } from "./vjp.ts";

/** One variant of one function's derivative: a bit per parameter, the receiver first. */
export interface Demand {
  readonly key: string;
  readonly mask: string;
}

export interface DerivedFunction extends Demand {
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
  /** Callees that are constructors' bodies: a plain call of one is written `new`. */
  readonly initialisers: ReadonlySet<string>;
  readonly joint: HirFunction;
  readonly forward: HirFunction;
  readonly backward: HirFunction;
}

const summaries = new WeakMap<Program, Summaries>();

/** The reverse-mode derivative of one function; never throws for what the program says, only for defects of ours. */
export function differentiate(program: Program, demand: Demand): DerivedFunction {
  let known = summaries.get(program);
  if (known === undefined) {
    known = new Summaries(program);
    summaries.set(program, known);
  }
  const lowered = program.lower(demand.key);
  const fn = prepare(lowered, program, freshIds(lowered));
  const joint = vjp(program, fn, demand.mask, "joint", known);
  const split = vjp(program, fn, demand.mask, "split", known);
  const { context } = split;
  const demands = new Map<string, Demand>();
  const dynamicDemands: { interfaceKey: string; mask: string; implementations: readonly string[] }[] = [];
  const gather = ({ context: c }: Sweeps): void => {
    for (const [op, { site }] of c.calls) {
      const { callee } = op;
      if (callee.kind === "known") demands.set(`${callee.key}|${site.mask}`, { key: callee.key, mask: site.mask });
      if (callee.kind === "dynamic") {
        dynamicDemands.push({ interfaceKey: callee.key, mask: site.mask, implementations: callee.implementations });
      }
      // A function passed by name is called through its carrier.
      for (const a of op.args) {
        const made = c.definitions.get(a);
        if (made?.kind !== "global" || made.functionKey === undefined) continue;
        const target = program.lower(made.functionKey);
        const mask = target.params.map((p) => (passing(p.type) === "-" ? "0" : "1")).join("");
        demands.set(`${made.functionKey}|${mask}`, { key: made.functionKey, mask });
      }
    }
    for (const inner of c.inner) gather(inner);
  };
  gather(split);
  const initialisers = new Set<string>();
  walk(fn.body, (op) => {
    if (op.kind !== "call" || op.callee.kind !== "known") return;
    if (program.lower(op.callee.key).kind === "initialiser") initialisers.add(op.callee.key);
  });
  return {
    ...demand,
    initialisers,
    name: fn.name,
    file: fn.file,
    kinds: fn.params.map((p) => passing(p.type)).join(""),
    mutates: context.activity.aliases.summary.mutates.map((m) => (m ? "1" : "0")).join(""),
    demands: [...demands.values()],
    dynamicDemands,
    diagnostics: context.diagnostics,
    joint: joint.functions[0] as HirFunction,
    forward: split.functions[0] as HirFunction,
    backward: split.functions[1] as HirFunction,
  };
}
