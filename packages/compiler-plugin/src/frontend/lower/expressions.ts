/** Expressions: each becomes one value. */
import type ts from "typescript";
import type { Type, Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import { chain, elementAccess, identifier, propertyAccess } from "./access.ts";
import { listType } from "./arrays.ts";
import { assignment, increment } from "./assignments.ts";
import { call } from "./calls.ts";
import { closure } from "./closures.ts";
import { construct } from "./construct.ts";
import { viewOf } from "./iteration.ts";
import type { Lowering } from "./lowering.ts";
import { opaqueExpression, opaqueValue } from "./opaque.ts";
import { binary, unary } from "./operators.ts";
import { mayAct } from "./quiet.ts";
import { listOf, recordLiteral, removal } from "./records.ts";
import { isAssignment, mentionsOwnThis, transparent } from "./scan.ts";

const string = inert("string");
const number = { kind: "number" } as const;
const arithmetic = new Set(["+", "-", "*", "/", "%", "**"]);

export function expression(s: Lowering, node: ts.Expression): Value {
  const { ts } = s;
  const K = ts.SyntaxKind;
  if (ts.isIdentifier(node)) return identifier(s, node);
  if (ts.isNumericLiteral(node)) return s.at(node).const(Number(node.text), { kind: "number" }, { written: true });
  if (ts.isStringLiteralLike(node)) return s.at(node).const(node.text);
  if (ts.isPropertyAccessExpression(node)) return propertyAccess(s, node);
  if (ts.isElementAccessExpression(node)) return elementAccess(s, node);
  if (ts.isCallExpression(node)) {
    return node.flags & ts.NodeFlags.OptionalChain ? chain(s, node, (value) => value) : call(s, node);
  }
  if (ts.isBinaryExpression(node)) return binaryExpression(s, node);
  if (
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isTypeAssertionExpression(node) ||
    ts.isExpressionWithTypeArguments(node)
  ) {
    return expression(s, node.expression);
  }
  if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === K.PlusPlusToken || node.operator === K.MinusMinusToken) return increment(s, node);
    const operand = expression(s, node.operand);
    s.at(node);
    if (node.operator === K.MinusToken && ts.isNumericLiteral(node.operand))
      return s.builder.const(-Number(node.operand.text), { kind: "number" }, { written: true });
    const operator = ts.tokenToString(node.operator)!;
    if (operator === "+" && mayAct(s.host, node.operand)) {
      const why = { code: "PB1009", message: "An object that computes what number it is cannot be differentiated." };
      return opaqueValue(s, ["+", ""], [operand], s.types.at(node), why, true);
    }
    return unary(s, operator, operand, s.types.at(node));
  }
  if (ts.isPostfixUnaryExpression(node)) return increment(s, node);
  if (ts.isConditionalExpression(node)) {
    const condition = expression(s, node.condition);
    s.at(node);
    return s.select(
      condition,
      () => expression(s, node.whenTrue),
      () => expression(s, node.whenFalse),
      s.types.at(node),
    );
  }
  if (ts.isArrayLiteralExpression(node)) return arrayLiteral(s, node);
  if (ts.isObjectLiteralExpression(node)) return objectLiteral(s, node);
  if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return closure(s, node);
  if (ts.isNewExpression(node)) return construct(s, node);
  if (ts.isTemplateExpression(node)) return template(s, node);
  if (ts.isTypeOfExpression(node)) return s.at(node).prim("typeof", [expression(s, node.expression)], string);
  if (ts.isDeleteExpression(node)) return removal(s, node) ?? refused(s, node);
  if (ts.isVoidExpression(node)) {
    expression(s, node.expression);
    return s.at(node).const(undefined);
  }
  if (ts.isBigIntLiteral(node)) return s.at(node).const(BigInt(node.text.replace(/n$/, "")));
  if (node.kind === K.TrueKeyword || node.kind === K.FalseKeyword) return s.at(node).const(node.kind === K.TrueKeyword);
  if (node.kind === K.NullKeyword) return s.at(node).const(null);
  if (node.kind === K.ThisKeyword) {
    const self = s.read("this");
    if (self !== undefined) return self;
    const type = s.types.at(node);
    return s
      .at(node)
      .opaque(
        ["this"],
        [],
        { code: "PB1009", message: "this belongs to the code around the function." },
        { type, file: s.file },
      )!;
  }
  return refused(s, node);
}

