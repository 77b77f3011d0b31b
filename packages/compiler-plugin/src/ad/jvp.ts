/**
 * Forward mode: the operations of the function as they stand, and beside each value that varies its tangent. A number or
 * leaf has a tangent value; an array, object or Map has a shadow of the same structure, which is written into whenever
 * the value is. So mutation, loops and aliases need nothing of their own.
 */
import { activity, type Summaries } from "../analysis/index.ts";
import type { Diagnostic } from "../check/index.ts";
import {
  arrayOf,
  Builder,
  type CallOp,
  type ClosureOp,
  definitionsOf,
  elementType,
  fieldType,
  type HirFunction,
  type Ids,
  inertType,
  type Key,
  type LoopOp,
  literal,
  type Op,
  operands,
  type Program,
  passing,
  type Region,
  type StructType,
  shadowKey,
  type Type,
  type Value,
  walk,
} from "../hir/index.ts";
import { optimize } from "../opt/index.ts";
import type { Context } from "./context.ts";
import {
  checkAgain,
  checkInert,
  checkOpaque,
  checkOperator,
  checkPlatform,
  functionOf,
  reportLost,
  shadowType,
  startingNumbers,
} from "./forward.ts";
import { jvpGradient } from "./gradients.ts";
import { checkCaught, checkUndone } from "./in-try.ts";
import { removesEntries, removeTangents } from "./removals.ts";
import { mathRule, primRule } from "./rules.ts";
import { type Site, siteOf } from "./sites.ts";
import { Tangents } from "./tangents.ts";
import { viewOfShadow } from "./views.ts";
import { faultsOf, freshIds, takesActive } from "./vjp.ts";

export interface Differential {
  /** Arguments, then one tangent per active parameter; its captures are the literal's, then the tangents of those active. */
  readonly function: HirFunction;
  readonly diagnostics: readonly Diagnostic[];
  readonly mutates: string;
}

/** The type of what forward-mode code returns. */
export function dualType(type: Type): StructType {
  const fields = new Map([
    ["value", type],
    ["tangent", shadowType(type)],
  ]);
  return { kind: "struct", name: "{ … }", fields: () => fields };
}

/** The forward-mode derivative of a function with respect to the parameters (and captures) in `mask`. */
export function jvp(program: Program, fn: HirFunction, mask: string, summaries: Summaries): Differential {
  if (fn.gradientOf !== undefined) return jvpGradient(program, fn, mask, summaries);
  return new ForwardMode(program, fn, mask, summaries).run();
}

type Of<K extends Op["kind"]> = Extract<Op, { kind: K }>;

class ForwardMode {
  private readonly program: Program;
  private readonly fn: HirFunction;
  private readonly mask: string;
  private readonly summaries: Summaries;
  private readonly ids: Ids;
  private readonly ctx: Pick<Context, "activity" | "report">;
  private readonly tangents: Tangents;
  private readonly diagnostics: Diagnostic[];
  private readonly definitions: ReadonlyMap<Value, Op>;

  constructor(program: Program, fn: HirFunction, mask: string, summaries: Summaries) {
    this.program = program;
    this.fn = fn;
    this.mask = mask;
    this.summaries = summaries;
    this.ids = freshIds(fn);
    this.diagnostics = faultsOf(fn);
    this.definitions = definitionsOf(fn.body);
    this.ctx = {
      activity: activity(fn, mask, summaries),
      report: (code, span, message, hint) => {
        const base: Diagnostic = { code, severity: "error", message, span, notes: [] };
        this.diagnostics.push(hint === undefined ? base : { ...base, hint });
      },
    };
    this.tangents = new Tangents(this.ctx.activity);
  }

