/** Where the forward sweep defines each of its values, and how its regions nest. */
import type { IfOp, LoopOp, Op, Region, Value } from "../hir/index.ts";

export interface Place {
  readonly parent: Region;
  readonly op: IfOp | LoopOp;
  readonly role: "then" | "else" | "test" | "body";
  /** How many loops are around the region's operations. */
  readonly depth: number;
}

export interface Layout {
  readonly top: Region;
  readonly homes: ReadonlyMap<Value, Region>;
  readonly places: ReadonlyMap<Region, Place>;
  readonly definitions: ReadonlyMap<Value, Op>;
  /** Position of each value in program order, and of each operation with the region that it stands in. */
  readonly order: ReadonlyMap<Value, number>;
  readonly positions: ReadonlyMap<Op, { readonly order: number; readonly region: Region }>;
}

export function layoutOf(top: Region, params: readonly Value[]): Layout {
  const homes = new Map<Value, Region>();
  const places = new Map<Region, Place>();
  const definitions = new Map<Value, Op>();
  const order = new Map<Value, number>();
  const positions = new Map<Op, { order: number; region: Region }>();
  let next = 0;
  const define = (v: Value, region: Region) => {
    homes.set(v, region);
    order.set(v, next++);
  };
  const visit = (region: Region, depth: number): void => {
    for (const p of region.params) define(p, region);
    for (const op of region.ops) {
      positions.set(op, { order: next++, region });
      const nested =
        op.kind === "if"
          ? ([
              ["then", op.then],
              ["else", op.else],
            ] as const)
          : op.kind === "loop"
            ? ([["test", op.test] as const, ["body", op.body] as const] as const)
            : [];
      for (const [role, inner] of nested) {
        if (inner === undefined || (op.kind !== "if" && op.kind !== "loop")) continue;
        const within = op.kind === "loop" ? depth + 1 : depth;
        places.set(inner, { parent: region, op, role, depth: within });
        visit(inner, within);
      }
      for (const r of op.results) {
        define(r, region);
        definitions.set(r, op);
      }
    }
  };
  for (const p of params) define(p, top);
  visit(top, 0);
  return { top, homes, places, definitions, order, positions };
}