function refused(s: Lowering, node: ts.Expression): Value {
  const { ts } = s;
  if (ts.isAwaitExpression(node))
    return opaqueExpression(s, node, { code: "PB1001", message: "await cannot be differentiated." });
  if (ts.isYieldExpression(node))
    return opaqueExpression(s, node, { code: "PB1002", message: "yield cannot be differentiated." });
  if (ts.isRegularExpressionLiteral(node)) {
    return s
      .at(node)
      .opaque(
        [node.getText()],
        [],
        { code: "PB1009", message: "A regular expression." },
        { type: inert("RegExp"), file: s.file },
      )!;
  }
  return opaqueExpression(s, node, {
    code: "PB1009",
    message: `${node.getText().slice(0, 40)} cannot be differentiated.`,
    hint: "Write it with the supported language, or stop the derivative with withoutDerivative(…).",
  });
}

function binaryExpression(s: Lowering, node: ts.BinaryExpression): Value {
  const { ts } = s;
  const K = ts.SyntaxKind;
  const kind = node.operatorToken.kind;
  if (isAssignment(ts, kind)) return assignment(s, node);
  if (kind === K.CommaToken) {
    expression(s, node.left);
    return expression(s, node.right);
  }
  if (kind === K.AmpersandAmpersandToken || kind === K.BarBarToken || kind === K.QuestionQuestionToken) {
    const left = expression(s, node.left);
    const right = () => expression(s, node.right);
    const type = s.types.at(node);
    s.at(node);
    if (kind === K.AmpersandAmpersandToken) return s.select(left, right, () => left, type);
    if (kind === K.BarBarToken) return s.select(left, () => left, right, type);
    return s.select(s.builder.prim("==", [left, s.builder.const(null)]), right, () => left, type);
  }
  if (kind === K.InKeyword && ts.isPrivateIdentifier(node.left)) {
    return opaqueExpression(s, node, { code: "PB1009", message: "A brand check." });
  }
  // A sum of many terms leans to the left, one level for each.
  const outer: ts.BinaryExpression[] = [];
  let inner = node;
  for (; ts.isBinaryExpression(inner.left) && arithmetic.has(inner.left.operatorToken.getText()); inner = inner.left)
    outer.push(inner);
  let left = expression(s, inner.left);
  for (const each of [inner, ...outer.reverse()]) {
    const right = expression(s, each.right);
    const operator = each.operatorToken.getText();
    s.at(each);
    // TypeScript's checker would look at all terms before this one again.
    const numeric = arithmetic.has(operator) && left.type.kind === "number" && right.type.kind === "number";
    left = binary(s, operator, left, right, numeric ? number : s.types.at(each));
  }
  return left;
}

function template(s: Lowering, node: ts.TemplateExpression): Value {
  const operands: Value[] = [];
  const parts = [`\`${rawText(s, node.head)}`];
  for (const span of node.templateSpans) {
    operands.push(expression(s, span.expression));
    parts[parts.length - 1] += "${";
    parts.push(`}${rawText(s, span.literal)}`);
  }
  parts[parts.length - 1] += "`";
  s.at(node);
  const why = {
    code: "PB1010",
    message: "An active value is turned into text.",
    hint: "Use withoutDerivative(x) in messages and keys.",
  };
  const acts = node.templateSpans.some((span) => mayAct(s.host, span.expression));
  return opaqueValue(s, parts, operands, string, why, acts);
}

/** The text of a template piece as written, escapes included. */
function rawText(s: Lowering, node: ts.TemplateLiteralLikeNode): string {
  const text = node.getText();
  return text.slice(1, s.ts.isTemplateHead(node) || s.ts.isTemplateMiddle(node) ? -2 : -1);
}

function arrayLiteral(s: Lowering, node: ts.ArrayLiteralExpression): Value {
  const { ts } = s;
  const type = s.types.at(node);
  const elements: Value[] = [];
  const spread: boolean[] = [];
  for (const element of node.elements) {
    if (ts.isOmittedExpression(element)) elements.push(s.at(node).const(undefined));
    else if (ts.isSpreadElement(element)) elements.push(spreadable(s, element.expression));
    else elements.push(expression(s, element));
    spread.push(ts.isSpreadElement(element));
  }
  return s.at(node).array(elements, arrayTypeOf(s, node, type), { spread });
}

