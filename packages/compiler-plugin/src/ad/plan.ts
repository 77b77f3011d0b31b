/**
 * Brings values of the forward sweep to where the reverse sweep needs them. Straight-line values are simply still
 * there; what a branch defines is merged out of it; what a loop defines is pushed on a stack per iteration, or
 * recomputed from what is available, as the cheapest cut says.
 */
import type { Activity } from "../analysis/index.ts";
import {
  arrayOf,
  Builder,
  type Ids,
  type IfOp,
  inertType,
  isInteger,
  isNumeric,
  type LoopOp,
  literal,
  mapOp,
  type Op,
  operands,
  passing,
  type Region,
  regions,
  slotKey,
  substitute,
  type Value,
} from "../hir/index.ts";
import type { Form, LoopRecord } from "./context.ts";
import type { Layout, Place } from "./layout.ts";
import { type CutNode, cheapestSaves } from "./mincut.ts";
import type { StackPointer } from "./reverse.ts";

export interface PlanInput {
  readonly form: Form;
  readonly ids: Ids;
  readonly activity: Activity;
  readonly layout: Layout;
  /** Shadow values and the values they belong to: memory that mirrors memory. */
  readonly shadowed: ReadonlyMap<Value, Value>;
  readonly loops: ReadonlyMap<Region, LoopRecord>;
  readonly reverse: Region;
  readonly mirrors: ReadonlyMap<Region, Region>;
  readonly pointers: ReadonlyMap<Region, StackPointer>;
  readonly indices: ReadonlyMap<Value, Value>;
  readonly unchanged: ReadonlyMap<Value, Value>;
  /** Number of operations at the start of a region of the reverse sweep that stay in front of what is fetched. */
  readonly starts: ReadonlyMap<Region, number>;
}

const transcendental = new Set([
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "atan2",
  "exp",
  "expm1",
  "log",
  "log1p",
  "log2",
  "log10",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
  "pow",
  "cbrt",
  "hypot",
]);

/** Rough costs in nanoseconds: of an operation done again, of an entry pushed and read back. */
function costOf(op: Op): number {
  switch (op.kind) {
    case "prim":
      return op.op === "/" ? 3 : op.op === "%" || op.op === "**" ? 15 : 1;
    case "math":
      return transcendental.has(op.fn) ? 12 : op.fn === "sqrt" ? 4 : 1.5;
    case "load":
      return 1.5;
    default:
      return Number.POSITIVE_INFINITY;
  }
}
const stackEntry = 8;
const loopFactor = 10;

