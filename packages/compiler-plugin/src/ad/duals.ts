/**
 * Forward-mode code as a function of the program: what it calls are calls again, so that it can be differentiated like
 * any other. A function of this program is called by the key of its own forward-mode code; one that is found at run
 * time is a function value; a registered `jvp` is called, and then its differential.
 */
import type { Summaries } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import {
  Builder,
  type Callee,
  type ClosureOp,
  dualKey,
  type HirFunction,
  isNumeric,
  mapOp,
  type Op,
  type Program,
  passing,
  type Region,
  type StructType,
  type SweepOp,
  type Type,
  type Value,
} from "../hir/index.ts";
import { optimize } from "../opt/index.ts";
import { shadowType } from "./forward.ts";
import { jvp } from "./jvp.ts";
import { freshIds } from "./vjp.ts";

/** A function found at run time that carries what its forward-mode code is derived by. */
const carryingType: Type = { kind: "function", text: "DifferentiableFunction" };

interface DualFunction {
  readonly function: HirFunction;
  readonly diagnostics: readonly Diagnostic[];
}

/** The forward-mode code of a function, for the parameters and captures in `mask`, as a function to differentiate. */
export function dualFunction(program: Program, fn: HirFunction, mask: string, summaries: Summaries): DualFunction {
  const derived = jvp(program, fn, mask, summaries);
  const { length } = fn.params;
  return {
    function: { ...withCalls(derived.function), key: dualKey({ of: fn.key, mask: mask.slice(0, length) }) },
    diagnostics: derived.diagnostics,
  };
}

/** The same function with calls in place of the sweeps of forward mode. */
export function withCalls(fn: HirFunction): HirFunction {
  const found = new Map<Value, Found>();
  const ids = freshIds(fn);
  const region = (r: Region): Region => {
    const ops: Op[] = [];
    for (const op of r.ops) {
      const b = new Builder(ops, ids, op.span);
      if (op.kind === "sweep" && op.sweep === "jvp") called(b, op, found);
      else if (op.kind === "closure") carried(b, op);
      else if (op.kind === "runtime" && (op.fn === "jvp" || op.fn === "methodJvp")) {
        const before = op.results[0] as Value;
        // In code that was made by this function already, plain calls may read it too.
        const code: Value = before.type === carryingType ? before : { ...before, type: carryingType };
        found.set(before, { code, target: op.args[0] as Value });
        // Code of code: of the third order.
        ops.push({ ...op, args: op.args.map((a) => found.get(a)?.code ?? a), results: [code] });
      } else ops.push(mapOp(op, (v) => v, region));
    }
    return { ...r, ops };
  };
  return optimize({ ...fn, body: region(fn.body) });
}

/** Code found at run time, and the function that it belongs to. */
interface Found {
  readonly code: Value;
  readonly target: Value;
}

function called(b: Builder, op: SweepOp, found: ReadonlyMap<Value, Found>): void {
  const { callee, mask, variant, span, results } = op;
  const call = (to: Callee, args: readonly Value[]) => {
    const plain = { kind: "call", callee: to, args, effects: true, span } as const;
    const [dual, ...caught] = results as [Value, ...Value[]];
    if (op.catches !== true) {
      b.emit({ ...plain, results });
      return;
    }
    const made: Value = { ...dual, id: b.ids.next++ };
    b.emit({ ...plain, catches: true, results: [made, ...caught] });
    unlessThrown(b, op, () => made);
  };
  if (variant === undefined) {
    if (callee.kind !== "known") throw new Error("Compiler defect: forward-mode code of an unknown function.");
    call({ ...callee, key: dualKey({ of: callee.key, mask }) }, op.args);
    return;
  }
  const { code, target } = found.get(variant) as Found;
  if (callee.kind === "registered") byRule(b, op, callee, target);
  else call({ kind: "value", code: { of: callee, mask } }, [code, ...op.args]);
}

/** What a call that may have thrown made: nothing can be read from what threw. */
function unlessThrown(b: Builder, op: SweepOp, made: (inner: Builder) => Value): void {
  const [dual, thrown] = op.results as [Value, Value];
  const nothing = (inner: Builder) => {
    const entries = [...(dual.type as StructType).fields()].map(([key, type]) => ({
      key,
      value: isNumeric(type) ? inner.const(0) : inner.const(undefined),
    }));
    return [inner.object(entries, dual.type)];
  };
  const [merged] = b.if(thrown, nothing, (inner) => [made(inner)]);
  const last = b.ops.pop() as Extract<Op, { kind: "if" }>;
  b.ops.push({ ...last, results: [dual] });
  if (merged === undefined) throw new Error("Compiler defect: a branch without result.");
}

