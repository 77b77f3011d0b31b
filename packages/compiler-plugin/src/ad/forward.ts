/**
 * The forward sweep: the operations of the function as they stand, and beside every by-reference value that is active
 * its shadow, built by mirroring what the program does with the value itself.
 */

import { bodyThrowsFirst } from "../analysis/index.ts";
import {
  arrayOf,
  Builder,
  type CallOp,
  type ClosureOp,
  changesCotangent,
  dualOf,
  elementType,
  fieldType,
  type HirFunction,
  inertType,
  intType,
  isInteger,
  isLoose,
  isNumeric,
  type LoopOp,
  narrowed,
  type Op,
  type OpaqueOp,
  onlySpeaks,
  passing,
  type Region,
  type Span,
  shadowKey,
  type Type,
  type Value,
  withDerivativeKey,
} from "../hir/index.ts";
import type { Context } from "./context.ts";
import { mayGrow } from "./growth.ts";
import { canSettle, checkCaught, checkUndone, losesWrites, reportLate } from "./in-try.ts";
import { removesEntries } from "./removals.ts";
import { outcomeType, settledFunction } from "./settled.ts";
import { siteOf } from "./sites.ts";
import { viewOfShadow } from "./views.ts";
import { captureName, type Sweeps } from "./vjp.ts";

/** The shadow of a by-reference value, made on the spot for one that the caller did not ask derivatives of. */
function shadowOrZero(ctx: Context, b: Builder, v: Value): Value {
  const known = ctx.shadows.get(v);
  if (known !== undefined) return known;
  return passing(v.type) === "-" ? b.const(undefined, v.type) : b.runtime("zeroShadow", [v], v.type);
}

/** What a shadow's slot holds at first, for a slot of type `type` in which the program puts `value`. */
function slotZero(ctx: Context, b: Builder, type: Type, value: Value | undefined): Value | undefined {
  const kind = value === undefined || passing(value.type) === "-" ? passing(type) : passing(value.type);
  switch (kind) {
    case "v":
      return type.kind === "number" || value?.type.kind === "number" || isNumericSlot(type)
        ? b.const(0)
        : b.const(undefined, type);
    case "r":
      return value === undefined ? b.const(undefined, type) : shadowOrZero(ctx, b, value);
    case "u":
      if (value === undefined) return b.const(undefined, type);
      return b.runtime("slotFor", [ctx.shadows.get(value) ?? b.const(undefined, type), value], type);
    case "-":
      return undefined;
  }
}

/** The shadow of what a slot of a shadow stands for; one of unknown kind may hold the adjoint of a number or leaf. */
function pointerIn(b: Builder, slot: Value, value: Value): Value {
  if (passing(value.type) !== "u") return slot;
  return b.runtime("shadowIn", [slot, value], value.type, slot.name === undefined ? {} : { name: slot.name });
}

/** Fields of a new instance that start as numbers of their own: no argument is stored there. */
export function startingNumbers({ fields, results }: Extract<Op, { kind: "new" }>): string[] {
  const [made] = results;
  if (made?.type.kind !== "struct") return [];
  const stored = new Set(fields.map(({ name }) => name));
  return [...made.type.fields()].flatMap(([key, type]) => (isNumeric(type) && !stored.has(key) ? [key] : []));
}

export function isNumericSlot(type: Type): boolean {
  return (
    type.kind === "union" &&
    type.members.some((m) => m.kind === "number") &&
    type.members.every((m) => m.kind !== "leaf")
  );
}

export function shadowType(type: Type): Type {
  return type.kind === "array" && type.typed !== undefined ? arrayOf(type.element, "Float64Array") : type;
}

const nameOf = (v: Value) => (v.name === undefined ? undefined : `s_${v.name}`);

export function forwardRegion(ctx: Context, region: Region, extra: (b: Builder) => void = () => {}): Region {
  const out: Region = { params: [...region.params], ops: [], results: [...region.results] };
  if (region.diverges === true) out.diverges = true;
  ctx.forwardOf.set(region, out);
  const b = new Builder(out.ops, ctx.ids);
  extra(b);
  for (const op of region.ops) {
    b.span = op.span;
    forwardOp(ctx, b, op);
  }
  return out;
}

