/**
 * How reverse operations touch shadows. Additions commute with each other, so that a reverse loop which does nothing
 * else may run earlier; taking an adjoint out of a slot must come after everything that adds to it.
 */
import { find, type MemoryClass, reachable, slot } from "../analysis/index.ts";
import {
  elementType,
  type Key,
  type LoadOp,
  type LoopOp,
  type Op,
  operands,
  passing,
  type Region,
  regions,
  type StoreOp,
  slotKey,
  type Type,
  uses,
  type Value,
  walk,
} from "../hir/index.ts";
import type { Context } from "./context.ts";
import type { Layout } from "./layout.ts";

interface Touched {
  /** Slots that are only added to. */
  readonly added: Set<MemoryClass>;
  /** Slots that are read, cleared or moved. */
  readonly taken: Set<MemoryClass>;
}

export class ShadowAccess {
  private readonly ctx: Context;
  private readonly layout: Layout;
  private readonly primalOf: ReadonlyMap<Value, Value>;

  constructor(ctx: Context, layout: Layout) {
    this.ctx = ctx;
    this.layout = layout;
    this.primalOf = new Map([...ctx.shadows].map(([primal, shadow]) => [shadow, primal]));
  }

  /**
   * May the reverse loop `undo` run before the reverse operations `before` and within the forward loop `loop`, which
   * stands in the region `forward`?
   */
  commutes(undo: LoopOp, loop: LoopOp, before: readonly Op[], forward: Region): boolean {
    const own = this.touched([undo], loop);
    const others = this.touched(before);
    if (own === undefined || others === undefined) return false;
    if (own.taken.size > 0) {
      const outside = this.outside(loop);
      if ([...own.taken].some((c) => outside.has(c))) return false;
    }
    const taken = new Set([...others.taken, ...this.popped()]);
    if ([...own.added].some((c) => taken.has(c))) return false;
    const from = forward.ops.indexOf(loop);
    return !forward.ops.slice(from).some((op) => this.copies(op));
  }

  /** Undefined where something cannot be judged. */
  private touched(ops: readonly Op[], within?: LoopOp): Touched | undefined {
    const region: Region = { params: [], ops: [...ops], results: [] };
    const { activity } = this.ctx;
    const { aliases } = activity;
    const added = new Set<MemoryClass>();
    const taken = new Set<MemoryClass>();
    const additions = accumulations(region);
    const sweeps = new Set<Value>();
    let judged = true;
    const slotOf = (object: Value, key: Key) => find(slot(aliases.classOf(object), slotKey(key, object.type)));
    walk(region, (op) => {
      switch (op.kind) {
        case "const":
        case "global":
        case "prim":
        case "math":
        case "if":
        case "loop":
          return;
        case "load":
        case "store": {
          const primal = this.primalOf.get(op.object);
          if (primal === undefined) {
            // The cotangents that a backward sweep returned.
            if (!(op.kind === "load" && sweeps.has(op.object))) judged = false;
          } else (additions.has(op) ? added : taken).add(slotOf(primal, op.key));
          return;
        }
        case "push":
        case "pop": {
          const primal = this.primalOf.get(op.array);
          if (primal === undefined) judged = false;
          else taken.add(slotOf(primal, { kind: "field", name: "0" }));
          return;
        }
        case "runtime":
          if (op.effects && (op.fn !== "accumulate" || within !== undefined)) judged = false;
          return;
        case "sweep": {
          const call = [...this.ctx.calls].find(([, { frame }]) => frame === op.args[0])?.[0];
          const result = call?.results[0];
          if (op.sweep !== "backward" || call === undefined || aliases.mutated(call).some(Boolean)) {
            judged = false;
            return;
          }
          sweeps.add(op.results[0] as Value);
          // Backward takes the adjoint of an object out of the object's shadow, and adds to the arguments'.
          if (result !== undefined && activity.shadowed(result)) {
            for (const c of reachable(aliases.classOf(result))) taken.add(find(c));
          }
          for (const a of call.args) {
            if (activity.shadowed(a)) for (const c of reachable(aliases.classOf(a))) added.add(find(c));
          }
          return;
        }
        default:
          judged = false;
      }
    });
    return judged ? { added, taken } : undefined;
  }

