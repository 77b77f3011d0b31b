/**
 * Copies small callees into their callers before differentiation: a call boxes every number that it returns, and keeps a
 * frame. Function literals that are called where they are visible go the same way, whatever they capture.
 */
import { bodyThrowsFirst, calleeMayThrow, mayThrow, throwsFirst } from "../analysis/index.ts";
import type { CallOp, ClosureOp, HirFunction, Ids, Op, Program, Region, Type, Value } from "../hir/index.ts";
import { bindingsOf, copyRegion, instantiate, mapOp, operands, regions, walk } from "../hir/index.ts";
import { settle } from "./settle.ts";
import { weight } from "./weight.ts";

/** Operations of a declared function, and of a literal, up to which they are copied. */
const smallFunction = 60;
/** The same where the one call of it stands in a loop: a frame and stacks in every iteration cost more than the code. */
const onlyCallInLoop = 240;
const smallLiteral = 200;
const rounds = 4;
const budget = 3000;

/** Whether only what is small is copied, or everything that can be: code that is differentiated again has no calls. */
export type Appetite = "small" | "all";

export function inlineCalls(fn: HirFunction, program: Program, ids: Ids, appetite: Appetite = "small"): HirFunction {
  let current = fn;
  for (let round = 0; round < (appetite === "all" ? 20 : rounds); round++) {
    const next = new Inliner(current, program, ids, appetite).run();
    if (next === current) break;
    current = next;
  }
  return current;
}

class Inliner {
  private readonly fn: HirFunction;
  private readonly program: Program;
  private readonly ids: Ids;
  private readonly replaced = new Map<Value, Value>();
  private readonly literals = new Map<Value, ClosureOp>();
  /** Callees that are called in one place only, which stands in a loop. */
  private readonly onceInLoop = new Set<string>();
  private size: number;
  private changed = false;
  private readonly all: boolean;

  constructor(fn: HirFunction, program: Program, ids: Ids, appetite: Appetite) {
    this.all = appetite === "all";
    this.fn = fn;
    this.program = program;
    this.ids = ids;
    this.size = weight(fn.body);
  }

  run(): HirFunction {
    this.findLiterals();
    this.findCallsInLoops();
    const body = this.region(this.fn.body);
    return this.changed ? { ...this.fn, body } : this.fn;
  }

  /** Function literals, and reads of one from an object that is only ever read. */
  private findLiterals(): void {
    const objects = new Map<Value, Extract<Op, { kind: "object" }>>();
    const handedOn = new Set<Value>(this.fn.body.results);
    const loads: Extract<Op, { kind: "load" }>[] = [];
    walk(this.fn.body, (op, region) => {
      if (op.kind === "closure") this.literals.set(op.results[0] as Value, op);
      if (op.kind === "object") objects.set(op.results[0] as Value, op);
      if (op.kind === "load" && op.key.kind === "field") loads.push(op);
      else for (const v of operands(op)) handedOn.add(v);
      for (const v of region.results) handedOn.add(v);
    });
    for (const { object, key, results } of loads) {
      const made = handedOn.has(object) ? undefined : objects.get(object);
      if (made === undefined || key.kind !== "field" || made.entries.some((e) => e.key === undefined)) continue;
      const entry = made.entries.findLast((e) => e.key === key.name);
      const literal = entry === undefined ? undefined : this.literals.get(entry.value);
      if (literal !== undefined) this.literals.set(results[0] as Value, literal);
    }
  }

  private findCallsInLoops(): void {
    const calls = new Map<string, boolean>();
    const visit = (region: Region, inLoop: boolean): void => {
      for (const op of region.ops) {
        if (op.kind === "call" && op.callee.kind === "known") {
          calls.set(op.callee.key, !calls.has(op.callee.key) && inLoop);
        }
        for (const inner of regions(op)) visit(inner, inLoop || op.kind === "loop");
      }
    };
    visit(this.fn.body, false);
    for (const [key, once] of calls) if (once) this.onceInLoop.add(key);
  }

  private readonly resolve = (v: Value): Value => {
    let at = v;
    for (let next = this.replaced.get(at); next !== undefined; next = this.replaced.get(at)) at = next;
    return at;
  };

  private region = (region: Region): Region => {
    const ops: Op[] = [];
    for (const op of region.ops) {
      const throws = op.kind === "call" && op.catches === true && this.throws(op);
      // What has changed nothing before it throws is called: nothing is lost with its frame.
      if (op.kind !== "call" || (throws && !this.changesFirst(op))) {
        ops.push(mapOp(op, this.resolve, this.region));
        continue;
      }
      const quiet = op.catches === true && !throws ? this.uncaught(op, ops) : op;
      const body = this.bodyOf(quiet);
      if (body === undefined) {
        ops.push(mapOp(quiet, this.resolve, this.region));
        continue;
      }
      this.changed = true;
      const copied = throws ? settle(body, [(op.results[0] as Value).type], this.program, this.ids) : body;
      ops.push(...copied.ops);
      for (const [i, v] of quiet.results.entries()) this.replaced.set(v, copied.results[i] as Value);
    }
    return { ...region, ops, results: region.results.map(this.resolve) };
  };

  private throws(op: CallOp): boolean {
    if (op.callee.kind !== "value") return calleeMayThrow(op.callee, op.effects, this.program);
    const literal = this.literals.get(this.resolve(op.args[0] as Value));
    return literal === undefined || mayThrow(literal.function.body, this.program);
  }

