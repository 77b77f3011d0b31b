/** Which code of other functions a derivative calls: read off the functions that it consists of. */
import { throwsFirst } from "../analysis/index.ts";
import {
  type Callee,
  type CallOp,
  type ClosureOp,
  definitionsOf,
  dualKey,
  dualOf,
  type HirFunction,
  type Op,
  type Program,
  passing,
  type SweepOp,
  settledKey,
  type Value,
  walk,
} from "../hir/index.ts";

/** Which way a function is differentiated: the sweeps of reverse mode, or forward mode's one function. */
export type Mode = "reverse" | "forward";

/** One variant of one function's derivative: a bit per parameter, the receiver first. */
export interface Demand {
  readonly key: string;
  readonly mask: string;
}

export interface ModeDemand extends Demand {
  readonly mode: Mode;
  /** The function itself, in the form that writes its effects down: its mask is empty. */
  readonly primal?: true;
}

export function demandsOf(program: Program, functions: readonly HirFunction[]): ModeDemand[] {
  const found = new Map<string, ModeDemand>();
  const demand = (key: string, mask: string, mode: Mode) => found.set(`${key}|${mask}|${mode}`, { key, mask, mode });
  for (const fn of functions) {
    visit(fn, (op, definitions) => {
      if (op.kind === "sweep") {
        if (op.sweep === "backward") return;
        if (op.primal === true && op.callee.kind === "known") {
          const { key } = op.callee;
          found.set(`${key}|primal`, { key, mask: op.mask, mode: "forward", primal: true });
          return;
        }
        const mode = op.sweep === "jvp" ? "forward" : "reverse";
        for (const key of keysOf(program, op.callee))
          demand(op.settled === true ? settledKey(key) : key, fitted(program, key, op), mode);
        // A function passed by name is called through its carrier.
        for (const key of passed(op.args, definitions)) {
          let named = key;
          for (let k = orderOf(op.callee); k > 0; k--) named = dualKey({ of: named, mask: fullMask(program, named) });
          demand(named, fullMask(program, named), mode);
          // Whoever it is given to may call it in a try.
          if (mode === "reverse" && !throwsFirst({ kind: "known", key: named, text: "", file: "" }, program))
            demand(settledKey(named), fullMask(program, named), mode);
        }
        const code = op.variant === undefined ? undefined : foundAs(op.variant, definitions);
        for (const key of code?.keys ?? []) {
          let named = key;
          for (let k = code?.order ?? 0; k > (mode === "forward" ? 1 : 0); k--)
            named = dualKey({ of: named, mask: fullMask(program, named) });
          demand(named, fullMask(program, named), mode);
        }
      } else if (op.kind === "call") {
        const { callee } = op;
        const dual = callee.kind === "known" ? dualOf(callee.key) : undefined;
        if (dual !== undefined) demand(dual.of, dual.mask, "forward");
        if (callee.kind !== "value" || callee.code === undefined || callee.code.rule !== undefined) return;
        const { of, mask } = callee.code;
        for (const key of keysOf(program, of)) demand(key, fit(program, key, mask), "forward");
      }
    });
  }
  return [...found.values()];
}

function visit(fn: HirFunction, see: (op: Op, definitions: ReadonlyMap<Value, Op>) => void): void {
  const definitions = definitionsOf(fn.body);
  walk(fn.body, (op) => {
    see(op, definitions);
    if (op.kind === "closure") for (const inner of within(op)) visit(inner, see);
  });
}

/** The functions that a literal in a derivative consists of. */
function within(op: ClosureOp): readonly HirFunction[] {
  return [op.function, ...(op.derivative?.codes.map((code) => code.function) ?? [])];
}

/** Callees that are constructors' bodies: a plain call of one is written `new`. */
export function initialisersIn(program: Program, functions: readonly HirFunction[]): Set<string> {
  const found = new Set<string>();
  for (const fn of functions) {
    visit(fn, (op) => {
      if (op.kind !== "call" || op.callee.kind !== "known") return;
      if (program.lower(op.callee.key).kind === "initialiser") found.add(op.callee.key);
    });
  }
  return found;
}

