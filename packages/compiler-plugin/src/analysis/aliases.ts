/** Which values may point to the same memory, what a function writes, and the summary that its callers use. */
import type {
  CallOp,
  FoundCode,
  GradientOf,
  HirFunction,
  Program,
  PublishedCode,
  Region,
  RuntimeOp,
  Type,
  Value,
} from "../hir/index.ts";
import { dualOf, isLoose, passing, slotKey, walk } from "../hir/index.ts";
import { type Memo, memoOf } from "./memo.ts";
import { collapse, find, MemoryClass, mark, reachable, slot, unify, writtenIn } from "./memory.ts";

/** What a caller must know of a callee. One entry per parameter. */
export interface Summary {
  /** The callee writes memory reachable from the parameter. */
  readonly mutates: readonly boolean[];
  /** The result may share memory with the parameter. */
  readonly returned: readonly boolean[];
  /** Pairs of parameters whose memory the callee may link. */
  readonly linked: readonly (readonly [number, number])[];
}

export interface Aliases {
  /** Class of the object that a by-reference (or unknown) value points to. */
  classOf(value: Value): MemoryClass;
  readonly summary: Summary;
  /** The object itself can be written: an array, a struct, a Map. */
  mutable(value: Value): boolean;
  /** Someone outside may hold the object: it is returned, passed on, or came in. */
  escapes(value: Value): boolean;
  /** Per call: which arguments it may write through. */
  mutated(call: CallOp): readonly boolean[];
}

export function pointsToMemory(type: Type): boolean {
  const p = passing(type);
  // Objects of inert type may still be arrays of indices and the like, whose writes matter to recomputation.
  return p === "r" || p === "u" || (type.kind === "inert" && !scalars.has(type.text));
}

const scalars = new Set(
  "boolean string Int key enum undefined null bigint number symbol void never constructor".split(" "),
);

/** Objects of JavaScript's own in which an active value could travel unseen: a Set, an iterator, a caught error. */
export function mayHide(type: Type): boolean {
  return type.kind === "inert" && pointsToMemory(type) && !harmless.has(type.text);
}

/** Positions, keys, and what the program itself declares to be without derivative. */
const harmless = new Set(["NoDerivative", "Int[]", "key[]", "unknown"]);

/**
 * Summaries of the functions of one program, made on demand. A function that calls itself has the least summary that
 * agrees with its calls; functions in longer cycles are taken to write and link everything.
 */
export class Summaries {
  readonly program: Pick<Program, "lower">;
  readonly memo: Memo;
  /** Functions under way, with what is assumed of them. */
  private readonly open = new Map<string, { summary: Summary; consulted: boolean }>();

  constructor(program: Pick<Program, "lower">) {
    this.program = program;
    this.memo = memoOf(program);
  }

  /** The summary of a function's own operations. */
  made(fn: HirFunction): Summary {
    const { gradientOf } = fn;
    return gradientOf === undefined ? aliases(fn, this).summary : ofGradient(fn, this.made(gradientOf.of), gradientOf);
  }

  of(key: string, arity: number): Summary {
    const assumed = this.open.get(key);
    if (assumed !== undefined) {
      if ([...this.open.keys()].at(-1) !== key) return worst(arity);
      assumed.consulted = true;
      return assumed.summary;
    }
    return this.memo.get(`summary ${key}`, () => this.compute(key), sameSummary);
  }

  private compute(key: string): Summary {
    const assumed: { summary: Summary; consulted: boolean } = {
      summary: { mutates: [], returned: [], linked: [] },
      consulted: false,
    };
    this.open.set(key, assumed);
    try {
      for (let round = 0; round < 10; round++) {
        const found = this.made(this.program.lower(key));
        if (!assumed.consulted || sameSummary(found, assumed.summary)) return found;
        assumed.summary = found;
      }
      return worst(this.program.lower(key).params.length);
    } finally {
      this.open.delete(key);
    }
  }
}

function sameSummary(a: Summary, b: Summary): boolean {
  const bits = (one: readonly boolean[], other: readonly boolean[]) =>
    one.length === other.length && one.every((bit, i) => bit === other[i]);
  return (
    bits(a.mutates, b.mutates) &&
    bits(a.returned, b.returned) &&
    a.linked.length === b.linked.length &&
    a.linked.every(([i, j], at) => b.linked[at]?.[0] === i && b.linked[at][1] === j)
  );
}

