/** Questions about syntax that lowering asks before it starts: what is assigned, captured, left early, free of effects. */
import type ts from "typescript";
import type { TypeHost } from "../host/index.ts";

/** Array methods whose function literal is lowered in place, as the body of a loop. */
const inPlaceMethods = new Set([
  "map",
  "forEach",
  "reduce",
  "reduceRight",
  "filter",
  "some",
  "every",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
  "flatMap",
]);

export function transparent(ts: typeof import("typescript"), node: ts.Expression): ts.Expression {
  let inner = node;
  while (
    ts.isParenthesizedExpression(inner) ||
    ts.isAsExpression(inner) ||
    ts.isSatisfiesExpression(inner) ||
    ts.isNonNullExpression(inner) ||
    ts.isTypeAssertionExpression(inner) ||
    ts.isExpressionWithTypeArguments(inner)
  ) {
    inner = inner.expression;
  }
  return inner;
}

/** A function literal whose body can stand where it is called. */
export function isInlinable(host: TypeHost, node: ts.Node): node is ts.ArrowFunction | ts.FunctionExpression {
  const { ts } = host;
  if (ts.isArrowFunction(node)) return !hasModifier(ts, node, ts.SyntaxKind.AsyncKeyword);
  if (!ts.isFunctionExpression(node)) return false;
  if (node.asteriskToken !== undefined || hasModifier(ts, node, ts.SyntaxKind.AsyncKeyword)) return false;
  return node.name === undefined && !mentionsOwnThis(ts, node);
}

function hasModifier(ts: typeof import("typescript"), node: ts.Node, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((m) => m.kind === kind);
}

export function isAsync(ts: typeof import("typescript"), node: ts.Node): boolean {
  return hasModifier(ts, node, ts.SyntaxKind.AsyncKeyword);
}

export function mentionsOwnThis(ts: typeof import("typescript"), fn: ts.FunctionLikeDeclaration): boolean {
  let found = false;
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.ThisKeyword || (ts.isIdentifier(node) && node.text === "arguments")) found = true;
    else if (!ts.isFunctionExpression(node) && !ts.isFunctionDeclaration(node)) ts.forEachChild(node, visit);
  };
  ts.forEachChild(fn, visit);
  return found;
}

/** Whether a function literal is lowered in place: the callback of an array method, or called where it stands. */
export function isInPlace(host: TypeHost, literal: ts.Node): boolean {
  const { ts } = host;
  if (!isInlinable(host, literal)) return false;
  let node: ts.Node = literal;
  while (ts.isParenthesizedExpression(node.parent)) node = node.parent;
  const call = node.parent;
  if (!ts.isCallExpression(call)) return false;
  if (call.expression === node) return true;
  const callee = call.expression;
  if (!ts.isPropertyAccessExpression(callee)) return false;
  if (ts.isIdentifier(callee.expression) && callee.expression.text === "Array" && callee.name.text === "from") {
    return call.arguments[1] === node;
  }
  if (call.arguments[0] !== node || call.questionDotToken !== undefined || callee.questionDotToken !== undefined)
    return false;
  return inPlaceMethods.has(callee.name.text) && isArrayLike(host, callee.expression);
}

/** Arrays, tuples and typed arrays, read only or not; after a `?.` null and undefined do not count. */
export function isArrayLike(host: TypeHost, node: ts.Expression, optional: ts.NodeFlags = 0): boolean {
  const type = host.checker.getTypeAtLocation(node);
  return isArrayLikeType(host, optional === 0 ? type : host.checker.getNonNullableType(type));
}

export function isArrayLikeType(host: TypeHost, type: ts.Type): boolean {
  const { checker } = host;
  if (checker.isArrayType(type) || checker.isTupleType(type)) return true;
  if (type.isUnion()) return type.types.every((member) => isArrayLikeType(host, member));
  const constraint = type.flags & host.ts.TypeFlags.Instantiable ? checker.getBaseConstraintOfType(type) : undefined;
  if (constraint !== undefined && constraint !== type) return isArrayLikeType(host, constraint);
  const name = (type.symbol as ts.Symbol | undefined)?.name;
  return name !== undefined && /^(Int8|Uint8|Uint8Clamped|Int16|Uint16|Int32|Uint32|Float32|Float64)Array$/.test(name);
}

/** Calls `found` for each name that is assigned to, however deep in patterns. */
function eachTarget(ts: typeof import("typescript"), target: ts.Node, found: (name: ts.Identifier) => void): void {
  if (ts.isIdentifier(target)) found(target);
  else if (ts.isParenthesizedExpression(target) || ts.isNonNullExpression(target) || ts.isAsExpression(target)) {
    eachTarget(ts, target.expression, found);
  } else if (ts.isArrayLiteralExpression(target)) {
    for (const element of target.elements) eachTarget(ts, element, found);
  } else if (ts.isSpreadElement(target)) eachTarget(ts, target.expression, found);
  else if (ts.isBinaryExpression(target)) eachTarget(ts, target.left, found);
  else if (ts.isObjectLiteralExpression(target)) {
    for (const property of target.properties) {
      if (ts.isShorthandPropertyAssignment(property)) found(property.name);
      else if (ts.isPropertyAssignment(property)) eachTarget(ts, property.initializer, found);
      else if (ts.isSpreadAssignment(property)) eachTarget(ts, property.expression, found);
    }
  }
}

