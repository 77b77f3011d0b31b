/**
 * Loops whose iterations can be undone at once. Where no iteration needs an adjoint that a later one makes (a sum over
 * samples, say) and everything the reverse iterations read is known before the loop, they run inside the forward loop:
 * nothing is saved. After Hascoët, Fidanova and Held (2001), "Adjoining independent computations".
 */
import {
  Builder,
  isNumeric,
  type LoopOp,
  type Op,
  operands,
  type Region,
  regions,
  uses,
  type Value,
  walk,
} from "../hir/index.ts";
import { additive } from "./additive.ts";
import type { Context } from "./context.ts";
import type { Layout } from "./layout.ts";
import type { ReverseSweep } from "./reverse.ts";
import { ShadowAccess } from "./shadow-access.ts";

/** A loop of the forward sweep whose body goes on with `reverse`. */
export interface FusedLoop {
  readonly loop: LoopOp;
  readonly reverse: Region;
}

/** Moves reverse loops into forward ones; the innermost come first. Only where both sweeps run in one function. */
export function fuseLoops(ctx: Context, layout: Layout, sweep: ReverseSweep): FusedLoop[] {
  return new Fusion(ctx, layout, sweep).region(layout.top, sweep.top.region);
}

class Fusion {
  private readonly ctx: Context;
  private readonly layout: Layout;
  private readonly sweep: ReverseSweep;
  private readonly access: ShadowAccess;

  constructor(ctx: Context, layout: Layout, sweep: ReverseSweep) {
    this.ctx = ctx;
    this.layout = layout;
    this.sweep = sweep;
    this.access = new ShadowAccess(ctx, layout);
  }

  region(forward: Region, reverse: Region): FusedLoop[] {
    const found: FusedLoop[] = [];
    const bodies = new Map<Region, LoopOp>();
    for (const op of forward.ops) {
      const mirror = op.kind === "loop" ? this.sweep.mirrors.get(op.body) : undefined;
      if (op.kind === "loop" && mirror !== undefined) bodies.set(mirror, op);
    }
    for (const op of [...reverse.ops]) {
      const loop = op.kind === "loop" ? bodies.get(op.body) : undefined;
      if (op.kind !== "loop" || loop === undefined || !this.independent(op, loop, forward, reverse)) continue;
      const inner = this.fuse(op, loop, forward, reverse);
      found.push(...this.region(loop.body, inner.reverse), inner);
    }
    return found;
  }

  private resolve(v: Value): Value {
    let at = v;
    const { unchanged } = this.sweep.top;
    for (let next = unchanged.get(at); next !== undefined; next = unchanged.get(at)) at = next;
    return at;
  }

  private independent(undo: LoopOp, loop: LoopOp, forward: Region, reverse: Region): boolean {
    if (loop.counted === undefined || loop.hasBreak || loop.test !== undefined || loop.body.diverges === true)
      return false;
    if (![...this.sweep.indices.keys()].includes(loop.body.params[0] as Value)) return false;
    const counts = uses(undo.body);
    const sums = undo.initial.every((_, k) =>
      additive(undo.body, undo.body.params[k + 1] as Value, undo.body.results[k] as Value, counts),
    );
    if (!sums) return false;
    const before = reverse.ops.slice(0, reverse.ops.indexOf(undo));
    const hoistable = new Map<Value, Op>();
    for (const op of before) for (const r of op.results) hoistable.set(r, op);
    const known = this.free(undo.body).every((v) => this.known(v, loop, hoistable));
    return known && this.access.commutes(undo, loop, before, forward);
  }

  /** What a region reads from around it. */
  private free(region: Region): Value[] {
    const own = new Set<Value>(region.params);
    walk(region, (op) => {
      for (const v of op.results) own.add(v);
      for (const inner of regions(op)) for (const v of inner.params) own.add(v);
    });
    const read = new Set<Value>();
    const see = (v: Value) => {
      if (!own.has(v)) read.add(v);
    };
    const visit = (r: Region) => {
      for (const op of r.ops) {
        for (const v of operands(op)) see(v);
        for (const inner of regions(op)) visit(inner);
      }
      for (const v of r.results) see(v);
    };
    visit(region);
    return [...read];
  }

