/**
 * Brings values of the forward sweep to where the reverse sweep needs them. Straight-line values are simply still
 * there; what a branch defines is merged out of it; what a loop defines is pushed on a stack per iteration, or
 * recomputed from what is available, as the cheapest cut says.
 */
import type { Activity } from "../analysis/index.ts";
import {
  Builder,
  type Ids,
  type IfOp,
  isNumeric,
  mapOp,
  noSpan,
  type Op,
  operands,
  passing,
  type Region,
  regions,
  slotKey,
  substitute,
  type Value,
} from "../hir/index.ts";
import type { Form } from "./context.ts";
import { loopFactor, recomputing, stackEntry } from "./cost.ts";
import type { Finality } from "./finality.ts";
import type { Layout, Place } from "./layout.ts";
import { type CutNode, cheapestSaves } from "./mincut.ts";
import { place, type Stacks } from "./stacks.ts";

export interface PlanInput {
  readonly form: Form;
  readonly ids: Ids;
  readonly activity: Activity;
  readonly layout: Layout;
  /** Shadow values and the values they belong to: memory that mirrors memory. */
  readonly shadowed: ReadonlyMap<Value, Value>;
  readonly stacks: Stacks;
  readonly finality: Finality;
  /** The region of the forward sweep that `reverse` undoes; what is defined there or around it is simply still there. */
  readonly base: Region;
  readonly reverse: Region;
  readonly mirrors: ReadonlyMap<Region, Region>;
  readonly iterations: ReadonlyMap<Region, Value>;
  readonly indices: ReadonlyMap<Value, Value>;
  readonly unchanged: ReadonlyMap<Value, Value>;
  /** Number of operations at the start of a region of the reverse sweep that stay in front of what is fetched. */
  readonly starts: ReadonlyMap<Region, number>;
}

export class SavePlan {
  private readonly input: PlanInput;
  private readonly exported = new Map<Value, Value>();
  private readonly replacements = new Map<Value, Value>();
  private readonly fetches = new Map<Region, Op[]>();
  /** What the reverse sweep begins with. */
  private readonly front: Op[] = [];
  /** Stacks that the reverse sweep empties. */
  private readonly unwound = new Map<Value, Value>();

  constructor(input: PlanInput) {
    this.input = input;
  }

  /** Adds what is needed to the forward sweep, in place; returns the finished reverse sweep. */
  run(): Region {
    const { input } = this;
    const { layout, reverse } = input;
    const needed = this.needs();
    const { saved, recomputed } = this.decide(needed);
    for (const v of saved) this.fetch(v);
    const again = [...recomputed].sort((a, b) => (layout.order.get(a) as number) - (layout.order.get(b) as number));
    for (const v of again) this.recompute(v);
    for (const [region, ops] of this.fetches) {
      region.ops.splice(input.starts.get(region) ?? 0, 0, ...ops);
    }
    reverse.ops.unshift(...this.front);
    const map = new Map([...input.unchanged, ...input.indices, ...this.replacements]);
    return substitute(reverse, map);
  }

  /** Values of the forward sweep that the reverse sweep reads. */
  private needs(): Set<Value> {
    const { layout, unchanged, indices, reverse } = this.input;
    const found = new Set<Value>();
    const use = (v: Value) => {
      let at = v;
      for (let next = unchanged.get(at); next !== undefined; next = unchanged.get(at)) at = next;
      if (layout.homes.has(at) && !indices.has(at)) found.add(at);
    };
    const visit = (region: Region) => {
      for (const op of region.ops) {
        for (const v of operands(op)) use(v);
        for (const inner of regions(op)) visit(inner);
      }
      for (const v of region.results) use(v);
    };
    visit(reverse);
    for (const i of indices.values()) if (layout.homes.has(i)) found.add(i);
    return found;
  }

  private home(v: Value): Region {
    return this.input.layout.homes.get(v) as Region;
  }

  private place(region: Region): Place | undefined {
    return this.input.layout.places.get(region);
  }

  /** Literals and module-level names are written again wherever they are needed. */
  private isLiteral(v: Value): boolean {
    const op = this.input.layout.definitions.get(v);
    return op?.kind === "const" || op?.kind === "global";
  }