/** Calls `found` for each name that a node assigns to (declarations with initialisers do not count). */
function eachAssignment(ts: typeof import("typescript"), node: ts.Node, found: (name: ts.Identifier) => void): void {
  if (ts.isBinaryExpression(node) && isAssignment(ts, node.operatorToken.kind)) eachTarget(ts, node.left, found);
  else if (
    (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
    (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken)
  ) {
    eachTarget(ts, node.operand, found);
  } else if (
    (ts.isForOfStatement(node) || ts.isForInStatement(node)) &&
    !ts.isVariableDeclarationList(node.initializer)
  ) {
    eachTarget(ts, node.initializer, found);
  }
}

export function isAssignment(ts: typeof import("typescript"), kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

/** Every variable that these nodes assign to, function literals included. */
export function assignedIn(host: TypeHost, nodes: Iterable<ts.Node | undefined>): Set<ts.Symbol> {
  const { ts } = host;
  const assigned = new Set<ts.Symbol>();
  const visit = (node: ts.Node): void => {
    eachAssignment(ts, node, (name) => {
      const symbol = host.symbolOf(name);
      if (symbol !== undefined) assigned.add(symbol);
    });
    // `var x = …` in a loop assigns a variable of the whole function.
    if (ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isIdentifier(node.name)) {
      const symbol = host.symbolOf(node.name);
      if (symbol !== undefined && symbol.flags & ts.SymbolFlags.FunctionScopedVariable) assigned.add(symbol);
    }
    ts.forEachChild(node, visit);
  };
  for (const node of nodes) if (node !== undefined) visit(node);
  return assigned;
}

/** The variables of a function that live in boxes: captured by a closure and assigned after their declaration. */
export function boxedIn(host: TypeHost, root: ts.Node): ReadonlySet<ts.Symbol> {
  const { ts } = host;
  const owner = new Map<ts.Symbol, ts.Node>();
  const captured = new Set<ts.Symbol>();
  const assigned = new Set<ts.Symbol>();
  const uses: { symbol: ts.Symbol; closure: ts.Node; at: number }[] = [];
  const visit = (node: ts.Node, closure: ts.Node, steps: ReadonlySet<ts.Node>): void => {
    let inside = closure;
    if (node !== root && (ts.isFunctionLike(node) || ts.isClassLike(node)) && !isInPlace(host, node)) inside = node;
    if (node !== root && ts.isFunctionDeclaration(node) && node.name !== undefined) {
      declare(node.name, closure);
      const symbol = host.symbolOf(node.name);
      if (symbol !== undefined && isRecursive(host, node, symbol)) assigned.add(symbol);
    }
    const itself = node !== root && ts.isFunctionExpression(node) ? ownSymbol(host, node) : undefined;
    if (itself !== undefined) {
      owner.set(itself, closure);
      assigned.add(itself);
    }
    if (
      (ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node)) &&
      ts.isIdentifier(node.name)
    ) {
      declare(node.name, inside);
      // A function that mentions itself is captured before it exists.
      if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
        const symbol = host.symbolOf(node.name);
        const value = transparent(ts, node.initializer);
        if (symbol !== undefined && ts.isFunctionLike(value) && mentions(host, value, symbol)) assigned.add(symbol);
      }
    }
    if (!steps.has(node)) {
      eachAssignment(ts, node, (name) => {
        const symbol = host.symbolOf(name);
        if (symbol !== undefined) assigned.add(symbol);
      });
    }
    if (ts.isIdentifier(node)) {
      const symbol = host.symbolOf(node);
      if (symbol !== undefined) uses.push({ symbol, closure: inside, at: node.getStart() });
    }
    // Each iteration of a `for` has its own variable, so its own step is no assignment to what a closure captured.
    if (
      ts.isForStatement(node) &&
      node.incrementor !== undefined &&
      node.initializer !== undefined &&
      isLet(ts, node.initializer)
    ) {
      const outer = new Set([...steps, ...pieces(ts, node.incrementor)]);
      ts.forEachChild(node, (child) => visit(child, inside, outer));
    } else ts.forEachChild(node, (child) => visit(child, inside, steps));
  };
  const declare = (name: ts.Node, closure: ts.Node): void => {
    const symbol = host.symbolOf(name);
    if (symbol !== undefined && !owner.has(symbol)) owner.set(symbol, closure);
  };
  visit(root, root, new Set());
  for (const { symbol, closure, at } of uses) {
    const home = owner.get(symbol);
    if (home === undefined || home === closure) continue;
    captured.add(symbol);
    // Captured by a function that stands before it.
    const declaration = symbol.valueDeclaration;
    if (declaration !== undefined && ts.isVariableDeclaration(declaration) && at < declaration.getStart())
      assigned.add(symbol);
  }
  return new Set([...assigned].filter((symbol) => captured.has(symbol)));
}

