/**
 * The reverse sweep: the operations from last to first, each handing the cotangent of its result on to its operands.
 * It names values of the forward sweep freely; `plan.ts` decides afterwards how they get here.
 */

import { reachable } from "../analysis/index.ts";
import {
  type CallOp,
  caughtBy,
  changesCotangent,
  elementType,
  fieldType,
  inertType,
  intType,
  isInteger,
  isLoose,
  isNumeric,
  type Key,
  type LoopOp,
  literal,
  type Op,
  passing,
  type Region,
  shadowKey,
  type Type,
  type Value,
  walk,
} from "../hir/index.ts";
import type { CallRecord, Context } from "./context.ts";
import { reportLost, startingNumbers } from "./forward.ts";
import { mathRule, primRule } from "./rules.ts";
import { at, Scope, type Variable } from "./scope.ts";

export class ReverseSweep {
  readonly ctx: Context;
  readonly top: Scope;
  /** Region of the forward sweep that defines each value. */
  private readonly homes: ReadonlyMap<Value, Region>;
  private readonly scopes = new Map<Region, Scope>();
  private readonly adjoints = new Map<Value, Variable>();
  /** Mirror image of each region of the forward sweep. */
  readonly mirrors = new Map<Region, Region>();
  /** For the body of each loop of the forward sweep: the number of the iteration that is being undone, from 0. */
  readonly iterations = new Map<Region, Value>();
  /** How many operations at the start of each mirrored loop body find out where it stands. */
  readonly starts = new Map<Region, number>();

  /** Values that the program asks whether they are there: optional fields, entries that a Map may lack. */
  private readonly optional: ReadonlySet<Value>;

  constructor(ctx: Context, homes: ReadonlyMap<Value, Region>) {
    this.ctx = ctx;
    this.optional = testedValues(ctx.fn.body);
    this.homes = homes;
    this.top = new Scope(ctx.ids);
  }

  private mirror(forward: Region, scope: Scope): void {
    this.scopes.set(forward, scope);
    this.mirrors.set(forward, scope.region);
  }

  private variable(v: Value): Variable {
    let variable = this.adjoints.get(v);
    if (variable === undefined) {
      const home = this.scopes.get(this.homes.get(v) as Region) ?? this.top;
      variable = { type: v.type, name: v.name === undefined ? undefined : `d_${v.name}`, home };
      this.adjoints.set(v, variable);
    }
    return variable;
  }

  /** Adds a contribution to the adjoint of an active value. */
  add(scope: Scope, v: Value, contribution: Value): void {
    if (!this.ctx.activity.active(v)) return;
    const variable = this.variable(v);
    const before = scope.get(variable);
    const sum =
      before === undefined
        ? contribution
        : isNumeric(v.type)
          ? scope.builder.prim("+", [before, contribution], v.type, variable.name)
          : scope.builder.runtime(
              "add",
              [before, contribution],
              v.type,
              variable.name === undefined ? {} : { name: variable.name },
            );
    scope.set(variable, sum);
  }

  /** The adjoint of a value at its definition, where nothing can add to it any more; undefined while zero. */
  private take(scope: Scope, v: Value): Value | undefined {
    const variable = this.adjoints.get(v);
    if (variable === undefined) return undefined;
    const value = scope.get(variable);
    scope.set(variable, undefined);
    return value;
  }

  /** The whole sweep; yields the cotangents of the by-value active parameters and captures. */
  run(cotangent: Value | undefined): Value[] {
    const { ctx } = this;
    const body = ctx.fn.body;
    this.mirror(ctx.forwardOf.get(body) as Region, this.top);
    const result = body.results[0];
    if (body.diverges !== true && result !== undefined && cotangent !== undefined) {
      const shadow = ctx.shadows.get(result);
      if (passing(result.type) !== "r") this.add(this.top, result, cotangent);
      if (shadow !== undefined && ctx.form === "joint") {
        this.top.builder.runtime("accumulate", [shadow, cotangent], undefined, { effects: true });
      }
    }
    if (body.diverges !== true) this.region(this.top, body);
    return [...ctx.fn.params, ...ctx.fn.captures].flatMap((p, i) => {
      const kind = passing(p.type);
      if (ctx.mask[i] !== "1" || (kind !== "v" && kind !== "u")) return [];
      return [this.take(this.top, p) ?? this.top.zero(p.type)];
    });
  }

