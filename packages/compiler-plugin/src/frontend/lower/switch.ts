/** `switch`: which clause is entered is a number; clauses run while that number is behind them and no break was met. */
import type ts from "typescript";
import type { Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { statements } from "./statements.ts";

const int = inert("Int");
const boolean = inert("boolean");

export function switchStatement(s: Lowering, node: ts.SwitchStatement, labels: readonly string[]): void {
  const subject = expression(s, node.expression);
  const { clauses } = node.caseBlock;
  const exit = s.open({ kind: "break", labels });
  if (isChain(s, clauses)) chain(s, subject, groups(s, clauses));
  else fallThrough(s, node, subject);
  s.close(exit);
}

interface Group {
  readonly tests: readonly ts.Expression[];
  readonly isDefault: boolean;
  readonly body: readonly ts.Statement[];
}

/** Clauses with the empty ones before them. */
function groups(s: Lowering, clauses: readonly ts.CaseOrDefaultClause[]): Group[] {
  const all: Group[] = [];
  let tests: ts.Expression[] = [];
  let isDefault = false;
  for (const [i, clause] of clauses.entries()) {
    if (s.ts.isCaseClause(clause)) tests.push(clause.expression);
    else isDefault = true;
    if (clause.statements.length === 0 && i < clauses.length - 1) continue;
    all.push({ tests, isDefault, body: clause.statements });
    tests = [];
    isDefault = false;
  }
  return all;
}

/** Whether every clause with statements ends by leaving, so that nothing falls through, and the default comes last. */
function isChain(s: Lowering, clauses: readonly ts.CaseOrDefaultClause[]): boolean {
  return groups(s, clauses).every(
    (group, i, all) =>
      (!group.isDefault || (i === all.length - 1 && group.tests.length === 0) || i === all.length - 1) &&
      (i === all.length - 1 || alwaysLeaves(s.ts, group.body.at(-1))),
  );
}

function alwaysLeaves(typescript: typeof ts, node: ts.Statement | undefined): boolean {
  if (node === undefined) return false;
  if (typescript.isBlock(node)) return alwaysLeaves(typescript, node.statements.at(-1));
  if (typescript.isIfStatement(node))
    return alwaysLeaves(typescript, node.thenStatement) && alwaysLeaves(typescript, node.elseStatement);
  return (
    typescript.isBreakStatement(node) ||
    typescript.isContinueStatement(node) ||
    typescript.isReturnStatement(node) ||
    typescript.isThrowStatement(node)
  );
}

function chain(s: Lowering, subject: Value, all: readonly Group[]): void {
  const [group, ...others] = all;
  if (group === undefined) return;
  if (group.isDefault) {
    statements(s, group.body);
    return;
  }
  s.conditional(
    anyOf(s, subject, group.tests),
    () => statements(s, group.body),
    () => chain(s, subject, others),
  );
}

function anyOf(s: Lowering, subject: Value, tests: readonly ts.Expression[]): Value {
  const [first, ...others] = tests;
  const value = expression(s, first!);
  const hit = s.at(first!).prim("===", [subject, value], boolean);
  return others.length === 0
    ? hit
    : s.select(
        hit,
        () => hit,
        () => anyOf(s, subject, others),
        boolean,
      );
}

function fallThrough(s: Lowering, node: ts.SwitchStatement, subject: Value): void {
  const { ts } = s;
  const { clauses } = node.caseBlock;
  const cases = clauses.flatMap((clause, i) => (ts.isCaseClause(clause) ? [{ clause, i }] : []));
  const fallback = clauses.findIndex((clause) => ts.isDefaultClause(clause));
  const entry = (at: number): Value => {
    const next = cases[at];
    if (next === undefined) return s.builder.const(fallback === -1 ? clauses.length : fallback, int);
    const hit = anyOf(s, subject, [next.clause.expression]);
    return s.select(
      hit,
      () => s.builder.const(next.i, int),
      () => entry(at + 1),
      int,
    );
  };
  const entered = s.named(entry(0), "entry");
  const from = (i: number): void => {
    const clause = clauses[i];
    if (clause === undefined) return;
    if (clause.statements.length === 0) {
      s.proceed(() => from(i + 1));
      return;
    }
    const reached = s.at(clause).prim("<=", [entered, s.builder.const(i, int)], boolean);
    s.conditional(
      reached,
      () => statements(s, clause.statements),
      () => {},
    );
    s.proceed(() => from(i + 1));
  };
  from(0);
}
