/**
 * `throw`, `try`, `catch` and `finally`. A handler is a place that exits leave for, as `break` leaves a loop; `finally` runs
 * with every pending exit put aside, and they go on afterwards.
 */
import type ts from "typescript";
import { booleanType, type Value } from "../../hir/index.ts";
import type { Flag } from "./environment.ts";
import { expression } from "./expressions.ts";
import { caughtType } from "./guards.ts";
import type { Lowering } from "./lowering.ts";
import { bind } from "./patterns.ts";
import { statements } from "./statements.ts";

/** Leaves for the handler with a value, or for the caller where there is none. */
export function raise(s: Lowering, value: Value): void {
  const handler = s.handler();
  if (handler === undefined) {
    s.builder.throw(value);
    s.diverge();
    return;
  }
  s.environment.results.set(handler, value);
  s.leave(handler);
}

export function throwStatement(s: Lowering, node: ts.ThrowStatement): void {
  const value = expression(s, node.expression);
  s.at(node);
  raise(s, value);
}

export function tryStatement(s: Lowering, node: ts.TryStatement): void {
  const { tryBlock, catchClause, finallyBlock } = node;
  const guarded = () =>
    catchClause === undefined ? statements(s, tryBlock.statements) : handled(s, tryBlock, catchClause);
  if (finallyBlock === undefined) guarded();
  else afterwards(s, attempt(s, guarded), finallyBlock);
}

interface Outcome {
  /** Whether something was thrown, or control left for further out. */
  readonly left: Flag;
  readonly error: Value | undefined;
}

function attempt(s: Lowering, lower: () => void): Outcome {
  const { mark } = s.guards;
  const handler = s.open({ kind: "catch", labels: [], result: caughtType });
  lower();
  s.guards.close(mark);
  const left = s.environment.flags.get(handler) ?? false;
  const error = s.environment.results.get(handler);
  s.environment.results.delete(handler);
  s.close(handler);
  return { left, error };
}

/** Runs `handle` where something was thrown; where control left for further out, nothing more runs here. */
function onThrow(s: Lowering, { left, error }: Outcome, handle: (error: Value) => void): void {
  if (left === false || error === undefined || s.environment.diverged) return;
  s.proceed(() => {
    const run = () => handle(error);
    if (left === true) run();
    else s.conditional(left, run, () => {});
  });
}

function handled(s: Lowering, block: ts.Block, clause: ts.CatchClause): void {
  onThrow(
    s,
    attempt(s, () => statements(s, block.statements)),
    (error) => {
      if (clause.variableDeclaration !== undefined) bind(s, clause.variableDeclaration.name, error);
      statements(s, clause.block.statements);
    },
  );
}

function afterwards(s: Lowering, outcome: Outcome, block: ts.Block): void {
  if (s.environment.diverged) return;
  const flags = new Map(s.environment.flags);
  const results = new Map(s.environment.results);
  for (const exit of s.exits) s.environment.flags.set(exit, false);
  statements(s, block.statements);
  if (s.environment.diverged) return;
  // An exit out of the finally block replaces the pending one.
  const over = s.flag;
  if (over === true) return;
  if (over === false) {
    for (const exit of s.exits) s.environment.flags.set(exit, flags.get(exit) ?? false);
    for (const [exit, result] of results) s.environment.results.set(exit, result);
  } else {
    const either = (now: Value, was: Value) =>
      s.select(
        over,
        () => now,
        () => was,
        now.type,
      );
    for (const exit of s.exits) {
      const now = s.environment.flags.get(exit) ?? false;
      const was = flags.get(exit) ?? false;
      // A selection makes a new environment: it is asked for afterwards.
      const flag = now === was ? now : either(known(s, now), known(s, was));
      s.environment.flags.set(exit, flag);
      const result = s.environment.results.get(exit);
      const before = results.get(exit);
      if (result === undefined || before === undefined || result === before) continue;
      const chosen = either(result, before);
      s.environment.results.set(exit, chosen);
    }
  }
  onThrow(s, outcome, (error) => raise(s, error));
}

const known = (s: Lowering, flag: Flag): Value =>
  typeof flag === "boolean" ? s.builder.const(flag, booleanType) : flag;