  private region(scope: Scope, region: Region): void {
    for (let i = region.ops.length - 1; i >= 0; i--) {
      const op = region.ops[i] as Op;
      at(scope, op.span);
      this.operation(scope, op);
    }
  }

  private operation(scope: Scope, op: Op): void {
    const { activity, shadows, definitions } = this.ctx;
    const b = scope.builder;
    switch (op.kind) {
      case "prim":
      case "math": {
        const result = op.results[0] as Value;
        const d = this.take(scope, result);
        if (d === undefined) return;
        if (op.kind === "prim" && op.args[0] === op.args[1] && activity.active(op.args[0] as Value)) {
          // x + x and x * x: both halves at once.
          const x = op.args[0] as Value;
          const twice = b.prim("*", [b.const(2), op.op === "*" ? x : d]);
          if (op.op === "*" || op.op === "+") {
            this.add(scope, x, op.op === "*" ? b.prim("*", [d, twice]) : twice);
            return;
          }
        }
        op.args.forEach((a, i) => {
          if (!activity.active(a)) return;
          const rule = op.kind === "prim" ? primRule(op.op, op.args.length, i) : mathRule(op.fn, i);
          if (rule === undefined) this.unsupported(op);
          else
            this.add(
              scope,
              a,
              rule(b, op.args, result, d, (v) => literal(v, definitions)),
            );
        });
        return;
      }
      case "load": {
        const result = op.results[0] as Value;
        const d = this.take(scope, result);
        const shadow = shadows.get(op.object);
        if (d === undefined) return;
        if (shadow === undefined) {
          this.lost(op);
          return;
        }
        const key = shadowKey(op.key);
        if (this.optional.has(result)) this.intoOptional(scope, shadow, key, d, result.type);
        else this.into(scope, shadow, key, d, result.type);
        return;
      }
      case "store": {
        const shadow = shadows.get(op.object);
        if (shadow === undefined || !activity.shadowed(op.object)) return;
        const type = op.key.kind === "field" ? fieldType(op.object.type, op.key.name) : elementType(op.object.type);
        const before = this.ctx.positions.get(op);
        const d = this.out(scope, shadow, shadowKey(op.key), type, op.value, before === undefined);
        if (before !== undefined) {
          // A number's slot holds 0 and never nothing, also where it was not there before.
          const value = d === undefined ? before : b.runtime("slotFor", [before, d], type);
          b.emit({ kind: "store", object: shadow, key: shadowKey(op.key), value, span: op.span, results: [] });
        }
        if (d !== undefined) this.add(scope, op.value, d);
        return;
      }
      case "array":
        this.arrayLiteral(scope, op);
        return;
      case "object":
        this.objectLiteral(scope, op);
        return;
      case "new": {
        const shadow = shadows.get(op.results[0] as Value);
        if (shadow === undefined) return;
        for (const f of op.fields) {
          const argument = op.args[f.argument];
          if (argument === undefined) continue;
          const d = this.out(scope, shadow, field(f.name), argument.type, argument, this.again);
          if (d !== undefined) this.add(scope, argument, d);
        }
        // What a field started with takes no adjoint, and the next sweep must not find it.
        if (this.again) for (const name of startingNumbers(op)) b.store(shadow, name, b.const(0));
        return;
      }
      case "newArray": {
        const shadow = shadows.get(op.results[0] as Value);
        if (op.fill === undefined || !activity.active(op.fill)) {
          this.clear(scope, op);
          return;
        }
        if (shadow === undefined) return;
        const fill = op.fill;
        this.each(scope, op.length, (s, k) => {
          const d = this.out(s, shadow, { kind: "index", index: k }, fill.type, fill, this.again);
          if (d !== undefined) this.add(s, fill, d);
        });
        return;
      }
      case "push": {
        const shadow = shadows.get(op.array);
        if (shadow === undefined || !activity.shadowed(op.array)) return;
        const type = elementType(op.array.type);
        if (this.ctx.form === "split") {
          const index = this.ctx.positions.get(op) as Value;
          const d = this.out(scope, shadow, { kind: "index", index }, type, op.value, true);
          if (d !== undefined) this.add(scope, op.value, d);
          return;
        }
        const d = b.pop(shadow, type);
        if (passing(op.value.type) === "v") this.add(scope, op.value, d);
        else if (passing(op.value.type) === "u") this.add(scope, op.value, b.runtime("adjointIn", [d], op.value.type));
        return;
      }
      case "pop": {
        const shadow = shadows.get(op.array);
        if (shadow === undefined || !activity.shadowed(op.array)) return;
        const result = op.results[0] as Value;
        const d = this.take(scope, result);
        if (this.ctx.form === "split") {
          if (d !== undefined)
            this.into(scope, shadow, { kind: "index", index: this.ctx.positions.get(op) as Value }, d, result.type);
        } else b.push(shadow, this.slotAfter(scope, result, d));
        return;
      }
      case "if":
        this.conditional(scope, op);
        return;
      case "loop":
        this.loop(scope, op);
        return;
      case "call":
        this.call(scope, op);
        return;
      case "runtime": {
        const result = op.results[0];
        const d = result === undefined ? undefined : this.take(scope, result);
        if (op.fn === "zeroShadow") this.clear(scope, op);
        if (d === undefined) return;
        // The tangent of a number or leaf, with its zeros in place; the one element of a leaf.
        if (op.fn === "tree") this.add(scope, op.args[1] as Value, d);
        else if (op.fn === "element") {
          const [leaf, like] = op.args as [Value, Value];
          this.add(scope, leaf, b.runtime("seed", [like, d], leaf.type));
        } else if (op.fn === "assembledRows") {
          const shadow = shadows.get(op.args[0] as Value);
          if (shadow === undefined) this.lost(op);
          else b.runtime("rowsInto", [shadow, d, op.args[1] as Value], undefined, { effects: true });
        } else this.lost(op);
        return;
      }
      case "closure": {
        const record = this.ctx.closures.get(op);
        record?.names.forEach((name, i) => {
          if (name === undefined) return;
          const outer = op.captures[i] as Value;
          const type = (op.function.captures[i] as Value).type;
          const d = b.load(record.environment, name, { type });
          if (this.again) b.store(record.environment, name, isNumeric(type) ? b.const(0) : b.const(undefined, type));
          this.add(scope, outer, d);
        });
        return;
      }
      case "opaque":
        this.clear(scope, op);
        return;
      default:
        return;
    }
  }

