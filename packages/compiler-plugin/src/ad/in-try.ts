/** Calls in a `try`: what they may have changed when they throw, and which of them go to functions that do not throw. */
import { bodyThrowsFirst, throwsFirst } from "../analysis/index.ts";
import { type CallOp, caughtBy, dualOf, type Op, type OpaqueOp, type Value } from "../hir/index.ts";
import { caughtValue } from "../opt/index.ts";
import type { Context } from "./context.ts";

/** Whether what a call changes before it throws would be lost with its frame. */
export function losesWrites(ctx: Context, op: CallOp): boolean {
  return op.catches === true && touchesActive(ctx, op) && !throwsFirst(op.callee, ctx.program);
}

/** Whether a call may write where something active can be reached; an object that it makes itself is nobody's yet. */
function touchesActive({ activity, program }: Context, op: CallOp): boolean {
  const makes = op.callee.kind === "known" && activity.allocated(op.args[0] as Value);
  const made = makes ? placesOfMade(op.callee.key, program) : [];
  return activity.aliases
    .mutated(op)
    .some((mutated, i) => mutated && !made.includes(i) && activity.shadowed(op.args[i] as Value));
}

/** Where a constructor's body is given the object that it makes, and its forward-mode code this object's tangent. */
function placesOfMade(key: string, program: Context["program"]): number[] {
  const dual = dualOf(key);
  if (dual === undefined) return program.lower(key).kind === "initialiser" ? [0] : [];
  const places = placesOfMade(dual.of, program);
  const active = [...dual.mask].flatMap((bit, i) => (bit === "1" ? [i] : []));
  return [...places, ...places.flatMap((p) => (active.includes(p) ? [dual.mask.length + active.indexOf(p)] : []))];
}

export function reportLate({ report }: Pick<Context, "report">, op: CallOp): void {
  report(
    "PB1008",
    op.span,
    "A function that may throw, called in a try, changes active values: what it changed before it threw has no derivative.",
    "Let it return what it computes, or throw before it changes anything that it was given.",
  );
}

/** A gradient that undoes what its function writes has not done so where it throws. */
export function checkUndone(
  ctx: Pick<Context, "report" | "program"> & { readonly definitions: ReadonlyMap<Value, Op> },
  op: CallOp,
): void {
  if (op.catches !== true) return;
  const { callee } = op;
  const literal = callee.kind === "value" ? ctx.definitions.get(op.args[0] as Value) : undefined;
  const fn =
    callee.kind === "known"
      ? ctx.program.lower(callee.key)
      : literal?.kind === "closure"
        ? literal.function
        : undefined;
  const of = fn?.gradientOf?.of;
  if (of !== undefined && !bodyThrowsFirst(of.body, ctx.program)) reportLate(ctx, op);
}

/** An exception that brings an active value out of a call, unseen. */
export function checkCaught({ activity, report }: Pick<Context, "activity" | "report">, op: CallOp | OpaqueOp): void {
  const caught = caughtBy(op);
  if (caught === undefined || !activity.hides(caught.error)) return;
  report(caughtValue.code, op.span, caughtValue.message, caughtValue.hint);
}

/** Whether there is a function that does the same and does not throw, whatever the call reaches. */
export function canSettle({ program }: Context, { callee }: CallOp): boolean {
  const plain = (key: string) => program.lower(key).gradientOf === undefined;
  switch (callee.kind) {
    case "known":
      return plain(callee.key);
    case "dynamic":
      return callee.implementations.length > 0 && callee.external !== true && callee.implementations.every(plain);
    case "value":
      return callee.published === undefined && callee.code?.rule === undefined;
    default:
      return false;
  }
}
