/** What calling a function does besides returning a value and writing into what it is given. */
import { memoOf } from "../analysis/index.ts";
import {
  applicationOf,
  type Builder,
  type CallOp,
  definitionsOf,
  deletion,
  dualOf,
  type HirFunction,
  inertType,
  narrowed,
  type Op,
  type OpaqueOp,
  type Program,
  type Type,
  type Value,
  walk,
  withDerivativeKey,
} from "../hir/index.ts";

/** `draws`: it may draw random numbers, whose generator can be put back. `speaks`: it has an effect on the world, or one that nobody sees. */
export type Effects = "free" | "draws" | "speaks";

/** What one function does by its own operations, and whom it calls. */
interface Own {
  readonly draws: boolean;
  readonly speaks: boolean;
  /** It calls functions that it is given. */
  readonly unknown: boolean;
  /** It calls functions with registered derivatives, whose rules are not the functions themselves. */
  readonly rules: boolean;
  readonly callees: readonly string[];
}

export function effectsOf(program: Program, fn: HirFunction): Effects {
  const { draws, speaks } = reached(program, ownOf(fn));
  return speaks ? "speaks" : draws ? "draws" : "free";
}

/**
 * Whether a function has an effect on the world that can be written down; "maybe" where that depends on functions that it
 * is given. Not where it calls functions with registered derivatives: a rule does not ask for the effects of its target.
 */
export function acts(program: Program, fn: HirFunction): boolean | "maybe" {
  return acting(reached(program, ownOf(fn)));
}

export function actsBy(program: Program, key: string): boolean | "maybe" {
  return acting(reached(program, ownBy(program, key)));
}

function acting({ speaks, unknown, rules }: Omit<Own, "callees">): boolean | "maybe" {
  if (rules) return false;
  return speaks || (unknown ? "maybe" : false);
}

function reached(program: Program, root: Own): Omit<Own, "callees"> {
  const seen = new Set<string>();
  const open = [...root.callees];
  let { draws, speaks, unknown, rules } = root;
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const own = ownBy(program, key);
    draws ||= own.draws;
    speaks ||= own.speaks;
    unknown ||= own.unknown;
    rules ||= own.rules;
    open.push(...own.callees);
  }
  return { draws, speaks, unknown, rules };
}

/** The function whose runs another one consists of, by its key: what an operator makes of it, or its forward-mode code. */
function baseOf(key: string): string {
  const made = applicationOf(key) ?? dualOf(key);
  return made === undefined ? key : baseOf(made.of);
}

function ownBy(program: Program, of: string): Own {
  const key = baseOf(of);
  return memoOf(program).get(`effects ${key}`, () => ownOf(program.lower(key)), sameOwn);
}

function sameOwn(a: Own, b: Own): boolean {
  return (
    a.draws === b.draws &&
    a.speaks === b.speaks &&
    a.unknown === b.unknown &&
    a.rules === b.rules &&
    a.callees.length === b.callees.length &&
    a.callees.every((key, i) => key === b.callees[i])
  );
}

function ownOf(root: HirFunction): Own {
  const found = { draws: false, speaks: false, unknown: false, rules: false };
  const callees = new Set<string>();
  const ofCall = (op: CallOp, definitions: ReadonlyMap<Value, Op>): void => {
    const { callee } = op;
    switch (callee.kind) {
      case "registered":
        if (callee.key !== withDerivativeKey) found.rules = true;
        if (callee.effects === "random") found.draws = true;
        else if (callee.effects === "state") found.speaks = true;
        return;
      case "inert":
        if (actsInert(op)) found.speaks = true;
        return;
      case "known":
        callees.add(callee.key);
        return;
      case "dynamic":
        if (callee.published === undefined) {
          for (const key of callee.implementations) callees.add(key);
          found.draws = true;
          return;
        }
    }
    const effects = callee.published?.conduct?.effects;
    if (effects === "state") found.speaks = true;
    else if (effects !== "none") found.draws = true;
    if (callee.kind !== "value" || callee.published !== undefined) return;
    // Functions of the platform, and others that only have a declaration.
    const called = definitions.get(op.args[0] as Value);
    if (called?.kind === "global" && called.functionKey === undefined && called.holds === undefined)
      found.speaks = true;
    else if (!isSeen(op, called, root)) found.unknown = true;
  };
  const visit = (each: HirFunction, outer: ReadonlyMap<Value, Op>): void => {
    const { body } = bottom(each);
    const definitions = definitionsOf(body, new Map(outer));
    walk(body, (op) => {
      if (op.kind === "call") ofCall(op, definitions);
      // Functions that are named here, or held by a table, are called here or by whoever is given them.
      if (op.kind === "global") {
        for (const key of [...(op.functionKey === undefined ? [] : [op.functionKey]), ...(op.holds ?? [])])
          callees.add(key);
      }
      if (op.kind === "opaque" && actsOpaque(op)) found.speaks = true;
      if (writesState(op, definitions)) found.speaks = true;
      if (op.kind === "closure") visit(op.function, inside(op.function.captures, op.captures, definitions));
    });
  };
  visit(root, new Map());
  return { ...found, callees: [...callees] };
}

