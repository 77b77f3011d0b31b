/** Constructors that do nothing but store their arguments: what a project that sees only declarations may rely on. */
import type ts from "typescript";
import type { TypeScript } from "../host/index.ts";
import { isStatic } from "./keys.ts";

/**
 * The fields in which a class's constructor stores its arguments, by position; undefined where it does anything else
 * (a base class, defaults, initialised fields, other statements), or leaves an argument out.
 */
export function storedByPosition(ts: TypeScript, node: ts.ClassLikeDeclaration): readonly string[] | undefined {
  if (node.heritageClauses?.some((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword) === true) return undefined;
  for (const member of node.members) {
    if (ts.isPropertyDeclaration(member) && member.initializer !== undefined && !isStatic(ts, member)) return undefined;
  }
  const own = node.members.filter((member) => ts.isConstructorDeclaration(member));
  const written = own.find((each) => each.body !== undefined);
  if (written === undefined || own.length !== 1) return undefined;
  const parameters = written.parameters.map((parameter) => {
    const plain = parameter.initializer === undefined && parameter.dotDotDotToken === undefined;
    return plain && ts.isIdentifier(parameter.name) ? parameter.name.text : undefined;
  });
  const fields = written.parameters.map((parameter, i) =>
    ts.isParameterPropertyDeclaration(parameter, written) ? parameters[i] : undefined,
  );
  for (const statement of written.body?.statements ?? []) {
    const stored = ts.isExpressionStatement(statement) ? storeOf(ts, statement.expression) : undefined;
    const position = stored === undefined ? -1 : parameters.indexOf(stored.from);
    if (stored === undefined || position < 0 || fields[position] !== undefined) return undefined;
    fields[position] = stored.field;
  }
  const known = fields.filter((field) => field !== undefined);
  return known.length === fields.length && !parameters.includes(undefined) ? known : undefined;
}

/** `this.field = from` */
function storeOf(ts: TypeScript, node: ts.Expression): { field: string; from: string } | undefined {
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return undefined;
  const { left, right } = node;
  if (!ts.isPropertyAccessExpression(left) || left.expression.kind !== ts.SyntaxKind.ThisKeyword) return undefined;
  return ts.isIdentifier(left.name) && ts.isIdentifier(right) ? { field: left.name.text, from: right.text } : undefined;
}
