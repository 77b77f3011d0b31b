/** Statements. Exits become values: see `Lowering.conditional` and `Lowering.leave`. */
import type ts from "typescript";
import type { Value } from "../../hir/index.ts";
import { functionDeclaration } from "./closures.ts";
import { expression } from "./expressions.ts";
import { forOf } from "./iteration.ts";
import { doWhile, forLoop, whileLoop } from "./loops.ts";
import type { Lowering } from "./lowering.ts";
import { exitFor, opaqueStatement } from "./opaque.ts";
import { bind } from "./patterns.ts";
import { mentions } from "./scan.ts";
import { switchStatement } from "./switch.ts";
import { throwStatement, tryStatement } from "./try.ts";

/** A list of statements in order, then `rest`. */
export function statements(s: Lowering, list: readonly ts.Statement[], rest?: () => void): void {
  const hoisted = hoistedFunctions(s, list);
  for (const symbol of usedEarly(s, list)) declareBox(s, symbol);
  const from = (index: number): void => {
    for (let i = index; i < list.length; i += 1) {
      if (s.finished) return;
      if (s.flag !== false) {
        s.proceed(() => from(i));
        return;
      }
      const functions = hoisted.get(i) ?? [];
      for (const fn of functions) declareBox(s, s.host.symbolOf(fn.name!));
      for (const fn of functions) functionDeclaration(s, fn);
      const node = list[i]!;
      if (s.ts.isIfStatement(node)) {
        const next = i + 1;
        if (ifStatement(s, node, () => from(next))) return;
      } else statement(s, node);
    }
    if (rest !== undefined) s.proceed(rest);
  };
  from(0);
}

/** The box of a variable that a function captures before it has its value. */
function declareBox(s: Lowering, symbol: ts.Symbol | undefined): void {
  if (symbol === undefined || !s.isBoxed(symbol) || s.environment.variables.has(symbol)) return;
  s.declare(symbol, s.undefinedValue());
}

/** Variables of a block that stand in boxes and that its earlier statements mention. */
function usedEarly(s: Lowering, list: readonly ts.Statement[]): ts.Symbol[] {
  const { ts } = s;
  return list.flatMap((node, i) => {
    if (!ts.isVariableStatement(node)) return [];
    return node.declarationList.declarations.flatMap(({ name }) => {
      const symbol = ts.isIdentifier(name) ? s.host.symbolOf(name) : undefined;
      if (symbol === undefined || !s.isBoxed(symbol)) return [];
      return list.slice(0, i).some((earlier) => mentions(s.host, earlier, symbol)) ? [symbol] : [];
    });
  });
}

/**
 * When local functions come into being: before the first statement that mentions them or a function that needs them,
 * so that the variables they capture exist by then.
 */
function hoistedFunctions(s: Lowering, list: readonly ts.Statement[]): Map<number, ts.FunctionDeclaration[]> {
  const { ts } = s;
  const order = new Map<number, ts.FunctionDeclaration[]>();
  const functions = list.filter(
    (n): n is ts.FunctionDeclaration => ts.isFunctionDeclaration(n) && n.body !== undefined,
  );
  if (functions.length === 0) return order;
  const symbols = new Map(functions.map((fn) => [fn, s.host.symbolOf(fn.name!)!]));
  const needs = (fn: ts.Node) => functions.filter((other) => other !== fn && mentions(s.host, fn, symbols.get(other)!));
  const placed = new Set<ts.FunctionDeclaration>();
  const place = (fn: ts.FunctionDeclaration, i: number): void => {
    if (placed.has(fn)) return;
    placed.add(fn);
    for (const other of needs(fn)) place(other, i);
    const here = order.get(i);
    if (here === undefined) order.set(i, [fn]);
    else here.push(fn);
  };
  list.forEach((node, i) => {
    if (ts.isFunctionDeclaration(node)) {
      if (node.body !== undefined) place(node, i);
    } else for (const fn of needs(node)) place(fn, i);
  });
  return order;
}