/** A local function that mentions itself, or neighbours that lead back to it. */
function isRecursive(host: TypeHost, node: ts.FunctionDeclaration, symbol: ts.Symbol): boolean {
  const { ts } = host;
  if (node.body === undefined) return false;
  const siblings: ts.FunctionDeclaration[] = [];
  ts.forEachChild(node.parent, (child) => {
    if (ts.isFunctionDeclaration(child) && child.name !== undefined) siblings.push(child);
  });
  const met = new Set<ts.FunctionDeclaration>();
  const leadsBack = (fn: ts.FunctionDeclaration): boolean => {
    if (met.has(fn)) return false;
    met.add(fn);
    if (mentions(host, fn.body ?? fn, symbol)) return true;
    return siblings.some((other) => {
      const name = other === fn ? undefined : host.symbolOf(other.name!);
      return name !== undefined && mentions(host, fn, name) && leadsBack(other);
    });
  };
  return leadsBack(node);
}

function isLet(ts: typeof import("typescript"), node: ts.Node): boolean {
  return ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.BlockScoped) !== 0;
}

function pieces(ts: typeof import("typescript"), node: ts.Expression): ts.Node[] {
  const all: ts.Node[] = [];
  const visit = (n: ts.Node): void => {
    all.push(n);
    ts.forEachChild(n, visit);
  };
  visit(node);
  return all;
}

/** The symbol of a function expression that mentions itself by its own name. */
export function ownSymbol(host: TypeHost, fn: ts.FunctionExpression): ts.Symbol | undefined {
  const symbol = fn.name === undefined ? undefined : host.symbolOf(fn.name);
  return symbol !== undefined && mentions(host, fn.body, symbol) ? symbol : undefined;
}

/** Whether a node mentions a variable. */
export function mentions(host: TypeHost, node: ts.Node, symbol: ts.Symbol): boolean {
  const { ts } = host;
  let found = false;
  const visit = (n: ts.Node): void => {
    if (found) return;
    if (ts.isIdentifier(n) && n.text === symbol.name && host.symbolOf(n) === symbol) found = true;
    else ts.forEachChild(n, visit);
  };
  visit(node);
  return found;
}

export interface Leaves {
  returns: boolean;
  /** Labels of enclosing statements that are left or continued. */
  readonly labels: Set<string>;
  /** `break` or `continue` without a label that belong to a statement around the node. */
  breaks: boolean;
  continues: boolean;
}

/** How control leaves a node early. Function literals in place return to themselves. */
export function leaves(ts: typeof import("typescript"), root: ts.Node): Leaves {
  const found: Leaves = { returns: false, labels: new Set(), breaks: false, continues: false };
  const visit = (node: ts.Node, breakable: boolean, continuable: boolean, labels: readonly string[]): void => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isReturnStatement(node)) found.returns = true;
    else if (ts.isBreakStatement(node) || ts.isContinueStatement(node)) {
      if (node.label !== undefined) {
        if (!labels.includes(node.label.text)) found.labels.add(node.label.text);
      } else if (ts.isBreakStatement(node)) found.breaks ||= !breakable;
      else found.continues ||= !continuable;
    }
    if (ts.isLabeledStatement(node)) {
      visit(node.statement, breakable, continuable, [...labels, node.label.text]);
      return;
    }
    const loop = ts.isIterationStatement(node, false);
    const inner = loop || ts.isSwitchStatement(node);
    ts.forEachChild(node, (child) => visit(child, breakable || inner, continuable || loop, labels));
  };
  visit(root, false, false, []);
  return found;
}

/** Reads only: no calls but those of Math, no assignments, no allocation. */
export function isPure(host: TypeHost, node: ts.Node): boolean {
  const { ts } = host;
  if (ts.isCallExpression(node)) {
    const { expression } = node;
    const math =
      ts.isPropertyAccessExpression(expression) &&
      ts.isIdentifier(expression.expression) &&
      expression.expression.text === "Math" &&
      expression.name.text !== "random";
    return math && node.arguments.every((argument) => isPure(host, argument));
  }
  if (
    ts.isNewExpression(node) ||
    ts.isFunctionLike(node) ||
    ts.isClassLike(node) ||
    ts.isObjectLiteralExpression(node) ||
    ts.isArrayLiteralExpression(node) ||
    ts.isAwaitExpression(node) ||
    ts.isYieldExpression(node) ||
    ts.isDeleteExpression(node) ||
    ts.isTaggedTemplateExpression(node) ||
    (ts.isBinaryExpression(node) && isAssignment(ts, node.operatorToken.kind)) ||
    ((ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
      (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken))
  ) {
    return false;
  }
  if (ts.isPropertyAccessExpression(node)) {
    const symbol = host.symbolOf(node.name);
    if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Accessor && !host.isAmbient(symbol)) return false;
  }
  let pure = true;
  ts.forEachChild(node, (child) => {
    if (pure && !ts.isTypeNode(child)) pure = isPure(host, child);
  });
  return pure;
}
