/**
 * What follows an operation that may throw inside a `try` runs only where it did not: it goes into the other branch of an
 * `if`, a guard, which is closed where the region ends that the operation stands in. So exceptions need no more than
 * branches do: a `throw` is an exit to the handler, and an operation that may throw says by a flag whether it did.
 */

import {
  Builder,
  booleanType,
  type CallOp,
  type Ids,
  type Op,
  type OpaqueOp,
  onlySpeaks,
  type Region,
  type Span,
  type Type,
  type Value,
} from "../../hir/index.ts";
import type { Environment } from "./environment.ts";
import type { Lowering } from "./lowering.ts";
import { type Branch, merge } from "./merge.ts";

/** What a handler is given: anything. */
export const caughtType: Type = { kind: "inert", text: "caught" };

interface Guard {
  readonly builder: Builder;
  /** Where the operations went before the guard was opened. */
  readonly ops: Op[];
  readonly environment: Environment;
  readonly condition: Value;
  readonly span: Span;
  /** Control leaves for the handler. */
  readonly left: Branch;
  /** Everything that follows. */
  readonly rest: Region;
}

export class Guards {
  private readonly s: Lowering;
  private readonly stack: Guard[] = [];

  constructor(s: Lowering) {
    this.s = s;
  }

  get mark(): number {
    return this.stack.length;
  }

  private open(condition: Value, left: () => void): void {
    const { s } = this;
    const { builder, environment } = s;
    const branch = s.branch(() => {
      left();
      return undefined;
    });
    const rest: Region = { params: [], ops: [], results: [] };
    this.stack.push({ builder, ops: builder.ops, environment, condition, span: builder.span, left: branch, rest });
    builder.ops = rest.ops;
    s.environment = environment.copy();
  }

  /** After an operation that says whether it threw, and what. */
  caught(thrown: Value, error: Value): void {
    const { s } = this;
    const handler = s.handler();
    if (handler === undefined) return;
    this.open(thrown, () => {
      s.environment.results.set(handler, error);
      s.leave(handler);
    });
  }

  /** After a construct that may have left for the handler in the middle of an expression. */
  settle(): void {
    const { s } = this;
    const handler = s.handler();
    if (handler === undefined || s.environment.diverged) return;
    const flag = s.environment.flags.get(handler) ?? false;
    if (flag === false) return;
    this.open(typeof flag === "boolean" ? s.builder.const(flag, booleanType) : flag, () => {});
    // Where the handler is not left for, nothing further out is.
    for (const exit of s.exits.slice(0, s.exits.indexOf(handler) + 1)) s.environment.flags.set(exit, false);
  }

  /** Closes the guards that were opened since `mark`; `value` is what the region yields, and is merged like the rest. */
  close(mark: number, value?: Value): Value | undefined {
    const { s } = this;
    let merged = value;
    while (this.stack.length > mark) {
      const { builder, ops, environment, condition, span, left, rest } = this.stack.pop()!;
      if (s.environment.diverged) rest.diverges = true;
      const branch: Branch = { region: rest, environment: s.environment, value: merged };
      builder.ops = ops;
      builder.span = span;
      s.builder = builder;
      s.environment = environment;
      const type = merged?.type;
      if (type !== undefined) {
        const zero = new Builder(left.region.ops, s.ids, span);
        left.value = type.kind === "number" ? zero.const(0, type) : zero.const(undefined);
      }
      merged = merge(s, condition, left, branch, type);
    }
    return merged;
  }
}

/** A builder whose operations say whether they threw, while a handler is open. */
export class GuardingBuilder extends Builder {
  private readonly s: Lowering;

  constructor(s: Lowering, ops: Op[], ids: Ids, span: Span) {
    super(ops, ids, span);
    this.s = s;
  }

  override emit<T extends Op>(op: T): T {
    if (!mayThrow(op) || this.s.builder !== this || this.s.handler() === undefined) return super.emit(op);
    const thrown = this.value(booleanType, "thrown");
    const error = this.value(caughtType, "error");
    super.emit({ ...op, catches: true, results: [...op.results, thrown, error] });
    this.s.guards.caught(thrown, error);
    return op;
  }
}

/** Calls of functions, and text that may call some. What reads a property of null or undefined is not watched. */
function mayThrow(op: Op): op is CallOp | OpaqueOp {
  if (op.kind === "call") return op.effects || op.callee.kind !== "inert";
  return op.kind === "opaque" && op.effects && !onlySpeaks(op);
}