/** A gradient does to its arguments what its function does, unless it undoes that. */
function ofGradient(fn: HirFunction, of: Summary, { inputs, undoes }: GradientOf): Summary {
  if (undoes === true) return { mutates: [], returned: [], linked: [] };
  const about = (list: readonly boolean[]) =>
    fn.params.map((_, p) => inputs.some(({ param }, i) => param === p && list[i] === true));
  const linked = of.linked.flatMap(([i, j]) => [[inputs[i]!.param, inputs[j]!.param] as const]);
  return { mutates: about(of.mutates), returned: [], linked: linked.filter(([i, j]) => i !== j && i >= 0 && j >= 0) };
}

function worst(arity: number): Summary {
  const all = Array.from({ length: arity }, () => true);
  const linked = all.flatMap((_, i) => all.slice(0, i).map((_, j) => [j, i] as const));
  return { mutates: all, returned: all, linked };
}

function union(summaries: readonly Summary[], arity: number): Summary {
  const any = (pick: (s: Summary) => readonly boolean[]) =>
    Array.from({ length: arity }, (_, i) => summaries.some((s) => pick(s)[i] ?? false));
  return {
    mutates: any((s) => s.mutates),
    returned: any((s) => s.returned),
    linked: summaries.flatMap((s) => s.linked),
  };
}

/** Does a call spread arrays over parameters that cannot be told apart? One array for a rest parameter can. */
export function spreadsFreely(call: CallOp, summaries: Summaries): boolean {
  if (call.spread?.some(Boolean) !== true) return false;
  if (call.callee.kind !== "known") return true;
  const { rest } = summaries.program.lower(call.callee.key);
  return rest === undefined || call.args.length !== rest + 1 || call.spread.slice(0, rest).some(Boolean);
}

/** What a call may do to its arguments; registered functions leave them alone. */
export function summaryOfCall(call: CallOp, summaries: Summaries): Summary {
  const arity = call.args.length;
  const none = { mutates: [], returned: [], linked: [] };
  switch (call.callee.kind) {
    case "known":
      return spreadsFreely(call, summaries) ? worst(arity) : summaries.of(call.callee.key, arity);
    case "registered":
      return none;
    case "dynamic":
      return call.callee.implementations.length === 0
        ? (ofPublished(call, call.callee.published, 0) ?? {
            ...worst(arity),
            mutates: call.args.map(() => call.effects),
          })
        : union(
            call.callee.implementations.map((key) => summaries.of(key, arity)),
            arity,
          );
    case "value":
      if (call.callee.code !== undefined) return summaryOfCode(call, call.callee.code, summaries);
      return ofPublished(call, call.callee.published, 1) ?? worst(arity);
    case "inert":
      return call.effects ? { ...worst(arity), linked: [] } : { ...none, returned: call.args.map(() => true) };
  }
}

/** What a package says of its function; `first` is where the function's own arguments begin. */
function ofPublished(call: CallOp, published: PublishedCode | undefined, first: number): Summary | undefined {
  const conduct = published?.conduct;
  if (conduct === undefined || call.spread?.some(Boolean) === true) return undefined;
  if (call.args.length - first > conduct.mutates.length) return undefined;
  const bits = (mask: string) => [
    ...Array.from({ length: first }, () => false),
    ...[...mask].map((bit) => bit === "1"),
  ];
  return {
    mutates: bits(conduct.mutates),
    returned: bits(conduct.returned),
    linked: conduct.linked.map(([i, j]) => [i + first, j + first] as const),
  };
}

/** Derivatives that stand as literals: what they do to their arguments follows from what their functions do. */
const isDerivative = (fn: HirFunction) => fn.gradientOf !== undefined || dualOf(fn.key) !== undefined;

/** A call of a literal that is seen; what it captured belongs to the function itself, which comes first. */
function summaryOfLiteral(call: CallOp, fn: HirFunction, summaries: Summaries): Summary {
  if (call.spread?.some(Boolean) === true) return worst(call.args.length);
  const { gradientOf } = fn;
  const whole = (each: HirFunction) => ({ ...each, params: [...each.params, ...each.captures], captures: [] });
  const { length } = fn.params;
  const inner =
    gradientOf === undefined
      ? aliases(whole(fn), summaries).summary
      : ofGradient(fn, summaries.made(gradientOf.of), gradientOf);
  const captured =
    gradientOf === undefined || gradientOf.undoes === true
      ? inner.mutates.slice(length)
      : aliases(whole(gradientOf.of), summaries).summary.mutates.slice(gradientOf.of.params.length);
  const place = (i: number) => (i < length ? i + 1 : 0);
  const returnsCaptured = inner.returned.slice(length).some(Boolean);
  return {
    mutates: [captured.some(Boolean), ...inner.mutates.slice(0, length)],
    returned: [returnsCaptured, ...inner.returned.slice(0, length)],
    linked: inner.linked.map(([i, j]) => [place(i), place(j)] as const).filter(([i, j]) => i !== j),
  };
}