  /** Is a value there when the loop begins, or one of the loop's own? */
  private known(v: Value, loop: LoopOp, hoistable: ReadonlyMap<Value, Op>): boolean {
    const at = this.resolve(v);
    const order = this.layout.order.get(at);
    if (order !== undefined) {
      return order < (this.layout.positions.get(loop)?.order as number) || this.within(at, loop);
    }
    if ([...this.sweep.indices.values()].includes(at)) return true;
    const op = hoistable.get(at);
    if (op === undefined || (op.kind !== "const" && op.kind !== "prim" && op.kind !== "math")) return false;
    return operands(op).every((o) => this.known(o, loop, hoistable));
  }

  private within(v: Value, loop: LoopOp): boolean {
    for (let at = this.layout.homes.get(v); at !== undefined; at = this.layout.places.get(at)?.parent) {
      if (at === loop.body) return true;
    }
    return false;
  }

  private adopt(v: Value, region: Region, op: Op | undefined, near: Op): void {
    const { homes, definitions, order, positions } = this.layout;
    (homes as Map<Value, Region>).set(v, region);
    if (op !== undefined) (definitions as Map<Value, Op>).set(v, op);
    (order as Map<Value, number>).set(v, (positions.get(near)?.order as number) - 0.5);
  }

  private fuse(undo: LoopOp, loop: LoopOp, forward: Region, reverse: Region): FusedLoop {
    const { ids } = this.ctx;
    const { unchanged } = this.sweep.top;
    const front: Op[] = [];
    const before = reverse.ops.slice(0, reverse.ops.indexOf(undo));
    const hoistable = new Map<Value, Op>();
    for (const op of before) for (const r of op.results) hoistable.set(r, op);
    const hoist = (v: Value): void => {
      const at = this.resolve(v);
      if (this.layout.homes.has(at)) return;
      const op = hoistable.get(at);
      if (op === undefined) return;
      for (const o of operands(op)) hoist(o);
      const moved: Value = { ...at, id: ids.next++ };
      const args = op.kind === "prim" || op.kind === "math" ? { args: op.args.map((o) => this.resolve(o)) } : {};
      const copy = { ...op, ...args, results: [moved] } as Op;
      front.push(copy);
      this.adopt(moved, forward, copy, loop);
      unchanged.set(at, moved);
    };
    for (const v of this.free(undo.body)) hoist(v);

    const index = loop.body.params[0] as Value;
    unchanged.set(this.sweep.indices.get(index) as Value, index);
    this.sweep.indices.delete(index);

    const b = new Builder(front, ids, loop.span);
    const sums: Op[] = [];
    const initial: Value[] = [];
    const accumulated: Value[] = [];
    undo.initial.forEach((start, k) => {
      const param = undo.body.params[k + 1] as Value;
      const total = undo.results[k] as Value;
      const numeric = isNumeric(param.type);
      const zero = numeric ? b.const(0) : b.const(undefined, param.type);
      this.adopt(zero, forward, front.at(-1), loop);
      this.adopt(param, loop.body, undefined, loop);
      const sum: Value = { ...total, id: ids.next++ };
      this.adopt(sum, forward, undefined, loop);
      initial.push(zero);
      accumulated.push(sum);
      loop.body.params.push(param);
      sums.push(
        numeric
          ? { kind: "prim", op: "+", args: [start, sum], span: loop.span, results: [total] }
          : { kind: "runtime", fn: "add", args: [start, sum], effects: false, span: loop.span, results: [total] },
      );
    });
    (loop as { initial: readonly Value[] }).initial = [...loop.initial, ...initial];
    loop.results.push(...accumulated);
    forward.ops.splice(forward.ops.indexOf(loop), 0, ...front);
    reverse.ops.splice(reverse.ops.indexOf(undo), 1, ...sums);
    const results = undo.initial.map((_, k) => undo.body.results[k] as Value);
    return { loop, reverse: { params: [], ops: undo.body.ops, results } };
  }
}
