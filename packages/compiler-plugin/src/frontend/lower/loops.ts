/** `for`, `while`, `do`: counted loops where the trip count is known at entry, loops with a test, loops with exits. */
import type ts from "typescript";
import type { LoopOp } from "../../hir/index.ts";
import type { Exit } from "./environment.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { exitsOf } from "./opaque.ts";
import { bind } from "./patterns.ts";
import { assignedIn, isArrayLike, isPure, transparent } from "./scan.ts";
import { statements, variables } from "./statements.ts";

/** One iteration: the body, in which `continue` goes to the end. */
export function iteration(s: Lowering, body: ts.Statement, labels: readonly string[]): void {
  const next = s.open({ kind: "continue", labels });
  statements(s, [body]);
  s.close(next);
}

export function forLoop(s: Lowering, node: ts.ForStatement, labels: readonly string[]): void {
  const { ts } = s;
  const counted = countedLoop(s, node);
  if (counted !== undefined) {
    const name = (node.initializer as ts.VariableDeclarationList).declarations[0]!.name;
    const assigned = assignedIn(s.host, [node.statement]);
    const outer = exitsOf(s, [node]);
    s.loop({
      span: s.host.span(node),
      assigned,
      outer,
      labels,
      counted: { ...counted, name: (name as ts.Identifier).text },
      body: (index) => {
        bind(s, name, index!);
        iteration(s, node.statement, labels);
      },
    });
    return;
  }
  if (node.initializer !== undefined) {
    if (ts.isVariableDeclarationList(node.initializer)) variables(s, node.initializer);
    else expression(s, node.initializer);
  }
  testedLoop(s, node, node.condition, labels, () => {
    if (node.incrementor !== undefined) expression(s, node.incrementor);
  });
}

export function whileLoop(s: Lowering, node: ts.WhileStatement, labels: readonly string[]): void {
  const endless = node.expression.kind === s.ts.SyntaxKind.TrueKeyword;
  testedLoop(s, node, endless ? undefined : node.expression, labels, () => {});
}

function testedLoop(
  s: Lowering,
  node: ts.ForStatement | ts.WhileStatement,
  condition: ts.Expression | undefined,
  labels: readonly string[],
  update: () => void,
): void {
  const assigned = assignedIn(s.host, [node]);
  const outer = exitsOf(s, [node]);
  const once = () => {
    iteration(s, node.statement, labels);
    s.proceed(update);
  };
  const span = s.host.span(node);
  if (condition !== undefined && isPure(s.host, condition)) {
    s.loop({ span, assigned, outer, labels, test: () => expression(s, condition), body: once });
    return;
  }
  s.loop({
    span,
    assigned,
    outer,
    labels,
    body: (_index, exit) => {
      if (condition === undefined) once();
      else
        s.conditional(
          expression(s, condition),
          () => {},
          () => s.leave(exit),
          once,
        );
    },
  });
}

export function doWhile(s: Lowering, node: ts.DoStatement, labels: readonly string[]): void {
  const assigned = assignedIn(s.host, [node]);
  const outer = exitsOf(s, [node]);
  const span = s.host.span(node);
  if (isPure(s.host, node.expression)) {
    s.loop({
      span,
      assigned,
      outer,
      labels,
      test: () => expression(s, node.expression),
      testAfter: true,
      body: () => iteration(s, node.statement, labels),
    });
    return;
  }
  const again = (exit: Exit) =>
    s.conditional(
      expression(s, node.expression),
      () => {},
      () => s.leave(exit),
    );
  s.loop({
    span,
    assigned,
    outer,
    labels,
    body: (_index, exit) => {
      iteration(s, node.statement, labels);
      s.proceed(() => {
        again(exit);
      });
    },
  });
}

/** `for (let i = a; i < b; i += c)` where the body leaves i and b alone. */
function countedLoop(s: Lowering, node: ts.ForStatement): LoopOp["counted"] | undefined {
  const { ts } = s;
  const { initializer, condition, incrementor } = node;
  if (initializer === undefined || condition === undefined || incrementor === undefined) return undefined;
  if (!ts.isVariableDeclarationList(initializer) || !(initializer.flags & ts.NodeFlags.Let)) return undefined;
  const [declaration] = initializer.declarations;
  if (
    initializer.declarations.length !== 1 ||
    !ts.isIdentifier(declaration!.name) ||
    declaration!.initializer === undefined
  ) {
    return undefined;
  }
  const symbol = s.host.symbolOf(declaration!.name);
  if (symbol === undefined || s.isBoxed(symbol)) return undefined;
  const step = stepOf(s, incrementor, symbol);
  const bound = boundOf(s, condition, symbol);
  if (step === undefined || bound === undefined || step === 0) return undefined;
  if (step > 0 !== (bound.comparison === "<" || bound.comparison === "<=")) return undefined;
  if (assignedIn(s.host, [node.statement, condition]).has(symbol)) return undefined;
  if (!isInvariant(s, bound.end, node.statement)) return undefined;
  const start = expression(s, declaration!.initializer);
  const end = expression(s, bound.end);
  return { start, end, comparison: bound.comparison, step };
}

const mirrored = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const;
type Comparison = keyof typeof mirrored;