  /** Memory that something outside a loop can point to. */
  private outside(loop: LoopOp): Set<MemoryClass> {
    const { homes, places } = this.layout;
    const found = new Set<MemoryClass>();
    const inside = (region: Region | undefined) => {
      for (let at = region; at !== undefined; at = places.get(at)?.parent) if (at === loop.body) return true;
      return false;
    };
    for (const [v, home] of homes) {
      if (this.primalOf.has(v) || passing(v.type) === "v") continue;
      // What a loop carries comes from outside.
      if (inside(home) && !loop.body.params.includes(v)) continue;
      for (const c of reachable(this.ctx.activity.aliases.classOf(v))) found.add(find(c));
    }
    return found;
  }

  /** Arrays that the forward sweep pops: it drops slots of their shadows. */
  private popped(): MemoryClass[] {
    const { aliases } = this.ctx.activity;
    const found: MemoryClass[] = [];
    walk(this.ctx.fn.body, (op) => {
      if (op.kind === "pop") found.push(find(slot(aliases.classOf(op.array), "[]")));
    });
    return found;
  }

  /** Does a forward operation copy adjoints, which are zero only before the reverse sweep begins? */
  private copies(op: Op): boolean {
    const shadow = (v: Value) => this.primalOf.has(v);
    if (op.kind === "object")
      return op.entries.some((e) => e.key === undefined && shadow(e.value) && e.value.type.kind !== "struct");
    if (op.kind === "array")
      return op.elements.some((e, i) => op.spread[i] === true && shadow(e) && passing(elementType(e.type)) !== "r");
    if (op.kind === "sweep") return operands(op).some((v) => shadow(v) && holdsUnknown(v.type));
    return regions(op).some((r) => r.ops.some((inner) => this.copies(inner)));
  }
}

/** `shadow[key] += d`: the loads and stores of such additions. */
function accumulations(region: Region): Set<Op> {
  const definitions = new Map<Value, Op>();
  walk(region, (op) => {
    for (const r of op.results) definitions.set(r, op);
  });
  const counts = uses(region);
  const found = new Set<Op>();
  walk(region, (op) => {
    if (op.kind !== "store" || counts.get(op.value) !== 1) return;
    const sum = definitions.get(op.value);
    const plus =
      (sum?.kind === "prim" && sum.op === "+" && sum.args.length === 2) ||
      (sum?.kind === "runtime" && sum.fn === "add");
    if (!plus || sum === undefined) return;
    const before = operands(sum)[0] as Value;
    const load = definitions.get(before);
    if (load?.kind !== "load" || counts.get(before) !== 1 || !sameSlot(load, op)) return;
    found.add(op);
    found.add(load);
  });
  return found;
}

function sameSlot(load: LoadOp, store: StoreOp): boolean {
  if (load.object !== store.object) return false;
  return load.key.kind === "field"
    ? store.key.kind === "field" && store.key.name === load.key.name
    : store.key.kind === "index" && store.key.index === load.key.index;
}

/** Values whose spreads cannot tell slots of numbers from slots of objects. */
function holdsUnknown(type: Type, within: readonly Type[] = []): boolean {
  if (within.includes(type) || within.length > 6) return false;
  const deeper = [...within, type];
  switch (type.kind) {
    case "map":
    case "unknown":
    case "union":
      return true;
    case "array":
      return holdsUnknown(type.element, deeper);
    case "tuple":
      return type.elements.some((t) => holdsUnknown(t, deeper));
    case "struct":
      return [...type.fields().values()].some((t) => holdsUnknown(t, deeper));
    default:
      return false;
  }
}