const bitwise = new Set(["&", "|", "^", "~", "<<", ">>", ">>>"]);

function forwardOp(ctx: Context, b: Builder, op: Op): void {
  const { activity, shadows } = ctx;
  const result = op.results[0];
  const shadowed = result !== undefined && activity.shadowed(result);
  const define = (shadow: Value) => {
    if (result !== undefined) shadows.set(result, shadow);
  };
  const name = result === undefined ? undefined : nameOf(result);
  switch (op.kind) {
    case "sweep":
      throw new Error(`Compiler defect: a sweep of ${ctx.fn.name} is differentiated.`);
    case "if":
      forwardIf(ctx, b, op);
      return;
    case "loop":
      forwardLoop(ctx, b, op);
      return;
    case "call":
      forwardCall(ctx, b, op);
      return;
    case "closure":
      forwardClosure(ctx, b, op);
      return;
    case "push": {
      const shadow = shadows.get(op.array);
      if (shadow !== undefined && activity.shadowed(op.array)) {
        if (ctx.form === "split") ctx.positions.set(op, b.length(op.array));
        const slot = slotZero(ctx, b, elementType(op.array.type), op.value) ?? b.const(undefined);
        if (ctx.form === "split") b.store(shadow, ctx.positions.get(op) as Value, slot);
        else b.push(shadow, slot);
      }
      b.emit(op);
      return;
    }
    case "pop": {
      b.emit(op);
      const shadow = shadows.get(op.array);
      if (shadow === undefined || !activity.shadowed(op.array)) return;
      if (ctx.form === "split") {
        const position = b.length(op.array);
        ctx.positions.set(op, position);
        if (shadowed) define(pointerIn(b, b.load(shadow, position, { type: op.results[0]!.type }), op.results[0]!));
      } else {
        const slot = b.pop(shadow, op.results[0]!.type);
        if (shadowed) define(pointerIn(b, slot, op.results[0]!));
      }
      return;
    }
    case "store":
      forwardStore(ctx, b, op);
      return;
    case "prim":
      b.emit(op);
      checkOperator(ctx, op);
      return;
    default:
      b.emit(op);
  }
  if (op.kind === "global") checkPlatform(ctx, ctx.fn, op);
  if (!shadowed || result === undefined) {
    if (op.kind === "opaque") checkOpaque(ctx, op);
    return;
  }
  switch (op.kind) {
    case "array": {
      const element = elementType(result.type);
      const lengths: (Value | undefined)[] = [];
      const elements = op.elements.map((e, i) => {
        if (op.spread[i] === true) {
          const length = b.length(e);
          lengths.push(length);
          if (passing(elementType(e.type)) !== "v") return shadowOrZero(ctx, b, e);
          return b.newArray(
            length,
            slotZero(ctx, b, elementType(e.type), undefined) as Value,
            arrayOf(elementType(e.type)),
          );
        }
        lengths.push(undefined);
        return slotZero(ctx, b, element, e) ?? b.const(undefined);
      });
      ctx.lengths.set(op, lengths);
      define(b.array(elements, shadowType(result.type), {
        spread: op.spread,
        ...(name === undefined ? {} : { name }),
      }));
      return;
    }
    case "object": {
      const entries: { key?: string; value: Value }[] = [];
      for (const e of op.entries) {
        if (e.key !== undefined) {
          const slot = slotZero(ctx, b, fieldType(result.type, e.key), e.value);
          if (slot !== undefined) entries.push({ key: e.key, value: slot });
          continue;
        }
        const source = shadowOrZero(ctx, b, e.value);
        if (isLoose(e.value.type)) {
          entries.push({ value: b.runtime("copiedShadow", [source], e.value.type) });
          continue;
        }
        const fields = e.value.type.kind === "struct" ? [...e.value.type.fields()] : undefined;
        const shares = fields === undefined || fields.some(([, type]) => !["v", "-"].includes(passing(type)));
        // The copy shares what the fields point to; the numbers and leaves in it are slots of their own.
        if (shares) entries.push({ value: source });
        for (const [key, type] of fields ?? []) {
          if (key.startsWith("#")) continue;
          if (passing(type) === "v") entries.push({ key, value: slotZero(ctx, b, type, undefined) as Value });
        }
      }
      // Fields that an assertion promises (`{} as Vector`) come later: the slots of numbers are there for them.
      if (result.type.kind === "struct" && op.entries.every((e) => e.key !== undefined)) {
        for (const [key, type] of result.type.fields()) {
          if (type.kind !== "number" || op.entries.some((e) => e.key === key)) continue;
          entries.push({ key, value: b.const(0) });
        }
      }
      define(b.object(entries, result.type, name));
      return;
    }
    case "newArray": {
      const fill = slotZero(ctx, b, elementType(result.type), op.fill);
      define(b.newArray(op.length, fill, shadowType(result.type), name));
      return;
    }
    case "allocate": {
      const fields = result.type.kind === "struct" ? [...result.type.fields()] : [];
      const entries = fields.flatMap(([key, type]) => {
        const value = slotZero(ctx, b, type, undefined);
        return value === undefined ? [] : [{ key: key.replace(/^#/, ""), value }];
      });
      define(b.object(entries, result.type, name));
      return;
    }
    case "new": {
      const entries = op.fields.flatMap((f) => {
        const value = slotZero(ctx, b, fieldType(result.type, f.name), op.args[f.argument]);
        return value === undefined ? [] : [{ key: f.name, value }];
      });
      for (const key of startingNumbers(op)) entries.push({ key, value: b.const(0) });
      define(b.object(entries, result.type, name));
      return;
    }
    case "load": {
      const object = shadows.get(op.object);
      if (object === undefined) return;
      const shadow = b.value(result.type, name);
      b.emit({ ...op, object, key: shadowKey(op.key), results: [shadow] });
      define(pointerIn(b, shadow, result));
      return;
    }
    case "opaque":
      checkOpaque(ctx, op);
      define(b.runtime("zeroShadow", [result], result.type));
      return;
    case "runtime":
      if (result.type.kind === "function") define(b.const(undefined, result.type));
      else if (op.fn === "tree") define(shadowOrZero(ctx, b, op.args[1] as Value));
      else define(b.runtime("zeroShadow", [result], result.type));
      return;
    default:
      define(b.runtime("zeroShadow", [result], result.type));
  }
}

/**
 * A store of a pointer is mirrored. One into an object of the caller's is undone by the reverse sweep, and so is one
 * into a slot that may hold pointers and numbers by turns.
 */
function forwardStore(ctx: Context, b: Builder, op: Extract<Op, { kind: "store" }>): void {
  const { activity, shadows } = ctx;
  b.emit(op);
  const shadow = shadows.get(op.object);
  if (shadow === undefined || !activity.shadowed(op.object)) return;
  const kind = passing(op.value.type) === "-" ? passing(slotType(op)) : passing(op.value.type);
  if (kind === "v" && mayBeAbsent(op)) {
    // The slot comes into being by being stored, that of the shadow too.
    const key = shadowKey(op.key);
    const slot = b.value(slotType(op));
    b.emit({ kind: "load", object: shadow, key, span: op.span, results: [slot] });
    const value = b.prim("??", [slot, b.const(0)], slotType(op));
    b.emit({ kind: "store", object: shadow, key, value, span: op.span, results: [] });
    return;
  }
  const mixed = kind === "u" || passing(slotType(op)) === "u";
  if (kind === "v" && op.key.kind === "index" && mayGrow(op, ctx.fn, ctx.definitions)) {
    const { index } = op.key;
    const zero = slotZero(ctx, b, slotType(op), op.value) ?? b.const(undefined);
    b.if(
      b.prim(">=", [index, b.length(shadow)]),
      (inner) => {
        inner.store(shadow, index, zero);
        return [];
      },
      () => [],
    );
  }
  if (!mixed && kind !== "r") return;
  // Nobody has seen an object before its initialiser is done.
  const young = ctx.fn.kind === "initialiser" && op.object === ctx.fn.params[0];
  if (mixed || (activity.aliases.escapes(op.object) && !young)) {
    const before = b.value(slotType(op));
    b.emit({ kind: "load", object: shadow, key: shadowKey(op.key), span: op.span, results: [before] });
    ctx.positions.set(op, before);
  }
  const slot = slotZero(ctx, b, slotType(op), op.value) ?? b.const(undefined);
  b.emit({ kind: "store", object: shadow, key: shadowKey(op.key), value: slot, span: op.span, results: [] });
}

/** Entries of Maps and records, optional fields, optional places of tuples: numbers that may not be there before. */
function mayBeAbsent(op: Extract<Op, { kind: "store" }>): boolean {
  const type = slotType(op);
  if (!isNumeric(type)) return false;
  const { kind } = narrowed(op.object.type);
  return kind === "map" || kind === "tuple" || (kind === "struct" && type.kind === "union");
}

function slotType(op: Extract<Op, { kind: "store" }>): Type {
  return op.key.kind === "field" ? fieldType(op.object.type, op.key.name) : elementType(op.object.type);
}

/** Operators through which no derivative passes: on bits, on text, on what may be anything. */
export function checkOperator(
  { activity, report }: Pick<Context, "activity" | "report">,
  op: Extract<Op, { kind: "prim" }>,
): void {
  const result = op.results[0]!;
  if (bitwise.has(op.op) && activity.useful(result) && op.args.some((a) => activity.varied(a))) {
    report(
      "PB1007",
      op.span,
      `The bit operation ${op.op} has no derivative, and its operand is active.`,
      "Use arithmetic, or withoutDerivative(x) where the number is an index or a count.",
    );
  }
  if (!activity.active(result)) return;
  if (op.args.some((a) => activity.spells(a))) {
    report(
      "PB1010",
      op.span,
      "An active value became text and a number again: the derivative would be lost on the way.",
      "Keep the number, or write withoutDerivative(…) where it becomes text.",
    );
  }
  if (op.args.some((a) => a.type.kind === "unknown" && a.type.text === "any" && activity.active(a))) {
    report(
      "PB2003",
      op.span,
      "A value of type any is active here.",
      "Give it a type, or stop the derivative with withoutDerivative(…).",
    );
  }
}

/** Unmodelled code is an error where an active value goes through it. */
export function checkOpaque(ctx: Pick<Context, "activity" | "report">, op: OpaqueOp): void {
  const { activity } = ctx;
  checkCaught(ctx, op);
  const result = op.results[0];
  const through =
    result !== undefined &&
    ((passing(result.type) !== "-" && (activity.active(result) || activity.shadowed(result))) ||
      activity.hides(result));
  const active = op.operands.filter((v) => activity.varied(v));
  const writes = op.effects && !onlySpeaks(op) && op.operands.some((v) => activity.shadowed(v) || activity.hides(v));
  const kept = op.keeps === true && op.operands.some((v) => activity.varied(v) || activity.shadowed(v));
  if ((through && active.length > 0) || writes || kept) {
    ctx.report(op.diagnostic.code, op.span, op.diagnostic.message, op.diagnostic.hint);
  }
}

function forwardIf(ctx: Context, b: Builder, op: Extract<Op, { kind: "if" }>): void {
  const then = forwardRegion(ctx, op.then);
  const otherwise = forwardRegion(ctx, op.else);
  const results = [...op.results];
  op.results.forEach((r, i) => {
    if (!ctx.activity.shadowed(r)) return;
    for (const [from, to] of [
      [op.then, then],
      [op.else, otherwise],
    ] as const) {
      if (from.diverges === true) continue;
      to.results.push(shadowOrZero(ctx, new Builder(to.ops, ctx.ids, op.span), from.results[i] as Value));
    }
    const shadow = b.value(r.type, nameOf(r));
    ctx.shadows.set(r, shadow);
    results.push(shadow);
  });
  b.emit({ ...op, then, else: otherwise, results });
}

function forwardLoop(ctx: Context, b: Builder, op: LoopOp): void {
  const offset = op.counted === undefined ? 0 : 1;
  const initial = [...op.initial];
  const results = [...op.results];
  const shadowed = op.initial.flatMap((_, k) => (ctx.activity.shadowed(op.results[k] as Value) ? [k] : []));
  const byIndex =
    op.counted !== undefined &&
    !op.hasBreak &&
    op.test === undefined &&
    Number.isInteger(op.counted.step) &&
    isInteger(op.counted.start, ctx.definitions);
  const params: Value[] = [];
  const testParams: Value[] = [];
  const carry = (from: Value, name: string | undefined, type: Type) => {
    initial.push(from);
    const param = b.value(type, name);
    params.push(param);
    testParams.push(b.value(type, name));
    const result = b.value(type, name);
    results.push(result);
    return { param, result };
  };
  for (const k of shadowed) {
    const r = op.results[k] as Value;
    const { param, result } = carry(shadowOrZero(ctx, b, op.initial[k] as Value), nameOf(r), r.type);
    ctx.shadows.set(op.body.params[k + offset] as Value, param);
    ctx.shadows.set(r, result);
  }
  let counter: Value | undefined;
  if (byIndex) ctx.loops.set(op, { kind: "index" });
  else {
    const { param, result } = carry(b.const(0, intType), "trips", intType);
    counter = param;
    ctx.loops.set(op, { kind: "trips", trips: result });
  }
  const body = forwardRegion(ctx, op.body);
  body.params.push(...params);
  if (body.diverges !== true) {
    const inner = new Builder(body.ops, ctx.ids, op.span);
    const again = op.hasBreak ? body.results.pop() : undefined;
    for (const k of shadowed) body.results.push(shadowOrZero(ctx, inner, op.body.results[k] as Value));
    if (counter !== undefined) body.results.push(inner.prim("+", [counter, inner.const(1)], intType));
    if (again !== undefined) body.results.push(again);
  }
  const test = op.test === undefined ? {} : { test: forwardRegion(ctx, op.test) };
  if (test.test !== undefined) test.test.params.push(...testParams);
  b.emit({ ...op, initial, body, ...test, results });
}

function forwardCall(ctx: Context, b: Builder, op: CallOp): void {
  const { activity, shadows } = ctx;
  const result = op.results[0] as Value;
  const site = siteOf(op, ctx.program, activity, (v) => shadows.has(v) && activity.shadowed(v));
  if (site === undefined) {
    b.emit(op);
    const [object] = op.args;
    const given = object === undefined ? undefined : shadows.get(object);
    const view = given === undefined ? undefined : viewOfShadow(b, op, given);
    if (view !== undefined) {
      shadows.set(result, view);
      return;
    }
    checkInert(ctx, op);
    checkCaught(ctx, op);
    if (activity.shadowed(result)) {
      shadows.set(result, b.runtime("zeroShadow", [result], result.type));
      ctx.owned.add(op);
    }
    return;
  }
  if (changesCotangent(op)) {
    // The value itself: what differentiates this derivative must not change cotangents of it once more.
    b.emit({ kind: "prim", op: "-", args: [op.args[0] as Value, b.const(0)], span: op.span, results: op.results });
    return;
  }
  checkAgain(ctx, op, "reverse");
  if (op.callee.kind === "registered" && op.callee.reverse === false) {
    ctx.report(
      "PB3015",
      op.span,
      `The derivative registered for ${op.callee.method ?? op.callee.text} has no reverse mode.`,
      "Give its registration a vjp: (…) => ({ value, pullback }), or use derivative and differential.",
    );
  }
  if (op.spread?.some(Boolean) === true && site.known?.rest === undefined) {
    ctx.report(
      "PB3012",
      op.span,
      "Active arguments are spread into a call whose parameters the compiler cannot match.",
      "Pass the arguments one by one, or declare a rest parameter.",
    );
  }
  const args = site.args.map((a) => a ?? b.const(undefined));
  const shadowArgs = site.args.flatMap((a, i) => {
    if (site.mask[i] !== "1" || (site.kinds[i] !== "r" && site.kinds[i] !== "u") || a === undefined) return [];
    return [shadows.get(a) ?? b.const(undefined)];
  });
  // A method of a class that has no name here is found on its receiver.
  const nameless = op.callee.kind === "known" && op.callee.text === "";
  const unsettled = losesWrites(ctx, op);
  const settles = unsettled && canSettle(ctx, op);
  if (unsettled && !settles) reportLate(ctx, op);
  checkUndone(ctx, op);
  const found = site.known === undefined || nameless;
  const variant = found ? variantOf(b, op, site.mask, site.kinds.join(""), settles) : undefined;
  const frame = b.value(inertType, "frame");
  const sweep = {
    kind: "sweep",
    sweep: "forward",
    callee: op.callee,
    mask: site.mask,
    args: [...args, ...shadowArgs],
    span: op.span,
    ...(settles ? { settled: true as const } : op.catches === true ? { catches: true as const } : {}),
    ...(variant === undefined ? {} : { variant }),
  } as const;
  if (settles) {
    b.emit({ ...sweep, results: [frame] });
    ctx.calls.set(op, {
      site,
      frame,
      ...(variant === undefined ? {} : { variant }),
      outcome: openSettled(ctx, b, op, frame),
    });
    checkCaught(ctx, op);
    return;
  }
  b.emit({ ...sweep, results: [frame, ...op.results.slice(1)] });
  checkCaught(ctx, op);
  b.emit(fieldOf(op, frame, "value", result));
  const p = passing(result.type);
  if ((p === "r" || p === "u") && activity.shadowed(result)) {
    shadows.set(
      result,
      b.load(frame, "shadow", {
        type: result.type,
        readonly: true,
        ...(result.name === undefined ? {} : { name: `s_${result.name}` }),
      }),
    );
  }
  ctx.calls.set(op, variant === undefined ? { site, frame } : { site, frame, variant });
}

/** `result = object.name`, where nothing writes there. */
function fieldOf({ span }: Op, object: Value, name: string, result: Value): Op {
  return { kind: "load", object, key: { kind: "field", name }, readonly: true, span, results: [result] };
}

/** What a call of a function that does not throw left in its frame; answers with the shadow of its outcome, where there is one. */
function openSettled({ activity, shadows, ...ctx }: Context, b: Builder, op: CallOp, frame: Value): Value | undefined {
  const [result, thrown, error] = op.results as [Value, Value, Value];
  const type = outcomeType(result.type);
  const outcome = b.load(frame, "value", { type, readonly: true, name: "outcome" });
  b.emit(fieldOf(op, outcome, "thrown", thrown));
  b.emit(fieldOf(op, outcome, "error", error));
  b.emit(fieldOf(op, outcome, "value", result));
  const isShadowed = activity.shadowed(result);
  if (!isShadowed && !activity.active(result)) return undefined;
  // A function that is found at run time may answer with something that does not vary.
  const zero = slotZero({ activity, shadows, ...ctx }, b, result.type, undefined) ?? b.const(undefined);
  const known = b.load(frame, "shadow", { type, readonly: true });
  const shadow = b.prim("??", [known, b.object([{ key: "value", value: zero }], type)], type, "s_outcome");
  if (isShadowed) shadows.set(result, pointerIn(b, b.load(shadow, "value", { type: result.type }), result));
  return shadow;
}

/** `$pb.variant(f, mask, kinds)` for a function that is found at run time. */
function variantOf(b: Builder, op: CallOp, mask: string, kinds: string, settles: boolean): Value {
  const found = op.callee.kind === "dynamic" ? "method" : "variant";
  const fn = functionOf(b, op);
  const called = settles ? b.runtime("settled", [fn], inertType) : fn;
  return b.runtime(found, [called, b.const(mask), b.const(kinds)], inertType, { name: "variant" });
}

/** The function that a call reaches, as a value. */
export function functionOf(b: Builder, op: CallOp): Value {
  const { callee } = op;
  const receiver = op.args[0] as Value;
  const accessor = "accessor" in callee ? callee.accessor : undefined;
  if (callee.kind === "value") return receiver;
  if (callee.kind !== "inert" && callee.method !== undefined) {
    return accessor === undefined
      ? b.load(receiver, callee.method, { type: inertType, readonly: true })
      : b.runtime("accessor", [receiver, b.const(callee.method), b.const(accessor)], inertType);
  }
  return b.global((callee as { text: string }).text, (callee as { file: string }).file);
}

/** A call without derivative must not stand between the parameters and the result. */
export function checkInert(ctx: Pick<Context, "activity" | "report">, op: CallOp): void {
  const { activity } = ctx;
  const { callee } = op;
  if (callee.kind !== "inert" || removesEntries(op)) return;
  if (callee.operator !== undefined) {
    // A checkpoint of a function is called like the function itself.
    if (callee.operator.name === "checkpoint" || !activity.calledActively(op.results[0] as Value)) return;
    const { refusal } = callee.operator;
    if (refusal !== undefined) {
      ctx.report("PB3014", op.span, refusal.message, refusal.hint);
      return;
    }
    ctx.report(
      "PB3014",
      op.span,
      `What ${callee.operator.name} makes of a function that is not seen here is called with active values.`,
      "Inside differentiated code, apply the operator to a function literal or a named function, with wrt written out.",
    );
    return;
  }
  if (!activity.callVaried(op)) return;
  const result = op.results[0] as Value;
  const through =
    (passing(result.type) !== "-" && (activity.active(result) || activity.shadowed(result))) || activity.hides(result);
  const writes =
    op.effects &&
    !/^console\./.test(callee.text) &&
    op.args.some((v) => (activity.shadowed(v) && activity.aliases.mutable(v)) || activity.hides(v));
  if (!through && !writes) return;
  const { code, message, hint } = callee.refusal ?? {
    code: "PB3001",
    message: `${callee.method ?? callee.text} has no derivative, and an active value passes through it.`,
    hint: "Register one with registerDerivative(…), or stop the derivative with withoutDerivative(…).",
  };
  ctx.report(code, op.span, message, hint);
}

/** The platform's functions have forward-mode code that nobody compiled: as values they are derived once. */
export function checkPlatform(
  ctx: Pick<Context, "report">,
  fn: HirFunction,
  { text, span }: Extract<Op, { kind: "global" }>,
): void {
  if (dualOf(fn.key) === undefined || !/^Math\.[a-z]/.test(text)) return;
  const hint = `Write (x) => ${text}(x) in its place.`;
  ctx.report("PB3014", span, `${text}, taken as a value, cannot be differentiated again.`, hint);
}

const publishedAs: Record<string, string> = {
  reverse: "reverse-mode derivative",
  forward: "forward-mode derivative",
  second: "second derivative",
  third: "third derivative",
};

/** A function of an installed package has what its manifest says. */
function checkPublished(
  { report }: Pick<Context, "report">,
  callee: CallOp["callee"],
  mode: "reverse" | "forward",
  span: Span,
): void {
  let order = 0;
  let of = callee;
  for (; of.kind === "value" && of.code !== undefined; of = of.code.of) order++;
  const published = of.kind === "value" || of.kind === "dynamic" || of.kind === "registered" ? of.published : undefined;
  const wanted = [mode, "second", "third"][order] ?? "higher";
  if (published === undefined || published.modes.includes(wanted)) return;
  const { name, package: from, modes } = published;
  const rebuild =
    of.kind === "registered"
      ? `Give its registration there a vjp and a jvp, written in place or by name, and build the package`
      : `Tag ${name} @differentiable there and build the package`;
  const hints: Record<string, string> = {
    second: `${rebuild} with pullback build --orders 2.`,
    third: `Build the package with pullback build --orders 3${modes.includes("second") ? "" : ", its functions tagged @differentiable"}.`,
    higher: "Packages publish up to the third order: build on the package's source.",
  };
  report(
    "PB3023",
    span,
    `The package ${from} publishes no ${publishedAs[wanted] ?? "derivative of that order"} of ${name}.`,
    hints[wanted] ?? `${rebuild} again with this version of Pullback.`,
  );
}

/** What forward-mode code calls, when it is differentiated again: rules must be there to be seen. */
export function checkAgain(ctx: Pick<Context, "report">, { callee, span }: CallOp, mode: "reverse" | "forward"): void {
  checkPublished(ctx, callee, mode, span);
  const code = callee.kind === "value" ? callee.code : undefined;
  if (code?.rule !== "jvp" || code.of.kind !== "registered" || code.of.jvpKey !== undefined) return;
  if (code.of.published !== undefined) return;
  if (code.of.key === withDerivativeKey) {
    ctx.report(
      "PB3014",
      span,
      "What withDerivative makes of a gradient is no gradient: here, its derivative cannot be had by way of forward mode.",
      "Second derivatives go through withDerivative of a number, in functions all of whose calls can be copied in: no recursion, no operations of a library. Or change the gradient where it is used.",
    );
    return;
  }
  ctx.report(
    "PB3014",
    span,
    `The derivative given for ${code.of.method ?? code.of.text} cannot be differentiated again.`,
    "Second derivatives go through the jvp of a registration: write it in place, as a function literal or a function's name.",
  );
}

/**
 * A function literal that active calls may reach carries its own derivative, which closes over the captures' shadows;
 * by-value captures get their cotangents through an environment object, which is the literal's shadow.
 */
function forwardClosure(ctx: Context, b: Builder, op: ClosureOp): void {
  const { activity, shadows } = ctx;
  const result = op.results[0] as Value;
  const fn = op.function;
  if (!activity.calledActively(result)) {
    b.emit(op);
    return;
  }
  const bits = (values: readonly Value[], active: (i: number) => boolean) =>
    values.map((_, i) => (active(i) ? "1" : "0")).join("");
  const own = bits(fn.params, (i) => passing((fn.params[i] as Value).type) !== "-");
  const captured = bits(op.captures, (i) => {
    const outer = op.captures[i] as Value;
    const kind = passing((fn.captures[i] as Value).type);
    return (
      (kind !== "r" && kind !== "-" && activity.active(outer)) ||
      (kind !== "v" && kind !== "-" && shadows.has(outer) && activity.shadowed(outer))
    );
  });
  if (!own.includes("1") && !captured.includes("1")) {
    b.emit(op);
    return;
  }
  const derived = ctx.derive(fn, own + captured);
  ctx.diagnostics.push(...derived.diagnostics);
  const names = fn.captures.map((c, i) => {
    const kind = passing(c.type);
    return captured[i] === "1" && (kind === "v" || kind === "u") ? captureName(i) : undefined;
  });
  const entries = names.flatMap((key, i) => {
    const type = (fn.captures[i] as Value).type;
    return key === undefined
      ? []
      : [
          {
            key,
            value: slotZero(
              ctx,
              b,
              passing(type) === "u" ? { kind: "leaf", name: "unknown" } : type,
              undefined,
            ) as Value,
          },
        ];
  });
  const environment = b.object(entries, inertType, `s_${fn.name}`);
  shadows.set(result, environment);
  ctx.closures.set(op, { environment, names });
  const withShadow = op.captures.filter(
    (_, i) => captured[i] === "1" && ["r", "u"].includes(passing((fn.captures[i] as Value).type)),
  );
  const codesOf = ([forward, backward]: Sweeps["functions"], settled: { settled?: true }) => [
    {
      ...settled,
      sweep: "forward" as const,
      function: forward as HirFunction,
      captures: [...op.captures, ...withShadow.map((c) => shadows.get(c) ?? b.const(undefined))],
    },
    {
      ...settled,
      sweep: "backward" as const,
      function: backward as HirFunction,
      captures: fn.captures.length > 0 ? [environment] : [],
    },
  ];
  // Whoever calls it may do so in a try.
  const changesFirst = !bodyThrowsFirst(fn.body, ctx.program);
  const settled =
    changesFirst && fn.gradientOf === undefined
      ? ctx.derive(settledFunction(ctx.program, fn), own + captured)
      : undefined;
  b.emit({
    ...op,
    derivative: {
      kinds: fn.params.map((p) => passing(p.type)).join(""),
      mask: own,
      mutates: derived.mutates,
      ...(changesFirst ? { changesFirst } : {}),
      codes: [
        ...codesOf(derived.functions, {}),
        ...(settled === undefined || settled.diagnostics.length > 0
          ? []
          : codesOf(settled.functions, { settled: true })),
      ],
    },
  });
}

/** An active value whose object has no derivative: better none than one that is too small. */
export function reportLost({ report }: Pick<Context, "report">, op: Op): void {
  if (
    op.kind === "load" &&
    op.object.type.kind === "inert" &&
    /^(Big)?(Ui|I)nt\d+(Clamped)?Array$/.test(op.object.type.text)
  ) {
    report(
      "PB2007",
      op.span,
      "An active value comes from an integer array, which rounds what it holds.",
      "Use Float64Array, Float32Array or number[].",
    );
    return;
  }
  report(
    "PB4005",
    op.span,
    "An active value comes from an object that the compiler cannot follow.",
    "Give the object a type that says what it holds, or stop the derivative with withoutDerivative(…).",
  );
}