  run(): Differential {
    const { fn, mask } = this;
    const companions = (values: readonly Value[], offset: number) =>
      values.flatMap((p, i) => {
        if (mask[offset + i] !== "1" || passing(p.type) === "-") return [];
        const tangent: Value = { id: this.ids.next++, type: shadowType(p.type), name: `d_${p.name ?? "argument"}` };
        this.tangents.set(p, tangent);
        return [tangent];
      });
    const ofParams = companions(fn.params, 0);
    const ofCaptures = companions(fn.captures, fn.params.length);
    const unasked: Op[] = [];
    const before = new Builder(unasked, this.ids, fn.span);
    // What the function writes active values into, and nobody gives the tangent of.
    for (const p of [...fn.params, ...fn.captures]) {
      if (this.tangents.has(p) || !takesActive(p, this.ctx.activity)) continue;
      this.tangents.set(p, before.runtime("zeroShadow", [p], p.type, { name: `d_${p.name ?? "argument"}` }));
    }
    const body = this.region(fn.body);
    body.ops.unshift(...unasked);
    if (body.diverges !== true) {
      const b = new Builder(body.ops, this.ids, fn.span);
      const result = fn.body.results[0] ?? b.const(undefined);
      const kind = passing(result.type) === "-" ? passing(fn.result) : passing(result.type);
      const tangent = kind === "-" ? b.const(undefined) : this.tangents.of(b, result, fn.result);
      const entries = [
        { key: "value", value: result },
        { key: "tangent", value: tangent },
      ];
      body.results = [b.object(entries, dualType(fn.result))];
    }
    return {
      function: optimize({
        file: fn.file,
        span: fn.span,
        kind: "function",
        recursive: false,
        key: `${fn.key}$jvp|${mask}`,
        name: `${fn.name}$jvp`,
        params: [...fn.params, ...ofParams],
        captures: [...fn.captures, ...ofCaptures],
        body,
        result: dualType(fn.result),
      }),
      diagnostics: this.diagnostics,
      mutates: this.ctx.activity.aliases.summary.mutates.map((m) => (m ? "1" : "0")).join(""),
    };
  }

  private region(region: Region): Region {
    const out: Region = { params: [...region.params], ops: [], results: [...region.results] };
    if (region.diverges === true) out.diverges = true;
    const b = new Builder(out.ops, this.ids);
    for (const op of region.ops) {
      b.span = op.span;
      this.operation(b, op);
    }
    return out;
  }

  private operation(b: Builder, op: Op): void {
    switch (op.kind) {
      case "sweep":
        throw new Error(`Compiler defect: a sweep of ${this.fn.name} is differentiated.`);
      case "if":
        this.conditional(b, op);
        return;
      case "loop":
        this.loop(b, op);
        return;
      case "call":
        this.call(b, op);
        return;
      case "closure":
        this.closure(b, op);
        return;
      case "store":
        this.store(b, op);
        return;
      case "push": {
        b.emit(op);
        const shadow = this.memory(op.array);
        if (shadow === undefined) return;
        b.push(shadow, this.tangents.slot(b, elementType(op.array.type), op.value) ?? b.const(undefined));
        return;
      }
      case "pop": {
        b.emit(op);
        const shadow = this.memory(op.array);
        const result = op.results[0] as Value;
        if (shadow !== undefined) this.define(result, b.pop(shadow, result.type));
        return;
      }
      default:
        b.emit(op);
    }
    if (op.kind === "global") checkPlatform(this.ctx, this.fn, op);
    if (op.kind === "prim") checkOperator(this.ctx, op);
    if (op.kind === "opaque") checkOpaque(this.ctx, op);
    const result = op.results[0];
    if (result === undefined || !this.tangents.varies(result)) return;
    const tangent = this.tangentOf(b, op, result);
    this.define(result, tangent ?? this.tangents.of(b, result));
  }

  private define(v: Value, tangent: Value): void {
    this.tangents.set(v, tangent);
  }

  /** The shadow of an object whose content varies. */
  private memory(object: Value): Value | undefined {
    return this.ctx.activity.shadowed(object) ? this.tangents.get(object) : undefined;
  }

