/** Function literals and local functions: values that close over what they read. */
import type ts from "typescript";
import type { Value } from "../../hir/index.ts";
import { isResumable, lowerBody, resumableRefusal } from "./function.ts";
import { Lowering } from "./lowering.ts";
import { opaqueExpression } from "./opaque.ts";
import { ownSymbol } from "./scan.ts";

export function closure(
  s: Lowering,
  node: ts.ArrowFunction | ts.FunctionExpression | ts.MethodDeclaration | ts.FunctionDeclaration,
): Value {
  if (isResumable(s.ts, node)) {
    return opaqueExpression(s, node, resumableRefusal(node), { kind: "function", text: "function" }, true);
  }
  const own = s.ts.isFunctionExpression(node) ? ownSymbol(s.host, node) : undefined;
  const isBoxed = own !== undefined && s.isBoxed(own);
  // An expression that mentions itself by its own name finds itself in a box.
  if (isBoxed) s.declare(own, s.at(node).const(undefined));
  const inner = new Lowering({ context: s.context, root: node, boxed: s.boxed, parent: s });
  const hir = lowerBody(inner, node, "arrow");
  const type = s.ts.isFunctionDeclaration(node) ? s.types.ofSymbol(s.host.symbolOf(node.name!)!) : s.types.at(node);
  const made = s.at(node).closure(
    hir,
    inner.captured.map(({ outer }) => outer),
    type.kind === "function" ? type : { kind: "function", text: "function" },
  );
  if (isBoxed) s.assign(own, made);
  return made;
}

/** A local function comes into being where it is first needed; one that mentions itself lives in a box. */
export function functionDeclaration(s: Lowering, node: ts.FunctionDeclaration): void {
  const symbol = s.host.symbolOf(node.name!);
  if (symbol === undefined) return;
  s.at(node);
  if (!s.isBoxed(symbol)) {
    s.declare(symbol, closure(s, node));
    return;
  }
  if (!s.environment.variables.has(symbol)) s.declare(symbol, s.undefinedValue());
  s.assign(symbol, closure(s, node));
}