  /** Nobody takes what the reverse sweep adds for the content that an object started with: it must be gone afterwards. */
  private clear(scope: Scope, op: Op): void {
    const [result] = op.results;
    const shadow = result === undefined ? undefined : this.ctx.shadows.get(result);
    if (!this.again || result === undefined || shadow === undefined) return;
    if (!holdsValues(result.type) && this.takesPointers(result)) return;
    scope.builder.runtime("clearShadow", [shadow], undefined, { effects: true });
  }

  /** Whether the program may put other objects into what a value holds: their adjoints are not this value's. */
  private takesPointers(object: Value): boolean {
    const { classOf } = this.ctx.activity.aliases;
    const inside = reachable(classOf(object));
    let found = false;
    walk(this.ctx.fn.body, (op) => {
      const target = op.kind === "store" ? op.object : op.kind === "push" ? op.array : undefined;
      if (target === undefined || !("value" in op)) return;
      found ||= passing((op.value as Value).type) !== "v" && inside.has(classOf(target));
    });
    return found;
  }

  /** Backward may run again on the same frame, so shadows that forward allocated must be left zero. */
  private get again(): boolean {
    return this.ctx.form === "split";
  }

  /** A cotangent arrives where there is nowhere to put it: better no derivative than one that is too small. */
  private lost(op: Op): void {
    reportLost(this.ctx, op);
  }

  private unsupported(op: Extract<Op, { kind: "prim" | "math" }>): void {
    if (op.kind === "math")
      this.ctx.report("PB3002", op.span, `Math.${op.fn} has no derivative, and its argument is active.`);
    else this.ctx.report("PB1009", op.span, `The operator ${op.op} has no derivative, and its operand is active.`);
  }

