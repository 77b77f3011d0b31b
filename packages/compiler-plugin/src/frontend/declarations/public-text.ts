/**
 * What other files can see of a file, as text: everything but the bodies of its functions, and what TypeScript inferred
 * where a body alone says what a function returns. While it stays the same, an edit concerns its own file only.
 */
import type ts from "typescript";
import { descend, type TypeHost } from "../host/index.ts";
import type { FileIndex } from "./file-index.ts";
import { isFunctionNode } from "./keys.ts";

export function publicText(host: TypeHost, { sourceFile, classes }: FileIndex): string {
  const { ts, checker } = host;
  const { text } = sourceFile;
  const parts: string[] = [];
  let read = 0;
  const cut = (start: number, end: number, instead: string) => {
    parts.push(text.slice(read, start), instead);
    read = end;
  };
  const cutBodies = (node: ts.Node): boolean => {
    const isStatement = ts.isExpressionStatement(node) && ts.isSourceFile(node.parent);
    // Registrations are known to the whole program.
    if (isStatement && !/registerDerivative/.test(text.slice(node.pos, node.end))) {
      cut(node.getStart(sourceFile), node.end, ";");
      return false;
    }
    const body = isFunctionNode(ts, node) ? node.body : undefined;
    if (body === undefined || !isFunctionNode(ts, node) || ts.isConstructorDeclaration(node)) {
      // What a constructor does with its arguments is part of the class.
      return true;
    }
    for (const parameter of node.parameters) descend(parameter, cutBodies);
    if (declaresTypes(ts, body)) return false;
    const inferred = node.type === undefined && !ts.isSetAccessor(node);
    const signature = inferred ? checker.getSignatureFromDeclaration(node) : undefined;
    const type = signature === undefined ? undefined : checker.getReturnTypeOfSignature(signature);
    const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseFullyQualifiedType;
    cut(body.getStart(sourceFile), body.end, type === undefined ? "{}" : checker.typeToString(type, node, flags));
    return false;
  };
  descend(sourceFile, cutBodies);
  parts.push(text.slice(read));
  // Classes inside functions implement interfaces too, and their members are named by their place.
  for (const node of classes) {
    if (node.heritageClauses !== undefined && !ts.isSourceFile(node.parent))
      parts.push(`@${node.getStart(sourceFile)}`);
  }
  return parts.join("");
}

/** Whether a body declares what the type of its function may name. */
function declaresTypes(typescript: typeof ts, body: ts.Node): boolean {
  let found = false;
  descend(body, (node) => {
    found ||=
      typescript.isClassLike(node) ||
      typescript.isInterfaceDeclaration(node) ||
      typescript.isTypeAliasDeclaration(node) ||
      typescript.isEnumDeclaration(node);
    return !found;
  });
  return found;
}
