/** One walk over a file: its functions by key, its classes, and the calls that may be operator sites or registrations. */
import type ts from "typescript";
import { descend, type TypeHost } from "../host/index.ts";
import { isFunctionNode, keyOf, type Lowerable } from "./keys.ts";

export interface FileIndex {
  readonly sourceFile: ts.SourceFile;
  /** In source order. Classes without a written constructor stand for their initialiser. */
  readonly functions: ReadonlyMap<string, Lowerable>;
  readonly classes: readonly ts.ClassLikeDeclaration[];
  readonly interfaces: readonly ts.InterfaceDeclaration[];
  readonly calls: readonly (ts.CallExpression | ts.NewExpression)[];
  /** Expressions in places that have a declared type: initialisers, returns, arguments are found through `calls`. */
  readonly literals: readonly (ts.ArrowFunction | ts.FunctionExpression)[];
}

export function indexFile(host: TypeHost, sourceFile: ts.SourceFile): FileIndex {
  const { ts } = host;
  const functions = new Map<string, Lowerable>();
  const classes: ts.ClassLikeDeclaration[] = [];
  const interfaces: ts.InterfaceDeclaration[] = [];
  const calls: (ts.CallExpression | ts.NewExpression)[] = [];
  const literals: (ts.ArrowFunction | ts.FunctionExpression)[] = [];
  descend(sourceFile, (node) => {
    if (isFunctionNode(ts, node)) {
      functions.set(keyOf(host, node), node);
      if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) literals.push(node);
    } else if (ts.isClassLike(node)) {
      classes.push(node);
      if (!node.members.some((m) => ts.isConstructorDeclaration(m) && m.body !== undefined)) {
        functions.set(keyOf(host, node), node);
      }
    } else if (ts.isInterfaceDeclaration(node)) interfaces.push(node);
    else if (ts.isCallExpression(node) || ts.isNewExpression(node)) calls.push(node);
  });
  return { sourceFile, functions, classes, interfaces, calls, literals };
}