  /** `shadow[key] += d`. */
  private into(scope: Scope, shadow: Value, key: Key, d: Value, type: Type): void {
    const b = scope.builder;
    const before = b.value(type);
    b.emit({ kind: "load", object: shadow, key, span: b.span, results: [before] });
    if (isNumeric(type)) {
      b.emit({ kind: "store", object: shadow, key, value: b.prim("+", [before, d]), span: b.span, results: [] });
      return;
    }
    if (passing(type) === "v") {
      b.emit({
        kind: "store",
        object: shadow,
        key,
        value: b.runtime("add", [before, d], type),
        span: b.span,
        results: [],
      });
      return;
    }
    // Known at run time only: objects have no by-value adjoint, and their slot holds a shadow that must stay. A shadow
    // in the slot of a number belongs to what the program put there at another time.
    scope.branch(
      b.prim("!==", [d, b.const(undefined)]),
      (s) =>
        s.builder.emit({
          kind: "store",
          object: shadow,
          key,
          value: s.builder.runtime("add", [s.builder.runtime("adjointIn", [before], type), d], type),
          span: b.span,
          results: [],
        }),
      () => {},
    );
  }

  /** `shadow[key] += d` where the slot is there: what is absent has no tangent. */
  private intoOptional(scope: Scope, shadow: Value, key: Key, d: Value, type: Type): void {
    const b = scope.builder;
    const present = b.value(type);
    if (isNumeric(type)) b.emit({ kind: "load", object: shadow, key, span: b.span, results: [present] });
    scope.branch(
      b.prim("!==", [isNumeric(type) ? present : d, b.const(undefined)]),
      (s) => this.into(s, shadow, key, d, type),
      () => {},
    );
  }

  /** The adjoint in a slot that the program filled with `value`; with `clear` the slot is zero afterwards. */
  private out(scope: Scope, shadow: Value, key: Key, type: Type, value: Value, clear: boolean): Value | undefined {
    const b = scope.builder;
    const kind = passing(value.type) === "-" ? passing(type) : passing(value.type);
    if (kind === "r" || kind === "-") return undefined;
    const wanted = this.ctx.activity.active(value);
    if (!wanted && !clear) return undefined;
    const own = value.type.kind === "number" || passing(value.type) !== "-" ? value.type : type;
    const d = wanted ? b.value(own) : undefined;
    if (d !== undefined) b.emit({ kind: "load", object: shadow, key, span: b.span, results: [d] });
    if (kind === "u") {
      if (d === undefined) return undefined;
      const only = b.runtime("adjointIn", [d], own);
      if (clear) {
        scope.branch(
          b.prim("!==", [only, b.const(undefined)]),
          (s) =>
            s.builder.emit({
              kind: "store",
              object: shadow,
              key,
              value: s.builder.runtime("slotFor", [s.builder.const(undefined, own), only], own),
              span: b.span,
              results: [],
            }),
          () => {},
        );
      }
      return only;
    }
    if (clear) b.emit({ kind: "store", object: shadow, key, value: scope.zero(own), span: b.span, results: [] });
    return d;
  }

  /** What the slot holds again from which the program popped `value`, whose adjoint is now `d`. */
  private slotAfter(scope: Scope, value: Value, d: Value | undefined): Value {
    const b = scope.builder;
    const kind = passing(value.type);
    const adjoint = d ?? scope.zero(value.type);
    const shadow = this.ctx.shadows.get(value);
    if (kind === "v" || shadow === undefined) return adjoint;
    if (kind === "r") return shadow;
    return b.if(
      b.prim("===", [shadow, b.const(undefined)]),
      () => [adjoint],
      () => [shadow],
    )[0] as Value;
  }