/** What the runtime does with a registered `jvp`, written out: the rule, then its differential. */
function byRule(b: Builder, op: SweepOp, callee: Callee & { kind: "registered" }, target: Value): void {
  const { mask, args } = op;
  const dual = op.results[0] as Value;
  const type = (dual.type as StructType).fields().get("value") as Type;
  const fields = new Map([
    ["value", type],
    ["differential", carryingType],
  ]);
  const ruled: StructType = { kind: "struct", name: "{ … }", fields: () => fields };
  const given = args.slice(0, mask.length);
  const rule = b.runtime("rule", [target], carryingType, { name: "rule" });
  const toRule = { kind: "value", code: { of: callee, mask, rule: "jvp" } } as const;
  const both = (s: Builder, made: Value) => bothOf(s, op, callee, made);
  if (op.catches !== true) {
    const made = b.call(toRule, [rule, ...given], ruled, { effects: true, name: "ruled" });
    const { value, tangent } = both(b, made);
    b.emit({
      kind: "object",
      entries: [
        { key: "value", value },
        { key: "tangent", value: tangent },
      ],
      span: op.span,
      results: [dual],
    });
    return;
  }
  const made = b.value(ruled, "ruled");
  const args_ = [rule, ...given];
  b.emit({
    kind: "call",
    callee: toRule,
    args: args_,
    effects: true,
    catches: true,
    span: op.span,
    results: [made, ...op.results.slice(1)],
  });
  unlessThrown(b, op, (s) => {
    const { value, tangent } = both(s, made);
    return s.object(
      [
        { key: "value", value },
        { key: "tangent", value: tangent },
      ],
      dual.type,
    );
  });
}

/** Value and tangent from what a rule returned. */
function bothOf(b: Builder, { mask, args, results }: SweepOp, callee: Callee & { kind: "registered" }, made: Value) {
  const type = ((results[0] as Value).type as StructType).fields().get("value") as Type;
  const given = args.slice(0, mask.length);
  const tangents = args.slice(mask.length);
  const value = b.load(made, "value", { type, readonly: true });
  const differential = b.load(made, "differential", { type: carryingType, readonly: true, name: "differential" });
  const entries = callee.wrt.map((p) => {
    const at = mask[p] === "1" ? [...mask.slice(0, p)].filter((bit) => bit === "1").length : -1;
    return entry(b, given[p], at < 0 ? undefined : tangents[at]);
  });
  const code = { of: callee, mask, rule: "differential" } as const;
  const slope = b.call({ kind: "value", code }, [differential, ...entries], shadowType(type), { effects: true });
  return { value, tangent: passing(type) === "v" && !mayBeNumber(type) ? slope : tree(b, value, slope) };
}

/** A tangent as a rule takes it: a number for a number, all of it for an object, nothing for what does not vary. */
function entry(b: Builder, argument: Value | undefined, tangent: Value | undefined): Value {
  if (argument === undefined) return b.const(undefined);
  if (tangent === undefined) {
    if (isNumeric(argument.type)) return b.const(0);
    return mayBeNumber(argument.type) ? tree(b, argument, b.const(undefined, argument.type)) : b.const(undefined);
  }
  return argument.type.kind === "leaf" || isNumeric(argument.type) ? tangent : tree(b, argument, tangent);
}

/** A tangent with every zero in its place. */
function tree(b: Builder, value: Value, tangent: Value): Value {
  return b.runtime("tree", [value, tangent], shadowType(value.type));
}

function mayBeNumber(type: Type): boolean {
  if (type.kind === "union") return type.members.some(mayBeNumber);
  return type.kind === "number" || type.kind === "unknown";
}

/** A literal with forward-mode code: the code is a literal of its own, which the literal carries. */
function carried(b: Builder, op: ClosureOp): void {
  const { derivative, ...plain } = op;
  const code = derivative?.codes.find(({ sweep }) => sweep === "jvp");
  if (derivative === undefined || code === undefined) {
    b.emit({ ...op, function: withCalls(op.function) });
    return;
  }
  const result = op.results[0] as Value;
  const bare: Value = { ...result, id: b.ids.next++ };
  b.emit({ ...plain, results: [bare] });
  const dual = b.closure(withCalls(code.function), code.captures, carryingType);
  const { kinds, mask } = derivative;
  b.emit({
    kind: "runtime",
    fn: "withCode",
    args: [bare, b.const(kinds), b.const(mask), dual],
    effects: false,
    span: op.span,
    results: [result],
  });
}