  /** Whether what a call reaches may throw after it has changed something. */
  private changesFirst(op: CallOp): boolean {
    if (op.callee.kind !== "value") return !throwsFirst(op.callee, this.program);
    const literal = this.literals.get(this.resolve(op.args[0] as Value));
    return literal !== undefined && !bodyThrowsFirst(literal.function.body, this.program);
  }

  /** A call in a `try` of what does not throw: nothing is caught. */
  private uncaught(op: CallOp, ops: Op[]): CallOp {
    const { catches: _, ...call } = op;
    const [result, thrown, error] = op.results as [Value, Value, Value];
    ops.push({ kind: "const", value: false, span: op.span, results: [thrown] });
    ops.push({ kind: "const", value: undefined, span: op.span, results: [error] });
    this.changed = true;
    return { ...call, results: [result] };
  }

  /** The callee's body over this call's arguments, if it should be copied. */
  private bodyOf(op: CallOp): Region | undefined {
    if (this.size > budget) return undefined;
    let callee: HirFunction;
    let args: readonly (Value | undefined)[];
    const bound: (readonly [Value, Value])[] = [];
    if (op.callee.kind === "value") {
      const literal = this.literals.get(this.resolve(op.args[0] as Value));
      if (literal === undefined) return undefined;
      callee = literal.function;
      if (callee.gradientOf !== undefined) return undefined;
      args = op.args.slice(1);
      for (const [i, c] of literal.function.captures.entries())
        bound.push([c, this.resolve(literal.captures[i] as Value)]);
      if (!this.all && weight(callee.body) > smallLiteral) return undefined;
    } else if (op.callee.kind === "known" && op.callee.key !== this.fn.key) {
      callee = this.program.lower(op.callee.key);
      args = op.args;
      if (callee.captures.length > 0 || callee.kind === "initialiser" || !this.portable(callee)) return undefined;
      if (callee.gradientOf !== undefined) return undefined;
      const limit = this.onceInLoop.has(op.callee.key) ? onlyCallInLoop : smallFunction;
      if ((!this.all && weight(callee.body) > limit) || callsItself(callee)) return undefined;
    } else return undefined;
    if (callee.body.diverges === true && op.catches !== true) return undefined;
    const { rest } = callee;
    const marks = op.callee.kind === "value" ? op.spread?.slice(1) : op.spread;
    if (marks?.slice(0, rest).some(Boolean) === true) return undefined;
    const made: Op[] = [];
    if (rest !== undefined) {
      const elements = (args.slice(rest) as Value[]).map(this.resolve);
      const packed: Value = { id: this.ids.next++, type: (callee.params[rest] as Value).type };
      made.push({
        kind: "array",
        elements,
        spread: elements.map((_, i) => marks?.[rest + i] === true),
        span: op.span,
        results: [packed],
      });
      args = [
        ...args.slice(0, rest),
        ...Array.from({ length: Math.max(rest - args.length, 0) }, () => undefined),
        packed,
      ];
    }
    callee.params.forEach((p, i) => {
      const given = args[i];
      if (given !== undefined) bound.push([p, this.resolve(given)]);
      else {
        const missing = { id: this.ids.next++, type: p.type };
        made.push({ kind: "const", value: undefined, span: op.span, results: [missing] });
        bound.push([p, missing]);
      }
    });
    const bindings = bindingsOf(callee, args, (op.results[0] as Value).type);
    const retype = bindings.size === 0 ? undefined : (type: Type) => instantiate(type, bindings);
    const body = copyRegion(callee.body, new Map(bound), this.ids, retype);
    this.size += weight(body);
    return { ...body, ops: [...made, ...body.ops] };
  }

  /** Does the callee's text mean the same here? */
  private portable(callee: HirFunction): boolean {
    if (classOf(callee) !== classOf(this.fn) && usesPrivateNames(callee)) return false;
    if (callee.file === this.fn.file) return true;
    let portable = true;
    walk(callee.body, (op) => {
      if (
        op.kind === "prim" ||
        op.kind === "math" ||
        op.kind === "const" ||
        op.kind === "load" ||
        op.kind === "store" ||
        op.kind === "if" ||
        op.kind === "loop"
      )
        return;
      if (
        op.kind === "array" ||
        op.kind === "object" ||
        op.kind === "newArray" ||
        op.kind === "push" ||
        op.kind === "pop"
      )
        return;
      if (op.kind === "global" && op.file === "") return;
      if (op.kind === "call" && op.callee.kind === "registered" && op.callee.method !== undefined) return;
      portable = false;
    });
    return portable;
  }
}

/** The class of a member's key; the key itself for other functions. */
function classOf({ key }: HirFunction): string {
  const member = key.lastIndexOf(".");
  return member > key.indexOf("#") ? key.slice(0, member) : key;
}

/** Whether a function reads, writes or calls a `#` name, which only the body of its class can. */
function usesPrivateNames(fn: HirFunction): boolean {
  let found = false;
  walk(fn.body, (op) => {
    if ((op.kind === "load" || op.kind === "store") && op.key.kind === "field") found ||= op.key.name.startsWith("#");
    if (op.kind === "call" && "text" in op.callee) found ||= /(^|\.)#/.test(op.callee.text);
    if (op.kind === "call" && "method" in op.callee) found ||= op.callee.method?.startsWith("#") === true;
    if (op.kind === "opaque") found ||= op.parts.some((part) => /\.#|^#/.test(part));
  });
  return found;
}

function callsItself(fn: HirFunction): boolean {
  let found = fn.recursive;
  walk(fn.body, (op) => {
    if (op.kind === "call" && op.callee.kind === "known" && op.callee.key === fn.key) found = true;
  });
  return found;
}