/** Whether a call of a function value reaches a literal of `root`, or derivatives. */
export function isSeen({ callee }: CallOp, called: Op | undefined, root: HirFunction): boolean {
  if (called?.kind === "closure" || (callee.kind === "value" && callee.code !== undefined)) return true;
  // What an operator makes of a function consists of derivatives.
  if (called?.kind === "call") return called.callee.kind === "inert" && called.callee.operator !== undefined;
  if (called?.kind === "global") return called.functionKey !== undefined;
  return called?.kind === "load" && isBox(called.object) && boxesHoldLiterals(root);
}

/** A captured variable that is assigned, or a local function that is used before it stands. */
const isBox = ({ type }: Value) => type.kind === "struct" && type.name === "{ value }";

/** Whether the local functions of a function, and nothing else that can be called, live in boxes. */
function boxesHoldLiterals(root: HirFunction): boolean {
  const visit = (fn: HirFunction): boolean => {
    const definitions = definitionsOf(fn.body);
    let all = true;
    walk(fn.body, (op) => {
      const made = op.kind === "store" && isBox(op.object) ? definitions.get(op.value) : undefined;
      if (op.kind === "store" && isBox(op.object) && op.value.type.kind === "function" && made?.kind !== "closure")
        all = false;
      if (op.kind === "closure" && !visit(op.function)) all = false;
    });
    return all;
  };
  return visit(bottom(root));
}

/** The function whose runs a gradient consists of. */
function bottom(fn: HirFunction): HirFunction {
  return fn.gradientOf === undefined ? fn : bottom(fn.gradientOf.of);
}

/** What a literal knows of its captures. */
export function inside(
  captures: readonly Value[],
  given: readonly Value[],
  definitions: ReadonlyMap<Value, Op>,
): Map<Value, Op> {
  const known = new Map<Value, Op>();
  captures.forEach((capture, i) => {
    const made = definitions.get(given[i] as Value);
    if (made !== undefined) known.set(capture, made);
  });
  return known;
}

export function actsInert(op: CallOp): boolean {
  const { callee, effects } = op;
  if (callee.kind !== "inert" || !effects || changesCollection(op)) return false;
  return callee.stops !== true && callee.operator === undefined;
}

/** Methods by which the platform's collections change themselves, and nothing else. */
const ofCollections = new Set(
  "push pop shift unshift splice sort reverse fill copyWithin set add delete clear".split(" "),
);

/** By its name; what it is called on is not always known. */
export function mayChangeCollection({ callee }: CallOp): boolean {
  if (callee.kind !== "inert" || callee.accessor !== undefined) return false;
  return callee.method === undefined ? callee.text === deletion : ofCollections.has(callee.method);
}

/** Whether a call changes its first argument, a collection that is seen as one, and does nothing else. */
export function changesCollection(op: CallOp): boolean {
  const [object] = op.args;
  if (object === undefined || !mayChangeCollection(op)) return false;
  return op.callee.kind === "inert" && (op.callee.method === undefined || isCollection(narrowed(object.type)));
}

function isCollection(type: Type): boolean {
  if (type.kind === "union") return type.members.every(isCollection);
  return type.kind === "array" || type.kind === "tuple" || (type.kind === "map" && type.record !== true);
}

export function actsOpaque(op: OpaqueOp): boolean {
  return op.effects && !/^\s*new \w*Error\(/.test(op.parts[0] ?? "");
}

/** An object that belongs to a module, or is held by one. */
export function isState(v: Value, definitions: ReadonlyMap<Value, Op>): boolean {
  const made = definitions.get(v);
  return made?.kind === "load" ? isState(made.object, definitions) : made?.kind === "global";
}

/** The object that an operation writes into, where that is state of a module. */
export function writesState(op: Op, definitions: ReadonlyMap<Value, Op>): Value | undefined {
  const object = writtenBy(op);
  return object !== undefined && isState(object, definitions) ? object : undefined;
}

function writtenBy(op: Op): Value | undefined {
  if (op.kind === "store") return op.object;
  if (op.kind === "push" || op.kind === "pop") return op.array;
  return op.kind === "call" && changesCollection(op) ? op.args[0] : undefined;
}

/** Functions that consist of derivatives: what they call is written down where it happens. */
export const isDerivative = (key: string): boolean => dualOf(key) !== undefined || applicationOf(key) !== undefined;

/** The log of a function's effects, for all its runs; undefined where it has none. */
export function effectLog(b: Builder, program: Program, fn: HirFunction): Value | undefined {
  if (acts(program, fn) === false) return undefined;
  return b.runtime("effectLog", [], inertType, { effects: true, name: "log" });
}

/** One of the runs: the first writes the log, the others read it. */
export function within<T>(b: Builder, log: Value | undefined, work: () => T): T {
  const run = log === undefined ? undefined : b.runtime("enter", [log], inertType, { effects: true, name: "run" });
  const result = work();
  if (run !== undefined) b.runtime("leave", [run], undefined, { effects: true });
  return result;
}