  /** The tangent of the result of an operation that makes a value; undefined where it is zero. */
  private tangentOf(b: Builder, op: Op, result: Value): Value | undefined {
    const name = tangentName(result);
    const { tangents } = this;
    switch (op.kind) {
      case "prim":
      case "math":
        return this.arithmetic(b, op, result);
      case "load": {
        const shadow = this.tangents.get(op.object);
        if (shadow === undefined) {
          reportLost(this.ctx, op);
          return undefined;
        }
        const tangent = b.value(shadowType(result.type), name);
        b.emit({ ...op, object: shadow, key: shadowKey(op.key), results: [tangent] });
        return tangent;
      }
      case "array": {
        const type = elementType(result.type);
        const elements = op.elements.map((e, i) => {
          if (op.spread[i] !== true) return tangents.slot(b, type, e) ?? b.const(undefined);
          if (tangents.has(e) || passing(elementType(e.type)) !== "v") return tangents.of(b, e);
          return b.newArray(
            b.length(e),
            tangents.slot(b, elementType(e.type), undefined) as Value,
            arrayOf(elementType(e.type)),
          );
        });
        return b.array(elements, shadowType(result.type), { spread: op.spread, ...named(name) });
      }
      case "object": {
        const entries = op.entries.flatMap((e) => {
          if (e.key === undefined) return [{ value: tangents.of(b, e.value) }];
          const value = tangents.slot(b, fieldType(result.type, e.key), e.value);
          return value === undefined ? [] : [{ key: e.key, value }];
        });
        return b.object(entries, result.type, name);
      }
      case "newArray":
        return b.newArray(
          op.length,
          tangents.slot(b, elementType(result.type), op.fill),
          shadowType(result.type),
          name,
        );
      case "allocate": {
        const fields = result.type.kind === "struct" ? [...result.type.fields()] : [];
        const entries = fields.flatMap(([key, type]) => {
          const value = tangents.slot(b, type, undefined);
          return value === undefined ? [] : [{ key: key.replace(/^#/, ""), value }];
        });
        return b.object(entries, result.type, name);
      }
      case "new": {
        const entries = op.fields.flatMap((f) => {
          const value = tangents.slot(b, fieldType(result.type, f.name), op.args[f.argument]);
          return value === undefined ? [] : [{ key: f.name, value }];
        });
        for (const key of startingNumbers(op)) entries.push({ key, value: b.const(0) });
        return b.object(entries, result.type, name);
      }
      case "runtime":
        if (op.fn === "assembledRows")
          return b.runtime(op.fn, [tangents.of(b, op.args[0] as Value), ...op.args.slice(1)], result.type);
        if (op.fn !== "tree") return undefined;
        return b.runtime("tree", [op.args[0] as Value, tangents.of(b, op.args[1] as Value)], shadowType(result.type));
      default:
        return undefined;
    }
  }

  /** The sum over the operands of their tangents times the partial derivatives: the rules of reverse mode, read forwards. */
  private arithmetic(b: Builder, op: Of<"prim"> | Of<"math">, result: Value): Value | undefined {
    let sum: Value | undefined;
    op.args.forEach((a, i) => {
      if (!this.tangents.varies(a)) return;
      const rule = op.kind === "prim" ? primRule(op.op, op.args.length, i) : mathRule(op.fn, i);
      if (rule === undefined) {
        if (op.kind === "math")
          this.ctx.report("PB3002", op.span, `Math.${op.fn} has no derivative, and its argument is active.`);
        else this.ctx.report("PB1009", op.span, `The operator ${op.op} has no derivative, and its operand is active.`);
        return;
      }
      const part = rule(b, op.args, result, this.tangents.of(b, a, result.type), (v) => literal(v, this.definitions));
      sum = sum === undefined ? part : b.prim("+", [sum, part], result.type, tangentName(result));
    });
    return sum;
  }

  private store(b: Builder, op: Of<"store">): void {
    b.emit(op);
    const shadow = this.memory(op.object);
    if (shadow === undefined) return;
    const { key, value, span } = op;
    if (key.kind === "field" && key.name === "length" && op.object.type.kind !== "struct") {
      b.emit({ kind: "store", object: shadow, key, value, span, results: [] });
      return;
    }
    const slot = this.tangents.slot(b, slotType(op.object.type, key), value);
    if (slot === undefined) return;
    b.emit({ kind: "store", object: shadow, key: shadowKey(key), value: slot, span, results: [] });
  }

  private conditional(b: Builder, op: Of<"if">): void {
    const then = this.region(op.then);
    const otherwise = this.region(op.else);
    const results = [...op.results];
    op.results.forEach((r, i) => {
      if (!this.tangents.varies(r)) return;
      for (const [from, to] of [
        [op.then, then],
        [op.else, otherwise],
      ] as const) {
        if (from.diverges === true) continue;
        to.results.push(this.tangents.of(new Builder(to.ops, this.ids, op.span), from.results[i] as Value, r.type));
      }
      const tangent = b.value(shadowType(r.type), tangentName(r));
      this.define(r, tangent);
      results.push(tangent);
    });
    b.emit({ ...op, then, else: otherwise, results });
  }

  private loop(b: Builder, op: LoopOp): void {
    const offset = op.counted === undefined ? 0 : 1;
    const initial = [...op.initial];
    const results = [...op.results];
    const params: Value[] = [];
    const tested: Value[] = [];
    const carried = op.initial.flatMap((_, k) => {
      const param = op.body.params[k + offset] as Value;
      return this.tangents.varies(op.results[k] as Value) || this.tangents.varies(param) ? [k] : [];
    });
    for (const k of carried) {
      const r = op.results[k] as Value;
      const param = op.body.params[k + offset] as Value;
      const fresh = () => b.value(shadowType(r.type), tangentName(r) ?? tangentName(param));
      initial.push(this.tangents.of(b, op.initial[k] as Value, r.type));
      const inside = fresh();
      const after = fresh();
      params.push(inside);
      tested.push(fresh());
      results.push(after);
      this.define(param, inside);
      this.define(r, after);
    }
    const body = this.region(op.body);
    body.params.push(...params);
    if (body.diverges !== true) {
      const end = new Builder(body.ops, this.ids, op.span);
      const again = op.hasBreak ? body.results.pop() : undefined;
      for (const k of carried) {
        body.results.push(this.tangents.of(end, op.body.results[k] as Value, (op.results[k] as Value).type));
      }
      if (again !== undefined) body.results.push(again);
    }
    const test = op.test === undefined ? undefined : this.region(op.test);
    test?.params.push(...tested);
    b.emit({ ...op, initial, body, ...(test === undefined ? {} : { test }), results });
  }

  private call(b: Builder, op: CallOp): void {
    const { tangents } = this;
    const result = op.results[0] as Value;
    const site = siteOf(op, this.program, this.ctx.activity, (v) => tangents.has(v));
    if (site === undefined) {
      b.emit(op);
      const [object] = op.args;
      const given = object === undefined ? undefined : tangents.get(object);
      const view = given === undefined ? undefined : viewOfShadow(b, op, given);
      if (view !== undefined) {
        this.define(result, view);
        return;
      }
      if (given !== undefined && removesEntries(op)) removeTangents(b, op, given);
      checkInert(this.ctx, op);
      checkCaught(this.ctx, op);
      if (tangents.varies(result)) this.define(result, tangents.of(b, result));
      return;
    }
    checkAgain(this.ctx, op, "forward");
    checkUndone({ report: this.ctx.report, program: this.program, definitions: this.definitions }, op);
    if (op.spread?.some(Boolean) === true && site.known?.rest === undefined) {
      this.ctx.report(
        "PB3012",
        op.span,
        "Active arguments are spread into a call whose parameters the compiler cannot match.",
        "Pass the arguments one by one, or declare a rest parameter.",
      );
    }
    const { callee } = op;
    const literal = callee.kind === "value" ? this.definitions.get(op.args[0] as Value) : undefined;
    if (literal?.kind === "closure" && literal.function.gradientOf !== undefined && isPlainCall(op)) {
      this.callLiteral(b, op, literal, site);
      return;
    }
    if (callee.kind === "registered" && callee.forward === false) {
      this.ctx.report(
        "PB3013",
        op.span,
        `The derivative registered for ${callee.method ?? callee.text} has no forward mode.`,
        "Give its registration a jvp: (…) => ({ value, differential }).",
      );
    }
    const args = site.args.map((a) => a ?? b.const(undefined));
    const given = site.args.flatMap((a, i) => {
      if (site.mask[i] !== "1" || a === undefined) return [];
      return [tangents.of(b, a, site.known?.params[i]?.type)];
    });
    const nameless = callee.kind === "known" && callee.text === "";
    const variant = site.known === undefined || nameless ? this.codeOf(b, op, site.mask) : undefined;
    const dual = b.value(dualType(result.type), "dual");
    const sweep = {
      kind: "sweep",
      sweep: "jvp",
      callee,
      mask: site.mask,
      args: [...args, ...given],
      span: op.span,
      ...(op.catches === true ? { catches: true as const } : {}),
    } as const;
    const results = [dual, ...op.results.slice(1)];
    b.emit(variant === undefined ? { ...sweep, results } : { ...sweep, variant, results });
    checkCaught(this.ctx, op);
    this.opened(b, op, dual);
  }

  /** Value and tangent of a call's result, from what forward-mode code returned. */
  private opened(b: Builder, op: CallOp, dual: Value): void {
    const result = op.results[0] as Value;
    const field = (name: string, of: Value) =>
      b.emit({
        kind: "load",
        object: dual,
        key: { kind: "field", name },
        readonly: true,
        span: op.span,
        results: [of],
      });
    field("value", result);
    if (!this.tangents.varies(result)) return;
    const tangent = b.value(shadowType(result.type), tangentName(result));
    field("tangent", tangent);
    this.define(result, tangent);
  }

  /** A call of a gradient that stands here: of its forward-mode code, over the tangents of what it captured. */
  private callLiteral(b: Builder, op: CallOp, literal: ClosureOp, { mask, args }: Site): void {
    const { tangents } = this;
    const fn = literal.function;
    const own = fn.params.map(({ type }, i) => (passing(type) === "-" ? "0" : (mask[i] ?? "0"))).join("");
    const captured = this.capturedBy(literal);
    const derived = jvp(this.program, fn, own + captured, this.summaries);
    this.diagnostics.push(...derived.diagnostics);
    const active = literal.captures.filter(
      (_, i) => captured[i] === "1" && passing((fn.captures[i] as Value).type) !== "-",
    );
    const code = b.closure(derived.function, [...literal.captures, ...active.map((c) => tangents.of(b, c))]);
    const given = args.flatMap((a, i) =>
      own[i] === "1" && a !== undefined ? [tangents.of(b, a, fn.params[i]?.type)] : [],
    );
    const plain = fn.params.map((_, i) => args[i] ?? b.const(undefined));
    const type = dualType((op.results[0] as Value).type);
    this.opened(b, op, b.call({ kind: "value" }, [code, ...plain, ...given], type, { effects: true, name: "dual" }));
  }

  /** Which captures of a literal have a tangent. */
  private capturedBy({ captures }: ClosureOp): string {
    return captures.map((c) => (this.tangents.has(c) && this.tangents.varies(c) ? "1" : "0")).join("");
  }

  /** Forward-mode code of a function that is found at run time. */
  private codeOf(b: Builder, op: CallOp, mask: string): Value {
    const fn = functionOf(b, op);
    if (op.callee.kind === "dynamic") return b.runtime("methodJvp", [fn, b.const(mask)], inertType, { name: "jvp" });
    return b.runtime("jvp", [fn, b.const(mask), b.const(true)], inertType, { name: "jvp" });
  }

  /** Whether nothing happens to a literal but that it is called here. */
  private isOnlyCalled(literal: Value): boolean {
    let only = true;
    walk(this.fn.body, (op, region) => {
      const used =
        op.kind === "call" && op.callee.kind === "value" && isPlainCall(op) ? op.args.slice(1) : operands(op);
      if (used.includes(literal) || region.results.includes(literal)) only = false;
    });
    return only;
  }

  /** A function literal that active calls may reach carries code that closes over the tangents of what it captured. */
  private closure(b: Builder, op: ClosureOp): void {
    const result = op.results[0] as Value;
    const fn = op.function;
    if (!this.ctx.activity.calledActively(result) || (fn.gradientOf !== undefined && this.isOnlyCalled(result))) {
      b.emit(op);
      return;
    }
    const own = fn.params.map((p) => (passing(p.type) === "-" ? "0" : "1")).join("");
    const captured = this.capturedBy(op);
    if (!own.includes("1") && !captured.includes("1")) {
      b.emit(op);
      return;
    }
    const derived = jvp(this.program, fn, own + captured, this.summaries);
    this.diagnostics.push(...derived.diagnostics);
    // Inside, a capture whose type says "no tangent" has none, whatever it is outside.
    const active = op.captures.filter((_, i) => captured[i] === "1" && passing((fn.captures[i] as Value).type) !== "-");
    // What it captured travels with its code; as a value it has no tangent, but calls of it are active.
    this.define(result, b.const(undefined, result.type));
    b.emit({
      ...op,
      derivative: {
        kinds: fn.params.map((p) => passing(p.type)).join(""),
        mask: own,
        mutates: derived.mutates,
        codes: [
          {
            sweep: "jvp",
            function: derived.function,
            captures: [...op.captures, ...active.map((c) => this.tangents.of(b, c))],
          },
        ],
      },
    });
  }
}

const isPlainCall = (op: CallOp) => op.catches !== true && op.spread?.some(Boolean) !== true;

const tangentName = (v: Value) => (v.name === undefined ? undefined : `d_${v.name}`);

const named = (name: string | undefined) => (name === undefined ? {} : { name });

const slotType = (object: Type, key: Key): Type =>
  key.kind === "field" ? fieldType(object, key.name) : elementType(object);