export class SavePlan {
  private readonly input: PlanInput;
  private readonly exported = new Map<Value, Value>();
  private readonly stacks = new Map<Value, Value>();
  private readonly replacements = new Map<Value, Value>();
  private readonly fetches = new Map<Region, Op[]>();
  private readonly stackOf = new Map<Region, Value>();

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
    return (
      this.home(v) === this.input.layout.top && (this.input.form === "joint" || !this.input.layout.definitions.has(v))
    );
  }

  private saveCost(v: Value): number {
    const depth = this.place(this.home(v))?.depth ?? 0;
    if (depth === 0) return this.input.form === "joint" ? 0.5 : 2;
    return stackEntry * loopFactor ** depth;
  }

  private recomputeCost(v: Value): number {
    const op = this.input.layout.definitions.get(v);
    if (op === undefined) return Number.POSITIVE_INFINITY;
    if (op.kind === "load" && !this.reloadable(op)) return Number.POSITIVE_INFINITY;
    return costOf(op) * loopFactor ** (this.place(this.home(v))?.depth ?? 0);
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
    if (!activity.constant(object, slotKey(op.key))) return false;
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
    const explore = (v: Value) => {
      if (this.isLiteral(v)) {
        if (!this.isFree(v)) literals.add(v);
        return;
      }
      if (this.isFree(v) || nodes.has(v)) return;
      const recompute = this.recomputeCost(v);
      const op = this.input.layout.definitions.get(v);
      const needs = recompute < Number.POSITIVE_INFINITY && op !== undefined ? operands(op) : [];
      const real = needs.filter((o) => !this.isFree(o) && !this.isLiteral(o));
      nodes.set(v, { item: v, save: this.saveCost(v), recompute, operands: real });
      for (const o of needs) explore(o);
    };
    for (const v of needed) explore(v);
    const wanted = [...needed].filter((v) => nodes.has(v));
    const cut = cheapestSaves([...nodes.values()], wanted);
    const saved = new Set<Value>();
    const visit = (v: Value) => {
      if (literals.has(v)) recomputed.add(v);
      if (!nodes.has(v) || saved.has(v) || recomputed.has(v)) return;
      if (cut.has(v)) {
        saved.add(v);
        return;
      }
      recomputed.add(v);
      for (const o of operands(this.input.layout.definitions.get(v) as Op)) visit(o);
    };
    for (const v of needed) visit(v);
    return { saved, recomputed };
  }

  private prologue(region: Region): Op[] {
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
    const place = this.place(region);
    if (place === undefined) return v;
    if (place.role === "test") throw new Error("Compiler defect: the test of a loop is read by the reverse sweep.");
    const found =
      place.op.kind === "if"
        ? this.fetch(this.export(v, region, place, place.op))
        : this.fromStack(v, region, place, place.op);
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

  private fromStack(v: Value, region: Region, place: Place, loop: LoopOp): Value {
    const { ids, pointers } = this.input;
    const pointer = pointers.get(region) as StackPointer;
    const stack = this.stack(v, region, place, loop, pointer.length === undefined);
    const available = this.fetch(stack);
    if (pointer.length !== undefined && !this.stackOf.has(pointer.region)) {
      this.stackOf.set(pointer.region, stack);
      const { region: outside, result } = pointer.length;
      let ops = this.fetches.get(outside);
      if (ops === undefined) {
        ops = [];
        this.fetches.set(outside, ops);
      }
      ops.push({
        kind: "load",
        object: available,
        key: { kind: "field", name: "length" },
        readonly: true,
        span: loop.span,
        results: [result],
      });
    }
    const copy = { ...v, id: ids.next++ };
    this.prologue(region).push({
      kind: "load",
      object: available,
      key: { kind: "index", index: pointer.position },
      readonly: true,
      span: loop.span,
      results: [copy],
    });
    return copy;
  }

  /** A stack beside the outermost loop, filled at the end of each iteration. */
  private stack(v: Value, region: Region, place: Place, loop: LoopOp, outermost: boolean): Value {
    const known = this.stacks.get(v);
    if (known !== undefined) return known;
    const { ids, layout } = this.input;
    let around: { op: IfOp | LoopOp; parent: Region } = { op: loop, parent: place.parent };
    for (let at = this.place(place.parent); at !== undefined; at = this.place(at.parent)) {
      if (at.op.kind === "loop") around = { op: at.op, parent: at.parent };
    }
    const made: Op[] = [];
    const b = new Builder(made, ids, loop.span);
    const end = new Builder(region.ops, ids, loop.span);
    const name = `${v.name ?? "v"}_stack`;
    // A number that may be absent would come back from a typed array as NaN.
    const always = v.type.kind === "number" || (v.type.kind === "inert" && v.type.text === "Int");
    const count = outermost && always ? this.count(b, loop, region) : undefined;
    const element = isNumeric(v.type) ? v.type : v.type.kind === "inert" ? inertType : v.type;
    let stack: Value;
    if (count !== undefined) {
      stack = b.newArray(count, undefined, arrayOf(element, "Float64Array"), name);
      end.store(stack, loop.body.params[0] as Value, v);
    } else {
      stack = b.array([], arrayOf(element), { name });
      end.push(stack, v);
    }
    around.parent.ops.splice(around.parent.ops.indexOf(around.op), 0, ...made);
    for (const op of made) for (const r of op.results) this.adopt(r, around.parent, op);
    this.stacks.set(v, stack);
    (layout.order as Map<Value, number>).set(stack, layout.order.size);
    return stack;
  }

  /** The number of iterations of a loop from 0 by 1, where it is known at its entry. */
  private count(b: Builder, loop: LoopOp, region: Region): Value | undefined {
    const { counted } = loop;
    const { definitions } = this.input.layout;
    if (counted === undefined || this.input.loops.get(region)?.kind !== "index") return undefined;
    if (counted.step !== 1 || counted.comparison !== "<" || literal(counted.start, definitions) !== 0) return undefined;
    const whole = isInteger(counted.end, definitions);
    const end = whole ? counted.end : b.math("ceil", [counted.end]);
    const made = definitions.get(counted.end);
    if (made?.kind === "load" && made.key.kind === "field" && made.key.name === "length") return end;
    return b.math("max", [b.const(0), end]);
  }
}