  /** Moves the adjoint in a copied slot back to the slot it was copied from. */
  private back(scope: Scope, from: Value, fromKey: Key, to: Value, toKey: Key, type: Type): void {
    const b = scope.builder;
    const slot = b.value(type);
    b.emit({ kind: "load", object: from, key: fromKey, span: b.span, results: [slot] });
    const mixed = passing(type) === "u";
    const d = mixed ? b.runtime("adjointIn", [slot], type) : slot;
    this.into(scope, to, toKey, d, type);
    if (!this.again) return;
    const clear = (s: Scope, value: Value) =>
      s.builder.emit({ kind: "store", object: from, key: fromKey, value, span: b.span, results: [] });
    if (!mixed) clear(scope, scope.zero(type));
    else {
      scope.branch(
        b.prim("!==", [d, b.const(undefined)]),
        (s) => clear(s, s.builder.runtime("slotFor", [s.builder.const(undefined, type), d], type)),
        () => {},
      );
    }
  }

  /** A loop over 0 … length - 1 that belongs to one operation. */
  private each(scope: Scope, length: Value, body: (s: Scope, k: Value) => void): void {
    const b = scope.builder;
    const last = b.prim("-", [length, b.const(1)], intType);
    scope.countDown(last, b.const(0), -1, { type: intType, name: "k" }, body);
  }

  private arrayLiteral(scope: Scope, op: Extract<Op, { kind: "array" }>): void {
    const { shadows, activity } = this.ctx;
    const shadow = shadows.get(op.results[0] as Value);
    if (shadow === undefined) return;
    const b = scope.builder;
    const lengths = this.ctx.lengths.get(op) ?? [];
    let fixed = 0;
    let before: Value | undefined;
    const position = () =>
      before === undefined ? b.const(fixed, intType) : b.prim("+", [before, b.const(fixed, intType)], intType);
    op.elements.forEach((e, i) => {
      const length = lengths[i];
      if (length === undefined) {
        const d = this.out(
          scope,
          shadow,
          { kind: "index", index: position() },
          elementType((op.results[0] as Value).type),
          e,
          this.again,
        );
        if (d !== undefined) this.add(scope, e, d);
        fixed += 1;
        return;
      }
      const start = position();
      const source = shadows.get(e);
      const type = elementType(e.type);
      if (source !== undefined && activity.slotActive(e, "[]") && passing(type) !== "r") {
        this.each(scope, length, (s, k) => {
          const index = s.builder.prim("+", [start, k], intType);
          this.back(s, shadow, { kind: "index", index }, source, { kind: "index", index: k }, type);
        });
      }
      before = before === undefined ? length : b.prim("+", [before, length], intType);
    });
  }

  private objectLiteral(scope: Scope, op: Extract<Op, { kind: "object" }>): void {
    const { shadows, activity } = this.ctx;
    const result = op.results[0] as Value;
    const shadow = shadows.get(result);
    if (shadow === undefined) return;
    // Later entries win: a slot belongs to the last entry that names it.
    const taken = new Set<string>();
    for (const e of [...op.entries].reverse()) {
      if (e.key !== undefined) {
        if (taken.has(e.key)) continue;
        taken.add(e.key);
        const d = this.out(scope, shadow, field(e.key), fieldType(result.type, e.key), e.value, this.again);
        if (d !== undefined) this.add(scope, e.value, d);
        continue;
      }
      const source = shadows.get(e.value);
      if (isLoose(e.value.type)) {
        if (source === undefined) continue;
        const b = scope.builder;
        b.runtime("uncopy", [shadow, source, ...[...taken].map((key) => b.const(key))], undefined, { effects: true });
        continue;
      }
      if (e.value.type.kind !== "struct") continue;
      for (const [name, type] of e.value.type.fields()) {
        // A spread copies no private fields.
        if (taken.has(name) || name.startsWith("#")) continue;
        taken.add(name);
        if (source === undefined || !activity.slotActive(e.value, name)) continue;
        if (passing(type) === "v" || passing(type) === "u") {
          this.back(scope, shadow, field(name), source, field(name), type);
        }
      }
    }
  }

  private conditional(scope: Scope, op: Extract<Op, { kind: "if" }>): void {
    const { forwardOf } = this.ctx;
    const adjoints = op.results.map((r) => this.take(scope, r));
    const undo = (s: Scope, branch: Region) => {
      this.mirror(forwardOf.get(branch) as Region, s);
      branch.results.forEach((r, i) => {
        const d = adjoints[i];
        if (d !== undefined) this.add(s, r, d);
      });
      this.region(s, branch);
    };
    // A branch that throws never reaches the reverse sweep.
    if (op.then.diverges === true || op.else.diverges === true) {
      undo(scope, op.then.diverges === true ? op.else : op.then);
      return;
    }
    scope.branch(
      op.condition,
      (s) => undo(s, op.then),
      (s) => undo(s, op.else),
    );
  }