function boundOf(
  s: Lowering,
  condition: ts.Expression,
  symbol: ts.Symbol,
): { comparison: Comparison; end: ts.Expression } | undefined {
  const { ts } = s;
  const test = transparent(ts, condition);
  if (!ts.isBinaryExpression(test)) return undefined;
  const op = test.operatorToken.getText();
  if (!(op in mirrored)) return undefined;
  const is = (e: ts.Expression) =>
    ts.isIdentifier(transparent(ts, e)) && s.host.symbolOf(transparent(ts, e)) === symbol;
  if (is(test.left)) return { comparison: op as Comparison, end: test.right };
  if (is(test.right)) return { comparison: mirrored[op as Comparison], end: test.left };
  return undefined;
}

function stepOf(s: Lowering, node: ts.Expression, symbol: ts.Symbol): number | undefined {
  const { ts } = s;
  const is = (e: ts.Expression) => ts.isIdentifier(e) && s.host.symbolOf(e) === symbol;
  if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
    if (!is(node.operand)) return undefined;
    return node.operator === ts.SyntaxKind.PlusPlusToken
      ? 1
      : node.operator === ts.SyntaxKind.MinusMinusToken
        ? -1
        : undefined;
  }
  if (!ts.isBinaryExpression(node) || !is(node.left) || !ts.isNumericLiteral(node.right)) return undefined;
  const size = Number(node.right.text);
  if (node.operatorToken.kind === ts.SyntaxKind.PlusEqualsToken) return size;
  return node.operatorToken.kind === ts.SyntaxKind.MinusEqualsToken ? -size : undefined;
}

/** Whether an expression has the same value in every iteration: literals, variables and lengths that stay. */
function isInvariant(s: Lowering, node: ts.Expression, body: ts.Statement): boolean {
  const { ts } = s;
  const assigned = assignedIn(s.host, [body]);
  const check = (e: ts.Node): boolean => {
    if (ts.isIdentifier(e)) {
      const symbol = s.host.symbolOf(e);
      return (
        symbol === undefined ||
        (!assigned.has(symbol) && !s.isBoxed(symbol) && (s.raw(symbol) !== undefined || isStable(s, symbol)))
      );
    }
    if (ts.isNumericLiteral(e) || e.kind === ts.SyntaxKind.ThisKeyword) return true;
    if (ts.isPropertyAccessExpression(e)) {
      if (e.name.text === "length" && isArrayLike(s.host, e.expression))
        return check(e.expression) && !changesLength(s, body);
      const symbol = s.host.symbolOf(e.name);
      const constant = symbol !== undefined && (s.host.isAmbient(symbol) || isReadonlyField(s, symbol));
      return constant && check(e.expression);
    }
    if (ts.isElementAccessExpression(e)) {
      // A row of a matrix: its length stays when no length changes and no row is replaced.
      return check(e.expression) && check(e.argumentExpression) && !writesElements(s, body);
    }
    if (ts.isCallExpression(e)) return isPure(s.host, e) && e.arguments.every(check);
    if (ts.isBinaryExpression(e)) return check(e.left) && check(e.right) && isPure(s.host, e);
    if (ts.isParenthesizedExpression(e) || ts.isNonNullExpression(e) || ts.isAsExpression(e))
      return check(e.expression);
    return ts.isPrefixUnaryExpression(e) && isPure(s.host, e) && check(e.operand);
  };
  return check(node);
}

function isStable(s: Lowering, symbol: ts.Symbol): boolean {
  const declaration = symbol.valueDeclaration;
  if (s.host.isAmbient(symbol)) return true;
  return (
    declaration !== undefined &&
    s.ts.isVariableDeclaration(declaration) &&
    (declaration.parent.flags & s.ts.NodeFlags.Const) !== 0
  );
}

function isReadonlyField(s: Lowering, symbol: ts.Symbol): boolean {
  const { ts } = s;
  return (symbol.declarations ?? []).every(
    (d) =>
      (ts.isPropertyDeclaration(d) || ts.isParameter(d)) &&
      (ts.getCombinedModifierFlags(d) & ts.ModifierFlags.Readonly) !== 0,
  );
}

const lengthChanging = new Set(["push", "pop", "shift", "unshift", "splice"]);

/** Whether a body may change the length of an array: it grows one, or calls something that might. */
export function changesLength(s: Lowering, body: ts.Node): boolean {
  const { ts } = s;
  let found = false;
  const visit = (node: ts.Node): void => {
    if (found) return;
    if (ts.isCallExpression(node)) {
      const callee = transparent(ts, node.expression);
      if (ts.isPropertyAccessExpression(callee) && lengthChanging.has(callee.name.text)) found = true;
    } else if (
      ts.isBinaryExpression(node) &&
      ts.isPropertyAccessExpression(node.left) &&
      node.left.name.text === "length"
    )
      found = true;
    ts.forEachChild(node, visit);
  };
  visit(body);
  return found;
}

function writesElements(s: Lowering, body: ts.Node): boolean {
  const { ts } = s;
  let found = false;
  const visit = (node: ts.Node): void => {
    if (
      ts.isBinaryExpression(node) &&
      ts.isElementAccessExpression(node.left) &&
      node.operatorToken.kind === ts.SyntaxKind.EqualsToken
    ) {
      const kind = s.types.at(node.left).kind;
      if (kind === "array" || kind === "tuple") found = true;
    }
    if (!found) ts.forEachChild(node, visit);
  };
  visit(body);
  return found || changesLength(s, body);
}