/** Forward-mode code does to its arguments what the function does, and to their tangents what it does to them. */
function summaryOfCode(call: CallOp, { of, mask, rule }: FoundCode, summaries: Summaries): Summary {
  const arity = call.args.length;
  const none = { mutates: [], returned: [], linked: [] };
  if (rule !== undefined) return none;
  const given = [...mask].map((_, i) => i);
  const tangents = given.filter((i) => mask[i] === "1");
  // The function itself comes first; what belongs to an argument is said of its tangent too.
  const places = (of.kind === "value" ? [-1, ...given] : given).map((i) => i + 1);
  const inner = summaryOfCall({ ...call, callee: of, args: places.map((i) => call.args[i]!) }, summaries);
  const offset = of.kind === "value" ? 1 : 0;
  const own = [-1, ...given, ...tangents];
  const about = (list: readonly boolean[]) => own.map((i) => list[i + offset] ?? false);
  const partners = (i: number) => own.flatMap((p, at) => (p + offset === i ? [at] : []));
  const linked = inner.linked.flatMap(([i, j]) => partners(i).flatMap((a) => partners(j).map((b) => [a, b] as const)));
  return {
    mutates: about(inner.mutates).slice(0, arity),
    returned: about(inner.returned).slice(0, arity),
    linked: linked.filter(([a, b]) => a < arity && b < arity),
  };
}

/** Operands of a call of the runtime that its result stands for, or hands on. */
export function handedOn({ fn, args }: RuntimeOp): readonly Value[] {
  switch (fn) {
    case "tree":
      return args.slice(1);
    case "element":
    case "jvp":
    case "methodJvp":
      return args.slice(0, 1);
    case "withCode":
      return [args[0]!, args[3]!];
    default:
      return [];
  }
}

