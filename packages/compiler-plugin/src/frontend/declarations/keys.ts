/** Keys and names of declarations: `file#f`, `file#C.method`; nested ones with their position. */
import type ts from "typescript";
import type { TypeHost, TypeScript } from "../host/index.ts";

/** A function with a body. */
export type FunctionNode =
  | ts.FunctionDeclaration
  | ts.MethodDeclaration
  | ts.ConstructorDeclaration
  | ts.GetAccessorDeclaration
  | ts.SetAccessorDeclaration
  | ts.ArrowFunction
  | ts.FunctionExpression;

/** What can be lowered: a function, or a class whose initialiser has no constructor written. */
export type Lowerable = FunctionNode | ts.ClassLikeDeclaration;

export function isFunctionNode(ts: TypeScript, node: ts.Node): node is FunctionNode {
  return (
    (ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isConstructorDeclaration(node) ||
      ts.isGetAccessorDeclaration(node) ||
      ts.isSetAccessorDeclaration(node) ||
      ts.isArrowFunction(node) ||
      ts.isFunctionExpression(node)) &&
    node.body !== undefined
  );
}

/** A method of an object literal is a function that a field holds: it has no receiver of its own. */
export function isFieldFunction(ts: TypeScript, node: ts.Node): boolean {
  return ts.isMethodDeclaration(node) && ts.isObjectLiteralExpression(node.parent);
}

/** Whether a declaration stands at the top level of its module (not inside a function, a block or a class body). */
export function isTopLevel(ts: TypeScript, node: ts.Node): boolean {
  let parent = node.parent;
  while (
    ts.isVariableDeclaration(parent) ||
    ts.isVariableDeclarationList(parent) ||
    ts.isVariableStatement(parent) ||
    ts.isParenthesizedExpression(parent) ||
    ts.isAsExpression(parent) ||
    ts.isSatisfiesExpression(parent)
  ) {
    parent = parent.parent;
  }
  return ts.isSourceFile(parent) || (ts.isExportAssignment(parent) && ts.isSourceFile(parent.parent));
}

/** The name that a literal gets from the variable or property that it initialises. */
export function givenName(ts: TypeScript, node: ts.Node): string | undefined {
  let outer = node.parent;
  while (ts.isParenthesizedExpression(outer) || ts.isAsExpression(outer) || ts.isSatisfiesExpression(outer)) {
    outer = outer.parent;
  }
  if (
    (ts.isVariableDeclaration(outer) || ts.isPropertyDeclaration(outer) || ts.isPropertyAssignment(outer)) &&
    (ts.isIdentifier(outer.name) || ts.isPrivateIdentifier(outer.name))
  ) {
    return outer.name.text;
  }
  return undefined;
}

export function classKey(host: TypeHost, node: ts.ClassLikeDeclaration): string {
  const file = node.getSourceFile().fileName;
  const name = className(host.ts, node);
  return isTopLevel(host.ts, node) ? `${file}#${name}` : `${file}#${name}@${node.getStart()}`;
}

export function className(ts: TypeScript, node: ts.ClassLikeDeclaration): string {
  return node.name?.text ?? (ts.isClassExpression(node) ? givenName(ts, node) : "default") ?? "class";
}

export function keyOf(host: TypeHost, node: Lowerable): string {
  const { ts } = host;
  if (ts.isClassLike(node)) return `${classKey(host, node)}.constructor`;
  if (ts.isClassLike(node.parent) && !ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) {
    return `${classKey(host, node.parent)}.${memberKey(ts, node)}`;
  }
  const file = node.getSourceFile().fileName;
  const name = functionName(ts, node);
  return isTopLevel(ts, node) ? `${file}#${name}` : `${file}#${name}@${node.getStart()}`;
}

function memberKey(ts: TypeScript, node: FunctionNode): string {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  const scope = ts.isFunctionLike(node) && isStatic(ts, node) ? "static " : "";
  const accessor = ts.isGetAccessor(node) ? "get " : ts.isSetAccessor(node) ? "set " : "";
  return `${scope}${accessor}${node.name?.getText() ?? ""}`;
}

export function isStatic(ts: TypeScript, node: ts.Node): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((m) => m.kind === ts.SyntaxKind.StaticKeyword);
}

export function isAbstract(ts: TypeScript, node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((m) => m.kind === ts.SyntaxKind.AbstractKeyword)
  );
}

/** Base of generated names: an identifier, `C$method` for members. */
export function generatedName(ts: TypeScript, node: Lowerable): string {
  if (ts.isClassLike(node)) return `${className(ts, node)}$constructor`;
  if (ts.isClassLike(node.parent) && !ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) {
    const member = memberKey(ts, node).replace(/[^\w$]+/g, "_");
    return `${className(ts, node.parent)}$${member}`;
  }
  return functionName(ts, node);
}

function functionName(ts: TypeScript, node: FunctionNode): string {
  if (ts.isFunctionDeclaration(node)) return node.name?.text ?? "default";
  if (ts.isFunctionExpression(node) && node.name !== undefined) return node.name.text;
  if (ts.isMethodDeclaration(node) || ts.isGetAccessor(node) || ts.isSetAccessor(node)) {
    return node.name.getText().replace(/[^\w$]+/g, "_");
  }
  return givenName(ts, node)?.replace("#", "") ?? "arrow";
}