/** The functions of the program that a call may reach. */
function keysOf(program: Program, callee: Callee): readonly string[] {
  switch (callee.kind) {
    case "known":
      return [callee.key];
    case "dynamic":
      return callee.implementations;
    case "value": {
      const { code } = callee;
      if (code === undefined || code.rule === "differential") return [];
      if (code.rule === "jvp")
        return code.of.kind === "registered" && code.of.jvpKey !== undefined ? [code.of.jvpKey] : [];
      return keysOf(program, code.of).map((of) => dualKey({ of, mask: fit(program, of, code.mask) }));
    }
    default:
      return [];
  }
}

/** How often forward mode has been applied to what a call reaches. */
function orderOf(callee: Callee): number {
  if (callee.kind === "known") {
    const dual = dualOf(callee.key);
    return dual === undefined ? 0 : 1 + orderOf({ ...callee, key: dual.of });
  }
  const code = callee.kind === "value" ? callee.code : undefined;
  if (code === undefined) return 0;
  return (code.rule === undefined ? 1 : 0) + orderOf(code.of);
}

/** The parameters of a registered `jvp` that its derivative is for: those of its target's `wrt` that have a tangent. */
export function ruleMask({ params }: HirFunction, wrt: readonly number[]): string {
  return params.map((p, i) => (wrt.includes(i) && passing(p.type) !== "-" ? "1" : "0")).join("");
}

/** The mask of a call, for a function that may take fewer or more parameters. */
function fit(program: Program, key: string, mask: string): string {
  return program
    .lower(key)
    .params.map((p, i) => (passing(p.type) === "-" ? "0" : (mask[i] ?? "0")))
    .join("");
}

function fitted(program: Program, key: string, { callee, mask }: SweepOp): string {
  if (callee.kind === "known") return mask;
  const code = callee.kind === "value" ? callee.code : undefined;
  // One derivative of a rule serves all its calls.
  if (code?.rule === "jvp" && code.of.kind === "registered") {
    return ruleMask(program.lower(key), code.of.wrt);
  }
  const dual = dualOf(key);
  if (code === undefined || code.rule !== undefined || dual === undefined) return fit(program, key, mask);
  // The tangents of a call's arguments follow them, those of the function's parameters the parameters.
  const given = [...code.mask];
  const tangents = mask.slice(given.length);
  const rank = (p: number) => given.slice(0, p).filter((bit) => bit === "1").length;
  const own = [...dual.mask].flatMap((bit, p) =>
    bit === "1" ? [given[p] === "1" ? (tangents[rank(p)] ?? "0") : "0"] : [],
  );
  return fit(program, dual.of, mask.slice(0, given.length)) + own.join("");
}

function fullMask(program: Program, key: string): string {
  return program
    .lower(key)
    .params.map((p) => (passing(p.type) === "-" ? "0" : "1"))
    .join("");
}

/** The named functions whose code is looked up, through checkpoints, and how often their forward-mode code is asked for. */
function foundAs(
  code: Value,
  definitions: ReadonlyMap<Value, Op>,
): { keys: readonly string[]; order: number } | undefined {
  const made = definitions.get(code);
  const checkpoint =
    made?.kind === "call" && made.callee.kind === "inert" && made.callee.operator?.name === "checkpoint";
  if (made?.kind !== "runtime" && !checkpoint) return { keys: passed([code], definitions), order: 0 };
  const found = foundAs(made.args[0] as Value, definitions);
  return found && made.kind === "runtime" && made.fn === "jvp" ? { ...found, order: found.order + 1 } : found;
}

/** Functions of the program among arguments: by name, or held by a constant of the module. */
function passed(args: CallOp["args"], definitions: ReadonlyMap<Value, Op>): string[] {
  return args.flatMap((a) => {
    let made = definitions.get(a);
    const isLoaded = made?.kind === "load";
    while (made?.kind === "load") made = definitions.get(made.object);
    if (made?.kind !== "global") return [];
    return [...(isLoaded || made.functionKey === undefined ? [] : [made.functionKey]), ...(made.holds ?? [])];
  });
}
