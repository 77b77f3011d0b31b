/**
 * Activity: a value is *varied* when it depends on an active parameter, *useful* when the result depends on it, and
 * *active* when both (Hascoët, Naumann and Pascual 2005, "To be recorded analysis in reverse-mode automatic
 * differentiation", section 2). Memory is judged by alias class. One forward and one backward fixpoint.
 */
import type { CallOp, HirFunction, Op, Value } from "../hir/index.ts";
import { caughtBy, changesCotangent, onlySpeaks, passing, slotKey, walk } from "../hir/index.ts";
import type { Aliases } from "./aliases.ts";
import { aliases, handedOn, mayHide, pointsToMemory, type Summaries, spreadsFreely } from "./aliases.ts";
import { find, type MemoryClass, mark, reachable, slot } from "./memory.ts";

export interface Activity {
  readonly aliases: Aliases;
  /** By-value part: the value needs an adjoint. */
  active(value: Value): boolean;
  varied(value: Value): boolean;
  useful(value: Value): boolean;
  /** By-reference part: something reachable from the value is active, so that it needs a shadow. */
  shadowed(value: Value): boolean;
  /** An object without tangent (a Set, an iterator, an error) through which something active travels. */
  hides(value: Value): boolean;
  /** A text that was made of varied values. */
  spells(value: Value): boolean;
  /** Content of one slot is active. */
  slotActive(object: Value, name: string): boolean;
  /** The result, or memory that the call writes, is useful. */
  callUseful(call: CallOp): boolean;
  callVaried(call: CallOp): boolean;
  /** A function value that an active call may reach. */
  calledActively(value: Value): boolean;
  /** What a rule returned, whose differential an active call reaches. */
  differentialCalled(ruled: Value): boolean;
  /** Made by an `allocate` of this function. */
  allocated(object: Value): boolean;
  /** Nothing writes the slot once the object is made, as far as this function and its callees go. */
  constant(object: Value, name: string): boolean;
}

/** Prims and Math functions whose derivative is zero wherever it exists. */
export const flat = new Set([
  "floor",
  "ceil",
  "round",
  "trunc",
  "sign",
  "clz32",
  "random",
  "&",
  "|",
  "^",
  "~",
  "<<",
  ">>",
  ">>>",
]);

const arithmetic = new Set(["+", "-", "*", "/", "%", "**", "neg"]);

/** Operators that hand one of their operands on. */
const selecting = new Set(["&&", "||", "??"]);

/** Names of autodiff's functions at which activity stops. */
export function stopsActivity(call: CallOp): boolean {
  const { callee } = call;
  if (callee.kind !== "inert") return false;
  // What a leaf says of itself (a shape, a type of element) is not differentiable: its value is the leaf.
  if (callee.accessor === "get") return call.args[0]?.type.kind === "leaf";
  return callee.stops === true || /(^|\.)withoutDerivative$/.test(callee.text);
}

/** What of a call depends on its varied arguments: the result, what it writes through its arguments. */
interface Outcome {
  readonly result: boolean;
  readonly params: readonly boolean[];
}

/** Outcomes under way, by program: in a cycle everything varies. */
const open = new WeakMap<Summaries["program"], Set<string>>();

/** Outcome of a function of the program for given varied parameters. */
function outcomeOf(key: string, bits: readonly boolean[], summaries: Summaries): Outcome {
  const fn = summaries.program.lower(key);
  // Arguments of a rest parameter stand one by one in calls that are not prepared yet.
  const folded = fn.params.map((_, i) => (i === fn.rest ? bits.slice(i).some(Boolean) : bits[i] === true));
  const mask = folded.map(Number).join("");
  const id = `outcome ${mask} ${key}`;
  const underWay = open.get(summaries.program) ?? new Set();
  open.set(summaries.program, underWay);
  if (underWay.has(id)) return { result: true, params: summaries.of(key, fn.params.length).mutates };
  const compute = (): Outcome => {
    underWay.add(id);
    try {
      // By its key: another revision of the program has another function.
      const current = summaries.program.lower(key);
      const { mutates } = summaries.of(key, current.params.length);
      // What a gradient depends on does not stand in its operations.
      if (current.gradientOf !== undefined) return { result: mask.includes("1"), params: mutates };
      const inner = activity(current, mask, summaries);
      const result = current.body.results[0];
      return {
        result: result !== undefined && inner.varied(result),
        params: current.params.map((p, i) => mutates[i] === true && inner.varied(p)),
      };
    } finally {
      underWay.delete(id);
    }
  };
  const same = (a: Outcome, b: Outcome) => a.result === b.result && a.params.join() === b.params.join();
  return summaries.memo.get(id, compute, same);
}