export function statement(s: Lowering, node: ts.Statement, labels: readonly string[] = []): void {
  const { ts } = s;
  if (ts.isBlock(node)) statements(s, node.statements);
  else if (ts.isExpressionStatement(node)) expression(s, node.expression);
  else if (ts.isVariableStatement(node)) variables(s, node.declarationList);
  else if (ts.isIfStatement(node)) ifStatement(s, node, undefined);
  else if (ts.isReturnStatement(node)) returnStatement(s, node);
  else if (ts.isForStatement(node)) forLoop(s, node, labels);
  else if (ts.isForOfStatement(node)) forOf(s, node, labels);
  else if (ts.isWhileStatement(node)) whileLoop(s, node, labels);
  else if (ts.isDoStatement(node)) doWhile(s, node, labels);
  else if (ts.isSwitchStatement(node)) switchStatement(s, node, labels);
  else if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) jump(s, node);
  else if (ts.isLabeledStatement(node)) labelled(s, node, labels);
  else if (ts.isThrowStatement(node)) throwStatement(s, node);
  else if (ts.isTryStatement(node)) tryStatement(s, node);
  else if (ts.isForInStatement(node)) {
    opaqueStatement(s, node, {
      code: "PB1003",
      message: "for…in over active values cannot be differentiated.",
      hint: "Use for…of over Object.entries(…) of a record, or over an array.",
    });
  } else if (
    ts.isEmptyStatement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    node.kind === ts.SyntaxKind.DebuggerStatement
  ) {
    // Nothing runs here.
  } else {
    opaqueStatement(s, node, { code: "PB1009", message: "This statement cannot be differentiated." });
  }
}

export function variables(s: Lowering, list: ts.VariableDeclarationList): void {
  for (const declaration of list.declarations) {
    const { name, initializer } = declaration;
    const symbol = s.ts.isIdentifier(name) ? s.host.symbolOf(name) : undefined;
    // A function that mentions itself finds its own box, and one that an earlier function mentions finds it made.
    if (
      initializer !== undefined &&
      symbol !== undefined &&
      s.isBoxed(symbol) &&
      (s.environment.variables.has(symbol) || mentions(s.host, initializer, symbol))
    ) {
      s.at(declaration);
      declareBox(s, symbol);
      s.assign(symbol, expression(s, initializer));
      continue;
    }
    const value = initializer === undefined ? undefined : expression(s, initializer);
    s.at(declaration);
    if (value !== undefined) bind(s, name, value);
    else if (symbol !== undefined && !s.environment.variables.has(symbol)) s.declare(symbol, s.undefinedValue());
    else if (symbol !== undefined && !(symbol.flags & s.ts.SymbolFlags.FunctionScopedVariable))
      s.declare(symbol, s.undefinedValue());
  }
}

function ifStatement(s: Lowering, node: ts.IfStatement, rest: (() => void) | undefined): boolean {
  const condition = expression(s, node.expression);
  s.at(node);
  return s.conditional(
    condition,
    () => statements(s, [node.thenStatement]),
    () => {
      if (node.elseStatement !== undefined) statements(s, [node.elseStatement]);
    },
    rest,
  );
}

function returnStatement(s: Lowering, node: ts.ReturnStatement): void {
  const exit = s.exits.findLast((e) => e.kind === "function");
  if (exit === undefined) return;
  const value: Value = node.expression === undefined ? s.at(node).const(undefined) : expression(s, node.expression);
  s.environment.results.set(exit, value);
  s.leave(exit);
}

function jump(s: Lowering, node: ts.BreakOrContinueStatement): void {
  const exit = exitFor(s, s.ts.isBreakStatement(node), node.label?.text);
  if (exit !== undefined) s.leave(exit);
}

function labelled(s: Lowering, node: ts.LabeledStatement, labels: readonly string[]): void {
  const all = [...labels, node.label.text];
  const inner = node.statement;
  if (s.ts.isIterationStatement(inner, false) || s.ts.isSwitchStatement(inner) || s.ts.isLabeledStatement(inner)) {
    statement(s, inner, all);
    return;
  }
  const exit = s.open({ kind: "label", labels: all });
  statement(s, inner);
  s.close(exit);
}