  private isFree(v: Value): boolean {
    if (this.input.indices.has(v)) return true;
    return this.stands(this.home(v)) && (this.input.form === "joint" || !this.input.layout.definitions.has(v));
  }

  /** Are a region's values still there when its reverse sweep runs? */
  private stands(region: Region): boolean {
    let at: Region | undefined = this.input.base;
    while (at !== undefined && at !== region) at = this.place(at)?.parent;
    return at === region;
  }

  private depth(v: Value): number {
    const { base } = this.input;
    return Math.max(0, (this.place(this.home(v))?.depth ?? 0) - (this.place(base)?.depth ?? 0));
  }

  private saveCost(v: Value): number {
    const depth = this.depth(v);
    if (depth === 0) return this.input.form === "joint" ? 0.5 : 2;
    return stackEntry * loopFactor ** depth;
  }

  private recomputeCost(v: Value): number {
    const op = this.input.layout.definitions.get(v);
    if (op === undefined) return Number.POSITIVE_INFINITY;
    if (op.kind === "load" && !this.reloadable(op)) return Number.POSITIVE_INFINITY;
    return recomputing(op) * loopFactor ** this.depth(v);
  }

  /** May the reverse sweep read this slot again and find what the forward sweep found? */
  private reloadable(op: Extract<Op, { kind: "load" }>): boolean {
    const { activity, form, shadowed, layout } = this.input;
    const primal = shadowed.get(op.object);
    const object = primal ?? op.object;
    // `move` and optimizers assign readonly fields too, between the sweeps; pointers stay.
    const moves = form === "split" && primal === undefined && passing((op.results[0] as Value).type) !== "r";
    if (
      op.readonly === true &&
      !(moves && passing(op.object.type) !== "-" && passing((op.results[0] as Value).type) !== "-")
    )
      return true;
    if (primal !== undefined && passing((op.results[0] as Value).type) === "v") return false;
    const mayRunAgain = form === "split" && primal !== undefined;
    if (
      !activity.constant(object, slotKey(op.key, op.object.type)) &&
      (mayRunAgain || !this.input.finality.final(op, object))
    ) {
      return false;
    }
    // Between the sweeps of a split derivative the caller may write, and a sweep that ran before may have undone what
    // the program did to the pointers in a shadow; nobody but us holds what we made.
    return form === "joint" || this.isPrivate(object, layout);
  }

  private isPrivate(object: Value, layout: Layout): boolean {
    const op = layout.definitions.get(object);
    const fresh = op !== undefined && ["array", "object", "newArray", "new"].includes(op.kind);
    return fresh && !this.input.activity.aliases.escapes(object);
  }

  private decide(needed: ReadonlySet<Value>): { saved: Set<Value>; recomputed: Set<Value> } {
    const nodes = new Map<Value, CutNode<Value>>();
    const recomputed = new Set<Value>();
    const literals = new Set<Value>();
    preorder(needed, (v) => {
      if (this.isLiteral(v)) {
        if (!this.isFree(v)) literals.add(v);
        return none;
      }
      if (this.isFree(v) || nodes.has(v)) return none;
      const recompute = this.recomputeCost(v);
      const op = this.input.layout.definitions.get(v);
      const needs = recompute < Number.POSITIVE_INFINITY && op !== undefined ? operands(op) : [];
      const real = needs.filter((o) => !this.isFree(o) && !this.isLiteral(o));
      nodes.set(v, { item: v, save: this.saveCost(v), recompute, operands: real });
      return needs;
    });
    const wanted = [...needed].filter((v) => nodes.has(v));
    const cut = cheapestSaves([...nodes.values()], wanted);
    const saved = new Set<Value>();
    preorder(needed, (v) => {
      if (literals.has(v)) recomputed.add(v);
      if (!nodes.has(v) || saved.has(v) || recomputed.has(v)) return none;
      if (cut.has(v)) {
        saved.add(v);
        return none;
      }
      recomputed.add(v);
      return operands(this.input.layout.definitions.get(v) as Op);
    });
    return { saved, recomputed };
  }

