/**
 * Which reads find what their slot holds at the end of the forward sweep, so that the reverse sweep may read it again:
 * those that no write to the slot can follow. A write and a read are told apart by their order, and by the allocation
 * that the write goes to: whoever held a pointer before an object was made does not point to that object.
 */
import { find, type MemoryClass, reachable, slot } from "../analysis/index.ts";
import { type LoadOp, type LoopOp, type Op, type Region, slotKey, type Value, walk } from "../hir/index.ts";
import type { Context } from "./context.ts";
import type { Layout } from "./layout.ts";

interface Write {
  readonly order: number;
  readonly region: Region;
  readonly memory: ReadonlySet<MemoryClass>;
  /** The object written to, where it is known. */
  readonly object?: Value;
  /** May also reach memory that is not among its operands. */
  readonly anywhere?: true;
}

const allocations = new Set(["array", "object", "newArray", "new", "allocate"]);

export class Finality {
  private readonly ctx: Pick<Context, "fn" | "activity">;
  private readonly layout: Layout;
  private readonly writes: Write[] = [];

  constructor(ctx: Pick<Context, "fn" | "activity">, layout: Layout) {
    this.ctx = ctx;
    this.layout = layout;
    const { aliases } = ctx.activity;
    walk(ctx.fn.body, (op) => {
      switch (op.kind) {
        case "store":
          this.note(op, [slot(aliases.classOf(op.object), slotKey(op.key, op.object.type))], op.object);
          return;
        case "push":
        case "pop": {
          const array = aliases.classOf(op.array);
          this.note(op, [slot(array, "[]"), slot(array, "length")], op.array);
          return;
        }
        case "call": {
          if (op.callee.kind === "registered" || (op.callee.kind === "inert" && !op.effects)) return;
          const mutated = aliases.mutated(op);
          const memory = new Set<MemoryClass>();
          op.args.forEach((a, i) => {
            if (mutated[i] !== false) reachable(aliases.classOf(a), memory);
          });
          this.note(op, memory, undefined, true);
          return;
        }
        case "opaque": {
          if (!op.effects) return;
          const memory = new Set<MemoryClass>();
          for (const v of op.operands) reachable(aliases.classOf(v), memory);
          this.note(op, memory, undefined, true);
        }
      }
    });
  }

  private note(op: Op, memory: Iterable<MemoryClass>, object?: Value, anywhere?: true): void {
    const { positions, order, homes } = this.layout;
    const result = op.results[0];
    // An active call became a sweep; its result still stands where the call stood.
    const at =
      positions.get(op) ??
      (result !== undefined && homes.has(result)
        ? { order: order.get(result) as number, region: homes.get(result) as Region }
        : undefined);
    const { order: own, region } = at ?? { order: Number.POSITIVE_INFINITY, region: this.layout.top };
    this.writes.push({
      order: own,
      region,
      memory: new Set(memory),
      ...(object === undefined ? {} : { object }),
      ...(anywhere === undefined ? {} : { anywhere }),
    });
  }

  /** Does nothing write, after this read, the slot that it reads? `object` is the primal whose memory is asked about. */
  final(load: LoadOp, object: Value): boolean {
    const memory = find(slot(this.ctx.activity.aliases.classOf(object), slotKey(load.key, object.type)));
    const at = this.layout.positions.get(load);
    if (at === undefined) return false;
    return this.writes.every((write) => {
      const touches = [...write.memory].some((c) => find(c) === memory) || (write.anywhere === true && memory.external);
      return !touches || this.apart(write, at, object);
    });
  }

  private apart(write: Write, read: { order: number; region: Region }, object: Value): boolean {
    const { order, homes } = this.layout;
    const made = write.object !== undefined && this.fresh(write.object) ? write.object : undefined;
    if (made !== undefined && made !== object && (order.get(object) ?? 0) < (order.get(made) as number)) return true;
    if (write.order >= read.order) return false;
    const around = made === undefined ? new Set<LoopOp>() : this.loops(homes.get(made) as Region);
    const reading = this.loops(read.region);
    // In a later round of a loop around both, the write comes after the read, unless it goes to a new object.
    return [...this.loops(write.region)].every((loop) => !reading.has(loop) || around.has(loop));
  }

  private fresh(v: Value): boolean {
    const op = this.layout.definitions.get(v);
    return op !== undefined && allocations.has(op.kind);
  }

  private loops(region: Region): Set<LoopOp> {
    const found = new Set<LoopOp>();
    for (let at = this.layout.places.get(region); at !== undefined; at = this.layout.places.get(at.parent)) {
      if (at.op.kind === "loop") found.add(at.op);
    }
    return found;
  }
}