/** An empty literal takes its element type from where it goes. */
function arrayTypeOf(s: Lowering, node: ts.ArrayLiteralExpression, type: Type): Type {
  if (node.elements.length > 0) return type;
  const contextual = s.host.checker.getContextualType(node);
  const wanted = contextual === undefined ? undefined : s.types.of(contextual);
  if (wanted?.kind === "array") return wanted;
  const { parent } = node;
  if (s.ts.isVariableDeclaration(parent)) {
    const symbol = s.host.symbolOf(parent.name);
    // An array that grows: its type is known where it is used.
    const evolved = symbol === undefined ? undefined : s.types.ofSymbol(symbol);
    if (evolved?.kind === "array" && evolved.element.kind !== "unknown") return evolved;
  }
  return type.kind === "array" && type.element.kind === "inert"
    ? { kind: "array", element: { kind: "unknown", text: "any" } }
    : type;
}

/** What is spread: arrays as they are, other iterables as arrays of their elements. */
function spreadable(s: Lowering, node: ts.Expression): Value {
  const { kind } = s.types.at(node);
  if (kind === "array" || kind === "tuple") {
    return expression(s, node);
  }
  const view = viewOf(s, transparent(s.ts, node));
  if (view !== undefined) {
    const viewed = expression(s, view.object);
    s.at(node);
    return listOf(s, viewed, view.what, listType(viewed, view.what));
  }
  const value = expression(s, node);
  s.at(node);
  const element = elementOf(s, node);
  return opaqueValue(
    s,
    ["[...", "]"],
    [value],
    { kind: "array", element },
    {
      code: "PB1004",
      message: "The elements of a general iterable are spread here.",
      hint: "Copy them into an array first.",
    },
  );
}

function elementOf(s: Lowering, node: ts.Expression): Type {
  const { checker } = s.host;
  const type = checker.getTypeAtLocation(node);
  const [element] = checker.getTypeArguments(type as ts.TypeReference) ?? [];
  return element === undefined ? inert("element") : s.types.of(element);
}

function objectLiteral(s: Lowering, node: ts.ObjectLiteralExpression): Value {
  const { ts } = s;
  const record = recordLiteral(s, node, objectTypeOf(s, node));
  if (record !== undefined) return record;
  const entries: { key?: string; value: Value }[] = [];
  for (const member of node.properties) {
    if (ts.isSpreadAssignment(member)) {
      entries.push({ value: expression(s, member.expression) });
      continue;
    }
    const key = literalName(s, member.name);
    if (key === undefined || ts.isGetAccessor(member) || ts.isSetAccessor(member)) {
      const refusal = {
        code: "PB1005",
        message: "An object literal with computed keys or accessors cannot be differentiated.",
        hint: "Use a Map or a Record<string, T> that is filled by assignments.",
      };
      return opaqueExpression(s, node, refusal, undefined, true);
    }
    if (ts.isMethodDeclaration(member) && mentionsOwnThis(ts, member)) {
      const refusal = {
        code: "PB1009",
        message: "A method of an object literal that uses this cannot be differentiated.",
        hint: "Write a class, or let the method read the variables around it.",
      };
      return opaqueExpression(s, node, refusal, undefined, true);
    }
    if (ts.isShorthandPropertyAssignment(member)) entries.push({ key, value: identifier(s, member.name) });
    else if (ts.isPropertyAssignment(member)) entries.push({ key, value: expression(s, member.initializer) });
    else if (ts.isMethodDeclaration(member)) entries.push({ key, value: closure(s, member) });
  }
  return s.at(node).object(entries, objectTypeOf(s, node));
}

/** Where the place that a literal goes to has a type, that says which fields are Int and which objects are records. */
function objectTypeOf(s: Lowering, node: ts.ObjectLiteralExpression): Type {
  const wanted = s.host.checker.getContextualType(node);
  const type = wanted === undefined ? undefined : s.types.of(wanted);
  return type?.kind === "struct" || type?.kind === "map" ? type : s.types.at(node);
}

function literalName(s: Lowering, name: ts.PropertyName): string | undefined {
  if (!s.ts.isComputedPropertyName(name)) return name.text;
  return s.ts.isStringLiteralLike(name.expression) ? name.expression.text : undefined;
}