  private prologue(region: Region): Op[] {
    if (this.stands(region)) return this.front;
    const mirror = this.input.mirrors.get(region);
    if (mirror === undefined) throw new Error("Compiler defect: a value is needed from a region that is not reversed.");
    let ops = this.fetches.get(mirror);
    if (ops === undefined) {
      ops = [];
      this.fetches.set(mirror, ops);
    }
    return ops;
  }

  private recompute(v: Value): void {
    const op = this.input.layout.definitions.get(v) as Op;
    const copy = { ...v, id: this.input.ids.next++ };
    this.replacements.set(v, copy);
    this.prologue(this.home(v)).push(
      mapOp(
        op,
        (o) => o,
        (r) => r,
        () => copy,
      ),
    );
  }

  /** Makes a saved value available in the mirror of its region. */
  private fetch(v: Value): Value {
    const known = this.replacements.get(v);
    if (known !== undefined) return known;
    const region = this.home(v);
    if (this.stands(region)) return v;
    const place = this.place(region) as Place;
    if (place.role === "test") throw new Error("Compiler defect: the test of a loop is read by the reverse sweep.");
    const found =
      place.op.kind === "if" ? this.fetch(this.export(v, region, place, place.op)) : this.fromStack(v, region);
    this.replacements.set(v, found);
    return found;
  }

  /** Merges a value out of the branch that defines it. */
  private export(v: Value, region: Region, place: Place, op: IfOp): Value {
    let outside = this.exported.get(v);
    if (outside !== undefined) return outside;
    outside = { ...v, id: this.input.ids.next++ };
    this.exported.set(v, outside);
    region.results.push(v);
    const other = op.then === region ? op.else : op.then;
    if (other.diverges !== true) {
      const b = new Builder(other.ops, this.input.ids, op.span);
      other.results.push(
        isNumeric(v.type) || v.type.kind === "inert"
          ? b.const(isNumeric(v.type) ? 0 : undefined, v.type)
          : b.const(undefined, v.type),
      );
    }
    op.results.push(outside);
    this.adopt(outside, place.parent, op);
    return outside;
  }

  private adopt(v: Value, region: Region, op: Op): void {
    (this.input.layout.homes as Map<Value, Region>).set(v, region);
    (this.input.layout.definitions as Map<Value, Op>).set(v, op);
  }

  private fromStack(v: Value, region: Region): Value {
    const { ids, iterations, stacks, form, base } = this.input;
    const stack = stacks.of(v, region, base, (made, home, op) => this.adopt(made, home, op));
    const span = v.span ?? noSpan;
    const copy = { ...v, id: ids.next++ };
    if (stack.numbered !== undefined) {
      const array = this.fetch(stack.array);
      const at = new Builder(this.prologue(region), ids, span);
      const index = place(
        at,
        stack.numbered,
        (body) => iterations.get(body) as Value,
        (count) => this.fetch(count),
      );
      at.emit({ kind: "load", object: array, key: { kind: "index", index }, readonly: true, span, results: [copy] });
      return copy;
    }
    let array = this.unwound.get(stack.array);
    if (array === undefined) {
      array = this.fetch(stack.array);
      if (form === "split") {
        // Backward may run again: it empties a copy.
        const outside = new Builder(this.prologue(stack.around), ids, span);
        const { type, name = "stack" } = stack.array;
        array = outside.array([array], type, { spread: [true], name, stack: true });
      }
      this.unwound.set(stack.array, array);
    }
    this.prologue(region).push({ kind: "pop", array, span, results: [copy] });
    return copy;
  }
}

const none: readonly Value[] = [];

/** From each value on, first itself, then what `visit` names, in order; without recursion, since chains may be long. */
function preorder(from: Iterable<Value>, visit: (v: Value) => readonly Value[]): void {
  const ahead = [...from].reverse();
  for (let v = ahead.pop(); v !== undefined; v = ahead.pop()) {
    const next = visit(v);
    for (let i = next.length - 1; i >= 0; i--) ahead.push(next[i] as Value);
  }
}