  private loop(scope: Scope, op: LoopOp): void {
    const { ctx } = this;
    if (op.body.diverges === true) return;
    const record = ctx.loops.get(op);
    const forward = ctx.forwardOf.get(op.body) as Region;
    const b = scope.builder;
    const offset = op.counted === undefined ? 0 : 1;
    const carried = op.initial.flatMap((v, k) => {
      const param = op.body.params[k + offset] as Value;
      const result = op.results[k] as Value;
      if (!ctx.activity.active(param) && !ctx.activity.active(result)) return [];
      const variable: Variable = {
        type: result.type,
        name: result.name === undefined ? undefined : `d_${result.name}`,
        home: scope,
      };
      scope.set(variable, this.take(scope, result));
      return [{ v, k, param, variable }];
    });
    const undo = (s: Scope, iteration: Value) => {
      this.mirror(forward, s);
      this.iterations.set(forward, iteration);
      this.starts.set(s.region, s.region.ops.length);
      const incoming = carried.map(({ variable }) => {
        const d = s.get(variable);
        s.set(variable, undefined);
        return d;
      });
      carried.forEach(({ k }, i) => {
        const d = incoming[i];
        const next = op.body.results[k];
        if (d !== undefined && next !== undefined) this.add(s, next, d);
      });
      this.region(s, op.body);
      for (const { param, variable } of carried) s.set(variable, this.take(s, param) ?? s.zero(param.type));
    };
    if (record?.kind === "trips") {
      const last = b.prim("-", [record.trips, b.const(1)], intType);
      scope.countDown(last, b.const(0), -1, { type: intType, name: "k" }, (s, k) => undo(s, k));
    } else if (op.counted !== undefined) {
      const { start, end, step, comparison } = op.counted;
      const index = op.body.params[0] as Value;
      if (Math.abs(step) === 1) {
        const last = this.lastIndex(scope, end, comparison, step);
        scope.countDown(last, start, -step, { type: intType, name: index.name ?? "i" }, (s, i) => {
          this.indices.set(index, i);
          const zero = literal(start, ctx.definitions) === 0 && step === 1;
          const distance = zero
            ? i
            : step === 1
              ? s.builder.prim("-", [i, start], intType)
              : s.builder.prim("-", [start, i], intType);
          undo(s, distance);
        });
      } else {
        const span = b.prim("/", [b.prim("-", [end, start]), b.const(step)]);
        const inclusive = comparison === "<=" || comparison === ">=";
        const last = inclusive ? b.math("floor", [span]) : b.prim("-", [b.math("ceil", [span]), b.const(1)], intType);
        scope.countDown(last, b.const(0), -1, { type: intType, name: "k" }, (s, k) => {
          const i = s.builder.prim(
            "+",
            [start, s.builder.prim("*", [k, s.builder.const(step)], intType)],
            intType,
            index.name,
          );
          this.indices.set(index, i);
          undo(s, k);
        });
      }
    }
    for (const { v, variable } of carried) {
      const d = scope.get(variable);
      if (d !== undefined) this.add(scope, v, d);
    }
  }

  /** Loop indices of the forward sweep and what they are in the reverse sweep. */
  readonly indices = new Map<Value, Value>();

  private lastIndex(scope: Scope, end: Value, comparison: string, step: number): Value {
    const b = scope.builder;
    const whole = isInteger(end, this.ctx.definitions);
    switch (comparison) {
      case "<":
        return b.prim("-", [whole ? end : b.math("ceil", [end]), b.const(1)], intType);
      case "<=":
        return whole ? end : b.math("floor", [end]);
      case ">":
        return b.prim("+", [whole ? end : b.math("floor", [end]), b.const(step === 1 ? 1 : 1)], intType);
      default:
        return whole ? end : b.math("ceil", [end]);
    }
  }