export function activity(fn: HirFunction, mask: string, summaries: Summaries): Activity {
  const alias = aliases(fn, summaries);
  const { classOf } = alias;
  const variedValues = new Set<Value>();
  const usefulValues = new Set<Value>();
  const texts = new Set<Value>();
  let changed = true;

  const add = (set: Set<Value>, v: Value | undefined) => {
    if (v === undefined || set.has(v) || !byValue(v)) return;
    set.add(v);
    changed = true;
  };
  const set = (c: MemoryClass, flag: "varied" | "useful") => {
    const root = find(c);
    if (root[flag]) return;
    root[flag] = true;
    changed = true;
  };
  const deep = (v: Value | undefined, flag: "deepVaried" | "deepUseful") => {
    if (v !== undefined && holds(v) && mark(classOf(v), flag)) changed = true;
  };
  const isVaried = (c: MemoryClass) => find(c).varied || find(c).deepVaried;
  const isUseful = (c: MemoryClass) => find(c).useful || find(c).deepUseful;
  const any = (v: Value | undefined, test: (c: MemoryClass) => boolean) =>
    v !== undefined && holds(v) && [...reachable(classOf(v))].some(test);
  const contentVaried = (v: Value) => variedValues.has(v) || texts.has(v) || any(v, isVaried);
  const spell = (op: Op, varied: boolean) => {
    const [result] = op.results;
    if (!varied || result?.type.kind !== "inert" || result.type.text !== "string" || texts.has(result)) return;
    texts.add(result);
    changed = true;
  };
  const contentUseful = (v: Value | undefined) => v !== undefined && (usefulValues.has(v) || any(v, isUseful));

  const activeArguments = (call: CallOp): readonly Value[] => {
    const { callee } = call;
    if (stopsActivity(call)) return [];
    if (callee.kind === "registered") return call.args.filter((_, i) => callee.wrt.includes(i));
    return call.args;
  };
  const nothing: Outcome = { result: false, params: [] };
  const outcome = (call: CallOp): Outcome => {
    const { callee } = call;
    if (stopsActivity(call) || !activeArguments(call).some(contentVaried)) return nothing;
    const { type } = call.results[0]!;
    const kind = mayHide(type) ? "r" : passing(type);
    const everything = { result: kind !== "-", params: alias.mutated(call) };
    const keys = callee.kind === "known" ? [callee.key] : callee.kind === "dynamic" ? callee.implementations : [];
    if (keys.length === 0 || spreadsFreely(call, summaries)) return everything;
    const bits = call.args.map(contentVaried);
    const each = keys.map((key) => outcomeOf(key, bits, summaries));
    return {
      result: kind !== "-" && each.some((o) => o.result),
      params: call.args.map((_, i) => each.some((o) => o.params[i] === true)),
    };
  };
  const callVaried = (call: CallOp) => {
    const { result, params } = outcome(call);
    return result || params.some(Boolean);
  };
  const callUseful = (call: CallOp) =>
    contentUseful(call.results[0]) ||
    alias.mutated(call).some((m, i) => m && call.args[i] !== undefined && any(call.args[i], isUseful));

  const forward = (op: Op): void => {
    switch (op.kind) {
      case "prim":
        if (flat.has(op.op) || !(arithmetic.has(op.op) || selecting.has(op.op))) return;
        spell(op, op.args.some(contentVaried));
        if (op.args.some((v) => variedValues.has(v) || texts.has(v))) add(variedValues, op.results[0]);
        return;
      case "math":
        if (!flat.has(op.fn) && op.args.some((v) => variedValues.has(v))) add(variedValues, op.results[0]);
        return;
      case "array":
        op.elements.forEach((e, i) => {
          const target = slot(classOf(op.results[0]!), "[]");
          if (op.spread[i] === true ? isVaried(slot(classOf(e), "[]")) : variedValues.has(e)) set(target, "varied");
        });
        return;
      case "object":
        for (const e of op.entries) {
          if (e.key !== undefined) {
            if (variedValues.has(e.value))
              set(
                slot(classOf(op.results[0]!), slotKey({ kind: "field", name: e.key }, op.results[0]!.type)),
                "varied",
              );
          } else if (e.value.type.kind === "struct") {
            for (const name of e.value.type.fields().keys()) {
              if (isVaried(slot(classOf(e.value), name))) set(slot(classOf(op.results[0]!), name), "varied");
            }
          }
        }
        return;
      case "newArray":
        if (op.fill !== undefined && variedValues.has(op.fill)) set(slot(classOf(op.results[0]!), "[]"), "varied");
        return;
      case "new":
        for (const f of op.fields)
          if (variedValues.has(op.args[f.argument]!)) set(slot(classOf(op.results[0]!), f.name), "varied");
        return;
      case "load":
        if (isVaried(slot(classOf(op.object), slotKey(op.key, op.object.type)))) add(variedValues, op.results[0]);
        return;
      case "store":
        if (variedValues.has(op.value)) set(slot(classOf(op.object), slotKey(op.key, op.object.type)), "varied");
        return;
      case "push":
        if (variedValues.has(op.value)) set(slot(classOf(op.array), "[]"), "varied");
        return;
      case "pop":
        if (isVaried(slot(classOf(op.array), "[]"))) add(variedValues, op.results[0]);
        return;
      case "if":
        op.results.forEach((r, i) => {
          if ([op.then.results[i], op.else.results[i]].some((v) => v !== undefined && variedValues.has(v)))
            add(variedValues, r);
        });
        return;
      case "loop": {
        const offset = op.counted === undefined ? 0 : 1;
        op.initial.forEach((v, i) => {
          const next = op.body.results[i];
          if (!variedValues.has(v) && !(next !== undefined && variedValues.has(next))) return;
          add(variedValues, op.results[i]);
          add(variedValues, op.body.params[i + offset]);
        });
        return;
      }
      case "closure":
        op.captures.forEach((c, i) => {
          if (variedValues.has(c)) set(slot(classOf(op.results[0]!), `capture ${i}`), "varied");
        });
        return;
      case "call":
        {
          const { result, params } = outcome(op);
          if (op.callee.kind === "inert" && !stopsActivity(op)) spell(op, op.args.some(contentVaried));
          if (result) {
            add(variedValues, op.results[0]);
            deep(op.results[0], "deepVaried");
          }
          params.forEach((m, i) => {
            if (m) deep(op.args[i], "deepVaried");
          });
          if (op.args.some(contentVaried)) deep(caughtBy(op)?.error, "deepVaried");
        }
        return;
      case "runtime":
        if (handedOn(op).some((v) => variedValues.has(v))) add(variedValues, op.results[0]);
        if (op.fn === "assembledRows" && contentVaried(op.args[0]!)) add(variedValues, op.results[0]);
        return;
      case "opaque":
        if (!op.operands.some(contentVaried)) return;
        spell(op, true);
        add(variedValues, op.results[0]);
        deep(op.results[0], "deepVaried");
        deep(caughtBy(op)?.error, "deepVaried");
        // Text may store one of its operands in another.
        if (op.effects && !onlySpeaks(op)) for (const v of op.operands) deep(v, "deepVaried");
        return;
      default:
        return;
    }
  };

  const backward = (op: Op): void => {
    const result = op.results[0];
    const wanted = result !== undefined && usefulValues.has(result);
    switch (op.kind) {
      case "prim":
        if (wanted && (arithmetic.has(op.op) || selecting.has(op.op))) for (const v of op.args) add(usefulValues, v);
        return;
      case "math":
        if (wanted && !flat.has(op.fn)) for (const v of op.args) add(usefulValues, v);
        return;
      case "array": {
        const useful = isUseful(slot(classOf(result!), "[]"));
        op.elements.forEach((e, i) => {
          if (!useful) return;
          if (op.spread[i] === true) set(slot(classOf(e), "[]"), "useful");
          else add(usefulValues, e);
        });
        return;
      }
      case "object":
        for (const e of op.entries) {
          if (e.key !== undefined) {
            if (isUseful(slot(classOf(result!), slotKey({ kind: "field", name: e.key }, result!.type))))
              add(usefulValues, e.value);
          } else if (e.value.type.kind === "struct") {
            for (const name of e.value.type.fields().keys()) {
              if (isUseful(slot(classOf(result!), name))) set(slot(classOf(e.value), name), "useful");
            }
          }
        }
        return;
      case "newArray":
        if (op.fill !== undefined && isUseful(slot(classOf(result!), "[]"))) add(usefulValues, op.fill);
        return;
      case "new":
        for (const f of op.fields) if (isUseful(slot(classOf(result!), f.name))) add(usefulValues, op.args[f.argument]);
        return;
      case "load":
        if (wanted) set(slot(classOf(op.object), slotKey(op.key, op.object.type)), "useful");
        return;
      case "store":
        if (isUseful(slot(classOf(op.object), slotKey(op.key, op.object.type)))) add(usefulValues, op.value);
        return;
      case "push":
        if (isUseful(slot(classOf(op.array), "[]"))) add(usefulValues, op.value);
        return;
      case "pop":
        if (wanted) set(slot(classOf(op.array), "[]"), "useful");
        return;
      case "if":
        op.results.forEach((r, i) => {
          if (!usefulValues.has(r)) return;
          add(usefulValues, op.then.results[i]);
          add(usefulValues, op.else.results[i]);
        });
        return;
      case "loop": {
        const offset = op.counted === undefined ? 0 : 1;
        op.initial.forEach((v, i) => {
          const param = op.body.params[i + offset]!;
          if (!usefulValues.has(op.results[i]!) && !usefulValues.has(param)) return;
          add(usefulValues, v);
          add(usefulValues, param);
          add(usefulValues, op.body.results[i]);
        });
        return;
      }
      case "closure":
        op.captures.forEach((c, i) => {
          if (isUseful(slot(classOf(result!), `capture ${i}`))) add(usefulValues, c);
        });
        return;
      case "call":
        if (!callUseful(op)) return;
        for (const v of activeArguments(op)) {
          add(usefulValues, v);
          deep(v, "deepUseful");
        }
        return;
      case "runtime":
        if (wanted) for (const v of handedOn(op)) add(usefulValues, v);
        if (wanted && op.fn === "assembledRows") deep(op.args[0], "deepUseful");
        return;
      case "opaque":
        if (!contentUseful(result)) return;
        for (const v of op.operands) {
          add(usefulValues, v);
          deep(v, "deepUseful");
        }
        return;
      default:
        return;
    }
  };

  const inputs = [...fn.params, ...fn.captures];
  inputs.forEach((p, i) => {
    if (mask[i] !== "1") return;
    add(variedValues, p);
    deep(p, "deepVaried");
    // Whoever passed the object may read what was written into it.
    if (byReference(p) && [...reachable(classOf(p))].some((c) => c.written || c.deepWritten)) deep(p, "deepUseful");
  });
  for (const r of fn.body.results) {
    add(usefulValues, r);
    deep(r, "deepUseful");
  }

  const ops: Op[] = [];
  const allocations = new Set<Value>();
  walk(fn.body, (op) => {
    ops.push(op);
    if (op.kind === "allocate") allocations.add(op.results[0]!);
  });
  while (changed) {
    changed = false;
    for (const op of ops) forward(op);
    for (let i = ops.length - 1; i >= 0; i--) backward(ops[i]!);
  }

  const called = new Set<MemoryClass>();
  const differentials = new Set<MemoryClass>();
  for (const op of ops) {
    if (op.kind !== "call" || !callVaried(op) || !callUseful(op) || changesCotangent(op)) continue;
    for (const a of op.args) if (pointsToMemory(a.type)) reachable(classOf(a), called);
    const { callee } = op;
    if (callee.kind === "value" && callee.code?.rule === "differential") differentials.add(classOf(op.args[0]!));
  }
  for (const r of fn.body.results) if (pointsToMemory(r.type)) reachable(classOf(r), called);

  return {
    aliases: alias,
    calledActively: (v) => called.has(classOf(v)),
    differentialCalled: (ruled) => differentials.has(slot(classOf(ruled), "differential")),
    varied: contentVaried,
    hides: (v) => mayHide(v.type) && [...reachable(classOf(v))].some((c) => isVaried(c) && isUseful(c)),
    spells: (v) => texts.has(v),
    useful: (v) => usefulValues.has(v),
    active: (v) => variedValues.has(v) && usefulValues.has(v),
    shadowed: (v) => byReference(v) && [...reachable(classOf(v))].some((c) => isVaried(c) && isUseful(c)),
    slotActive: (object, name) => isVaried(slot(classOf(object), name)) && isUseful(slot(classOf(object), name)),
    callUseful,
    callVaried,
    allocated: (object) => allocations.has(object),
    constant: (object, name) => {
      if (!pointsToMemory(object.type)) return true;
      const c = slot(classOf(object), name);
      return !c.written && !c.deepWritten;
    },
  };
}

function byValue(v: Value): boolean {
  const p = passing(v.type);
  return p === "v" || p === "u";
}

function holds(v: Value): boolean {
  return byReference(v) || mayHide(v.type);
}

function byReference(v: Value): boolean {
  const p = passing(v.type);
  return p === "r" || p === "u";
}
