/**
 * What code that the compiler does not see may do: the platform's own functions that only read what they are given, and
 * the functions handed to them, which they run (a comparator, a replacer).
 */
import type ts from "typescript";
import type { Callee } from "../../hir/index.ts";
import type { TypeHost } from "../host/index.ts";
import { isAssignment, transparent } from "./scan.ts";

/** Ambient functions that read their arguments and do nothing else. */
const harmlessFunctions =
  /^(Number(\.\w+)?|String(\.\w+)?|Boolean|BigInt|parseInt|parseFloat|isNaN|isFinite|Array\.isArray|Object\.(freeze|seal|preventExtensions|keys|values|entries|is|hasOwn|fromEntries|getPrototypeOf)|JSON\.stringify|structuredClone|Symbol(\.for)?)$/;

const harmlessMethods = new Set(
  (
    "toString toFixed toPrecision toExponential toLocaleString valueOf charAt charCodeAt codePointAt startsWith endsWith split trim " +
    "trimStart trimEnd toUpperCase toLowerCase padStart padEnd repeat replace replaceAll substring has hasOwnProperty " +
    "indexOf lastIndexOf includes join localeCompare match search entries keys values slice at concat getTime"
  ).split(" "),
);

export function isHarmless(callee: Callee & { kind: "inert" }): boolean {
  if (callee.stops === true || callee.accessor === "get") return true;
  return callee.method === undefined ? harmlessFunctions.test(callee.text) : harmlessMethods.has(callee.method);
}

/**
 * A value that changes something when whoever gets it runs it: a function, or an object that says how it becomes text or
 * a number.
 */
export function mayAct(host: TypeHost, node: ts.Expression): boolean {
  const type = host.checker.getTypeAtLocation(node);
  if (type.getCallSignatures().length > 0) return !leavesAlone(host, node);
  if (!(type.flags & host.ts.TypeFlags.Object)) return false;
  return ["toString", "valueOf", "toJSON"].some((name) => {
    const conversion = type.getProperty(name);
    if (conversion === undefined || host.isAmbient(conversion)) return false;
    const { valueDeclaration } = conversion;
    if (valueDeclaration === undefined) return true;
    if (host.ts.isPropertyAssignment(valueDeclaration)) return !leavesAlone(host, valueDeclaration.initializer);
    return !host.ts.isMethodDeclaration(valueDeclaration) || !bodyLeavesAlone(host, valueDeclaration, new Set());
  });
}

/**
 * Whether running a function value changes nothing but variables of its own: the body is there to be read, assigns
 * nothing around it, and calls only what leaves everything alone as well.
 */
function leavesAlone(host: TypeHost, given: ts.Expression, seen: ReadonlySet<ts.Node> = new Set()): boolean {
  const { ts } = host;
  const node = transparent(ts, given);
  if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return bodyLeavesAlone(host, node, seen);
  const name = ts.isPropertyAccessExpression(node) ? node.name : node;
  const symbol = ts.isIdentifier(name) ? host.symbolOf(name) : undefined;
  if (symbol === undefined) return false;
  if (host.isAmbient(symbol))
    return isHarmless({ kind: "inert", text: node.getText(), file: "" }) || isMath(node.getText());
  const declaration = symbol.valueDeclaration;
  if (declaration === undefined) return false;
  if (ts.isFunctionDeclaration(declaration)) return bodyLeavesAlone(host, declaration, seen);
  const isConst = ts.isVariableDeclaration(declaration) && (declaration.parent.flags & ts.NodeFlags.Const) !== 0;
  return isConst && declaration.initializer !== undefined && leavesAlone(host, declaration.initializer, seen);
}

const isMath = (text: string) => /^Math\.(?!random$)/.test(text);

function bodyLeavesAlone(host: TypeHost, fn: ts.FunctionLikeDeclaration, seen: ReadonlySet<ts.Node>): boolean {
  const { ts } = host;
  if (fn.body === undefined) return false;
  if (seen.has(fn)) return true;
  const inside = new Set([...seen, fn]);
  const isOwn = (target: ts.Expression): boolean => {
    const at = transparent(ts, target);
    const declaration = ts.isIdentifier(at) ? host.symbolOf(at)?.valueDeclaration : undefined;
    return (
      declaration !== undefined && declaration.pos >= fn.pos && declaration.end <= fn.end && sameFile(declaration, fn)
    );
  };
  const quiet = (node: ts.Node): boolean => {
    if (ts.isTypeNode(node)) return true;
    if (ts.isBinaryExpression(node) && isAssignment(ts, node.operatorToken.kind) && !isOwn(node.left)) return false;
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      const counts = node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken;
      if (counts && !isOwn(node.operand)) return false;
    }
    if (ts.isDeleteExpression(node) || ts.isTaggedTemplateExpression(node) || ts.isNewExpression(node)) return false;
    if (ts.isAwaitExpression(node) || ts.isYieldExpression(node)) return false;
    if (ts.isCallExpression(node) && !quietCall(node)) return false;
    // A function made here matters where it is called or handed on.
    if (node !== fn.body && ts.isFunctionLike(node)) return true;
    return ts.forEachChild(node, (child) => (quiet(child) ? undefined : true)) !== true;
  };
  const quietCall = (call: ts.CallExpression): boolean => {
    const isFunction = (e: ts.Expression) => host.checker.getTypeAtLocation(e).getCallSignatures().length > 0;
    if (call.arguments.some((e) => isFunction(e) && !leavesAlone(host, e, inside))) return false;
    const { expression } = call;
    if (ts.isPropertyAccessExpression(expression)) {
      const symbol = host.symbolOf(expression.name);
      const method = { kind: "inert", text: "", file: "", method: expression.name.text } as const;
      if (symbol !== undefined && host.isAmbient(symbol) && isHarmless(method)) return true;
    }
    return leavesAlone(host, expression, inside);
  };
  return quiet(fn.body);
}

const sameFile = (a: ts.Node, b: ts.Node) => a.getSourceFile() === b.getSourceFile();