  private call(scope: Scope, op: CallOp): void {
    const record = this.ctx.calls.get(op);
    if (record === undefined && changesCotangent(op)) {
      this.change(scope, op);
      return;
    }
    if (record === undefined) {
      // Calls of functions without derivative have been judged by the forward sweep.
      const dropped = this.take(scope, op.results[0] as Value);
      if (this.ctx.owned.has(op)) this.clear(scope, op);
      if (dropped !== undefined && op.callee.kind !== "inert") this.lost(op);
      return;
    }
    const { thrown } = "outcome" in record ? {} : (caughtBy(op) ?? {});
    if (thrown === undefined) this.undoCall(scope, op, record);
    else {
      // What threw has left no frame.
      scope.branch(
        thrown,
        (s) => this.take(s, op.results[0] as Value),
        (s) => this.undoCall(s, op, record),
      );
    }
  }

  /** The cotangent of `withDerivative(x, change)` is what `change` makes of it. */
  private change(scope: Scope, op: CallOp): void {
    const result = op.results[0] as Value;
    const [x, change] = op.args as [Value, Value];
    const d = this.take(scope, result);
    if (!this.ctx.activity.active(x) || !this.ctx.activity.active(result)) return;
    const given = [change, d ?? scope.zero(result.type)];
    this.add(scope, x, scope.builder.call({ kind: "value" }, given, x.type, { effects: true }));
  }

  private undoCall(scope: Scope, op: CallOp, { site, frame, variant, ...settled }: CallRecord): void {
    const result = op.results[0] as Value;
    const b = scope.builder;
    const kind = passing(result.type);
    const d = this.take(scope, result);
    const wanted = site.args.flatMap((a, i) => {
      const k = site.kinds[i];
      return site.mask[i] === "1" && (k === "v" || k === "u") ? [{ a: a as Value, k }] : [];
    });
    if (!site.mask.includes("1") && op.callee.kind !== "value") return;
    const isSettled = "outcome" in settled;
    const { outcome } = settled;
    if (outcome !== undefined && d !== undefined) this.into(scope, outcome, field("value"), d, result.type);
    const byValue = !isSettled && (kind === "v" || kind === "u");
    const cotangent = byValue ? (d ?? scope.zero(result.type)) : b.const(undefined);
    const out = b.value(wanted.length === 1 ? (wanted[0] as { a: Value }).a.type : inertType);
    const sweep = {
      kind: "sweep",
      sweep: "backward",
      callee: op.callee,
      mask: site.mask,
      args: [frame, cotangent],
      span: op.span,
      ...(isSettled ? { settled: true as const } : {}),
      results: [out],
    } as const;
    b.emit(variant === undefined ? { ...sweep, results: [out] } : { ...sweep, variant, results: [out] });
    wanted.forEach(({ a }, i) => {
      if (!this.ctx.activity.active(a)) return;
      this.add(
        scope,
        a,
        wanted.length === 1 ? out : b.load(out, b.const(i, intType), { type: a.type, readonly: true }),
      );
    });
  }
}

/** Objects whose slots hold numbers and leaves only, no other objects. */
function holdsValues(type: Type): boolean {
  const isValue = (each: Type) => passing(each) === "v" || passing(each) === "-";
  switch (type.kind) {
    case "array":
    case "map":
      return isValue(type.element);
    case "tuple":
      return type.elements.every(isValue);
    case "struct":
      return [...type.fields().values()].every(isValue);
    default:
      return false;
  }
}

function field(name: string): Key {
  return { kind: "field", name };
}

/** Values that stand in a condition, or are compared with null or undefined. */
function testedValues(body: Region): Set<Value> {
  const tested = new Set<Value>();
  const nullish = new Set<Value>();
  walk(body, (op) => {
    if (op.kind === "const" && (op.value === null || op.value === undefined)) nullish.add(op.results[0] as Value);
    if (op.kind === "if") tested.add(op.condition);
    if (op.kind !== "prim") return;
    const compares = /^[!=]==?$/.test(op.op) && op.args.some((a) => nullish.has(a));
    if (compares || op.op === "!" || op.op === "typeof") for (const a of op.args) tested.add(a);
  });
  return tested;
}
