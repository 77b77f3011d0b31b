/**
 * Calls in a `try` of functions that may throw after they have written: what such a call has changed by then would leave no
 * record. Where its body can stand in place of the call, its writes are those of the function around it, and a `throw` in
 * it is an exit to the handler like any other.
 */
import type ts from "typescript";
import type { Callee, Value } from "../../hir/index.ts";
import { isStatic, type Lowerable } from "../declarations/index.ts";
import { returnType } from "./callbacks.ts";
import { expression } from "./expressions.ts";
import { isResumable } from "./function.ts";
import type { Lowering } from "./lowering.ts";
import { bind, withDefault } from "./patterns.ts";
import { isAssignment, isInPlace, transparent } from "./scan.ts";
import { statements } from "./statements.ts";

type Body = ts.FunctionDeclaration | ts.MethodDeclaration | ts.ArrowFunction | ts.FunctionExpression;

/** Functions whose bodies are being put in place: those that come back to themselves are called. */
const underWay = new WeakMap<object, Set<string>>();

/** The result of the call, its body having been lowered here; undefined where it is called as it stands. */
export function inPlace(s: Lowering, callee: Callee, values: readonly Value[]): Value | undefined {
  if (callee.kind !== "known" || callee.accessor !== undefined || s.handler() === undefined) return undefined;
  const node = s.context.lowerable(callee.key);
  if (node === undefined || !canStandElsewhere(s, node) || !writesBeforeThrowing(s, node)) return undefined;
  const open = underWay.get(s.ids) ?? new Set<string>();
  underWay.set(s.ids, open);
  if (open.has(callee.key)) return undefined;
  open.add(callee.key);
  const { file, receiver } = s;
  try {
    s.file = node.getSourceFile().fileName;
    return body(s, node, values);
  } finally {
    s.file = file;
    s.receiver = receiver;
    open.delete(callee.key);
  }
}

function body(s: Lowering, node: Body, values: readonly Value[]): Value {
  const { ts } = s;
  const isMethod = ts.isMethodDeclaration(node) && !isStatic(ts, node) && ts.isClassLike(node.parent);
  if (isMethod) s.receiver = values[0];
  const given = isMethod ? values.slice(1) : values;
  const exit = s.open({ kind: "function", labels: [], result: returnType(s, node) });
  const own = node.parameters.filter(({ name }) => !(ts.isIdentifier(name) && name.text === "this"));
  own.forEach((parameter, i) => {
    const value = given[i] ?? s.undefinedValue();
    bind(s, parameter.name, withDefault(s, value, parameter.initializer));
  });
  let value: Value | undefined;
  if (node.body !== undefined && ts.isBlock(node.body)) statements(s, node.body.statements);
  else if (node.body !== undefined) value = expression(s, node.body as ts.Expression);
  value ??= s.environment.results.get(exit) ?? s.undefinedValue();
  s.environment.results.delete(exit);
  s.close(exit);
  s.guards.settle();
  return value;
}

/** Bodies that mean the same where they are put: no functions of their own but callbacks, nothing generic, no `var`. */
function canStandElsewhere(s: Lowering, node: Lowerable): node is Body {
  const { ts } = s;
  const isBody =
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isArrowFunction(node) ||
    ts.isFunctionExpression(node);
  if (!isBody || node.typeParameters !== undefined || isResumable(ts, node) || s.isInside(node)) return false;
  if (ts.isClassLike(node.parent) && node.parent.typeParameters !== undefined) return false;
  if (node.parameters.some((parameter) => parameter.dotDotDotToken !== undefined)) return false;
  const fits = (n: ts.Node): boolean => {
    if (ts.isTypeNode(n)) return true;
    if (ts.isClassLike(n) || (ts.isFunctionLike(n) && !isInPlace(s.host, n))) return false;
    if (n.kind === ts.SyntaxKind.SuperKeyword || ts.isMetaProperty(n)) return false;
    if (ts.isIdentifier(n) && n.text === "arguments") return false;
    if (ts.isVariableDeclarationList(n) && (n.flags & ts.NodeFlags.BlockScoped) === 0) return false;
    return ts.forEachChild(n, (child) => (fits(child) ? undefined : true)) !== true;
  };
  return ts.forEachChild(node, (child) => (fits(child) ? undefined : true)) !== true;
}

/** Whether something in the body, as it is written, may throw after something may have been written. */
function writesBeforeThrowing(s: Lowering, node: Body): boolean {
  const { ts } = s;
  let written = false;
  let found = false;
  const visit = (n: ts.Node): void => {
    if (found || ts.isTypeNode(n)) return;
    if (ts.isIterationStatement(n, false)) {
      const inside = effectsOf(s, n, new Set());
      if (inside.throws && (written || inside.writes)) found = true;
      written ||= inside.writes;
      return;
    }
    ts.forEachChild(n, visit);
    const { throws, writes } = effectOf(s, n, new Set([node]));
    if (throws && (written || (writes && !ts.isThrowStatement(n)))) found = true;
    written ||= writes;
  };
  if (node.body !== undefined) visit(node.body);
  return found;
}

interface Effects {
  throws: boolean;
  writes: boolean;
}

function effectsOf(s: Lowering, root: ts.Node, seen: Set<ts.Node>): Effects {
  const effects = { throws: false, writes: false };
  const visit = (n: ts.Node): void => {
    if (s.ts.isTypeNode(n)) return;
    const own = effectOf(s, n, seen);
    effects.throws ||= own.throws;
    effects.writes ||= own.writes;
    s.ts.forEachChild(n, visit);
  };
  visit(root);
  return effects;
}

const rearranging = /^(push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin|set|delete|clear)$/;

/** What a node does by itself, its children apart. */
function effectOf(s: Lowering, node: ts.Node, seen: Set<ts.Node>): Effects {
  const { ts } = s;
  if (ts.isThrowStatement(node)) return { throws: true, writes: false };
  if (ts.isDeleteExpression(node)) return { throws: false, writes: true };
  const target =
    ts.isBinaryExpression(node) && isAssignment(ts, node.operatorToken.kind)
      ? node.left
      : (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
          (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken)
        ? node.operand
        : undefined;
  if (target !== undefined) return { throws: false, writes: !ts.isIdentifier(transparent(ts, target)) };
  if (ts.isNewExpression(node)) return { throws: true, writes: false };
  if (!ts.isCallExpression(node)) return { throws: false, writes: false };
  const callee = transparent(ts, node.expression);
  const name = ts.isPropertyAccessExpression(callee) ? callee.name : callee;
  const symbol = ts.isIdentifier(name) ? s.host.symbolOf(name) : undefined;
  if (symbol === undefined) return { throws: true, writes: true };
  if (s.host.isAmbient(symbol)) return { throws: false, writes: rearranging.test(symbol.name) };
  const declaration = symbol.valueDeclaration;
  const held =
    declaration !== undefined && ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined
      ? transparent(ts, declaration.initializer)
      : declaration;
  if (held === undefined || !ts.isFunctionLike(held) || ts.isMethodSignature(held))
    return { throws: true, writes: true };
  if (seen.has(held)) return { throws: false, writes: false };
  seen.add(held);
  return effectsOf(s, held, seen);
}