export function aliases(fn: HirFunction, summaries: Summaries): Aliases {
  const classes = new Map<Value, MemoryClass>();
  const mutations = new Map<CallOp, readonly boolean[]>();
  const classOf = (v: Value): MemoryClass => {
    let c = classes.get(v);
    if (c === undefined) {
      c = new MemoryClass();
      classes.set(v, c);
    }
    return find(c);
  };
  const same = (a: Value | undefined, b: Value | undefined) => {
    if (a !== undefined && b !== undefined && pointsToMemory(a.type) && pointsToMemory(b.type))
      unify(classOf(a), classOf(b));
  };
  const content = (object: Value, name: string, value: Value) => {
    if (pointsToMemory(value.type)) unify(slot(classOf(object), name), classOf(value));
  };
  const write = (object: Value, name: string) => {
    slot(classOf(object), name).written = true;
  };

  for (const p of [...fn.params, ...fn.captures]) if (pointsToMemory(p.type)) classOf(p).external = true;

  const literals = new Map<Value, HirFunction>();
  const visit = (region: Region) =>
    walk(region, (op) => {
      if (op.kind === "closure" && isDerivative(op.function)) literals.set(op.results[0]!, op.function);
      switch (op.kind) {
        case "global":
          classOf(op.results[0]!).external = true;
          return;
        case "array":
          op.elements.forEach((e, i) => {
            if (op.spread[i] === true) unify(slot(classOf(op.results[0]!), "[]"), slot(classOf(e), "[]"));
            else content(op.results[0]!, "[]", e);
          });
          return;
        case "object":
          for (const e of op.entries) {
            if (e.key !== undefined) {
              content(op.results[0]!, slotKey({ kind: "field", name: e.key }, op.results[0]!.type), e.value);
              continue;
            }
            // A copy of the fields: the slots are distinct, what they point to is shared.
            const from = classOf(e.value);
            if (e.value.type.kind === "struct" && !isLoose(e.value.type) && !from.collapsed) {
              for (const [name, type] of e.value.type.fields()) {
                if (pointsToMemory(type)) unify(slot(classOf(op.results[0]!), name), slot(classOf(e.value), name));
              }
            } else same(e.value, op.results[0]);
          }
          return;
        case "newArray":
          if (op.fill !== undefined) content(op.results[0]!, "[]", op.fill);
          return;
        case "new":
          if (op.results[0] !== undefined)
            for (const f of op.fields) content(op.results[0], f.name, op.args[f.argument]!);
          return;
        case "load":
          if (pointsToMemory(op.results[0]!.type))
            unify(slot(classOf(op.object), slotKey(op.key, op.object.type)), classOf(op.results[0]!));
          return;
        case "store":
          content(op.object, slotKey(op.key, op.object.type), op.value);
          write(op.object, slotKey(op.key, op.object.type));
          return;
        case "push":
          content(op.array, "[]", op.value);
          write(op.array, "[]");
          write(op.array, "length");
          return;
        case "pop":
          if (pointsToMemory(op.results[0]!.type)) unify(slot(classOf(op.array), "[]"), classOf(op.results[0]!));
          write(op.array, "[]");
          write(op.array, "length");
          return;
        case "if":
          op.results.forEach((r, i) => {
            same(r, op.then.results[i]);
            same(r, op.else.results[i]);
          });
          return;
        case "loop": {
          const offset = op.counted === undefined ? 0 : 1;
          op.initial.forEach((v, i) => {
            same(op.results[i], v);
            same(op.results[i], op.body.params[i + offset]);
            same(op.results[i], op.body.results[i]);
            same(op.results[i], op.test?.params[i]);
          });
          return;
        }
        case "closure":
          op.captures.forEach((c, i) => {
            content(op.results[0]!, `capture ${i}`, c);
          });
          return;
        case "opaque":
          for (const v of op.operands) {
            if (!pointsToMemory(v.type)) continue;
            if (op.effects) mark(classOf(v), "deepWritten");
            mark(classOf(v), "escapes");
            if (op.results[0] !== undefined && pointsToMemory(op.results[0].type)) {
              collapse(classOf(v));
              same(v, op.results[0]);
            }
          }
          return;
        case "runtime":
          for (const v of handedOn(op)) same(v, op.results[0]);
          return;
        case "call": {
          const literal = op.callee.kind === "value" ? literals.get(op.args[0]!) : undefined;
          const summary =
            literal === undefined ? summaryOfCall(op, summaries) : summaryOfLiteral(op, literal, summaries);
          mutations.set(op, summary.mutates);
          const points = (v: Value | undefined): v is Value => v !== undefined && pointsToMemory(v.type);
          const link = (a: Value | undefined, b: Value | undefined) => {
            if (!points(a) || !points(b)) return;
            collapse(classOf(a));
            collapse(classOf(b));
            unify(classOf(a), classOf(b));
          };
          for (const [i, j] of summary.linked) link(op.args[i], op.args[j]);
          op.args.forEach((v, i) => {
            if (!points(v)) return;
            if (summary.returned[i] === true) link(v, op.results[0]);
            if (summary.mutates[i] === true) mark(classOf(v), "deepWritten");
            if (op.callee.kind !== "registered" || op.callee.retains) mark(classOf(v), "escapes");
          });
          return;
        }
        default:
          return;
      }
    });
  // Classes merge as they are met, and `slot` gives a collapsed class itself: a second visit sees the final classes.
  visit(fn.body);
  visit(fn.body);

  const result = fn.body.results[0];
  if (result !== undefined && pointsToMemory(result.type)) mark(classOf(result), "escapes");
  const reach = fn.params.map((p) => (pointsToMemory(p.type) ? reachable(classOf(p)) : new Set<MemoryClass>()));
  const reached =
    result !== undefined && pointsToMemory(result.type) ? reachable(classOf(result)) : new Set<MemoryClass>();
  const meets = (a: Set<MemoryClass>, b: Set<MemoryClass>) => [...a].some((c) => b.has(c));
  const linked: [number, number][] = [];
  for (let i = 0; i < reach.length; i++)
    for (let j = 0; j < i; j++) if (meets(reach[i]!, reach[j]!)) linked.push([j, i]);
  const summary: Summary = {
    mutates: fn.params.map((p) => pointsToMemory(p.type) && writtenIn(classOf(p))),
    returned: reach.map((set) => meets(set, reached)),
    linked,
  };
  const escapes = (v: Value) => find(classOf(v)).escapes || find(classOf(v)).external;
  return {
    classOf,
    summary,
    escapes,
    mutable: (v) => passing(v.type) !== "v",
    mutated: (call) => mutations.get(call) ?? [],
  };
}
