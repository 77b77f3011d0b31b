/** Destructuring: patterns in declarations, parameters and assignments become loads. */
import type ts from "typescript";
import type { Type, Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import { copyRange } from "./arrays.ts";
import { assignTo } from "./assignments.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { opaqueValue } from "./opaque.ts";
import { recordRest } from "./records.ts";

const int = inert("Int");

/** Declares the variables of a name or pattern. */
export function bind(s: Lowering, name: ts.BindingName, value: Value): void {
  const { ts } = s;
  if (ts.isIdentifier(name)) {
    const symbol = s.host.symbolOf(name);
    if (symbol !== undefined) s.declare(symbol, s.named(value, name.text));
    return;
  }
  if (ts.isArrayBindingPattern(name)) {
    const source = indexable(s, name, value);
    name.elements.forEach((element, i) => {
      if (ts.isOmittedExpression(element)) return;
      s.at(element);
      const part =
        element.dotDotDotToken === undefined ? slot(s, source, i, element.name) : rest(s, source, i, element.name);
      bind(s, element.name, withDefault(s, part, element.initializer));
    });
    return;
  }
  const taken: string[] = [];
  for (const element of name.elements) {
    s.at(element);
    if (element.dotDotDotToken !== undefined) {
      bind(s, element.name, remaining(s, value, taken, typeOfName(s, element.name)));
      continue;
    }
    const key = element.propertyName ?? (element.name as ts.Identifier);
    const field = fieldKey(s, key);
    if (typeof field === "string") taken.push(field);
    bind(s, element.name, withDefault(s, load(s, value, field, typeOfElement(s, element)), element.initializer));
  }
}

/** Assigns to the targets of `[a, b.c] = …` and `{ a, b: c } = …`. */
export function assignPattern(
  s: Lowering,
  pattern: ts.ArrayLiteralExpression | ts.ObjectLiteralExpression,
  value: Value,
): void {
  const { ts } = s;
  const target = (node: ts.Expression, part: Value): void => {
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
      assignTo(s, node.left, withDefault(s, part, node.right));
    } else assignTo(s, node, part);
  };
  if (ts.isArrayLiteralExpression(pattern)) {
    const source = indexable(s, pattern, value);
    // All slots are read before any target is written: `[a[0], a[1]] = [a[1], a[0]]` reads a fresh array anyway.
    pattern.elements.forEach((element, i) => {
      if (ts.isOmittedExpression(element)) return;
      s.at(element);
      if (ts.isSpreadElement(element)) target(element.expression, rest(s, source, i, element.expression));
      else target(element, slot(s, source, i, ts.isBinaryExpression(element) ? element.left : element));
    });
    return;
  }
  const taken: string[] = [];
  for (const property of pattern.properties) {
    s.at(property);
    if (ts.isShorthandPropertyAssignment(property)) {
      taken.push(property.name.text);
      const part = load(s, value, property.name.text, s.types.at(property.name));
      assignTo(s, property.name, withDefault(s, part, property.objectAssignmentInitializer));
    } else if (ts.isPropertyAssignment(property)) {
      const field = fieldKey(s, property.name);
      if (typeof field === "string") taken.push(field);
      const { initializer } = property;
      target(
        initializer,
        load(s, value, field, s.types.at(ts.isBinaryExpression(initializer) ? initializer.left : initializer)),
      );
    } else if (ts.isSpreadAssignment(property)) {
      assignTo(s, property.expression, remaining(s, value, taken, s.types.at(property.expression)));
    }
  }
}

/** Arrays as they are; other iterables as an array of their elements. */
function indexable(s: Lowering, pattern: ts.Node, value: Value): Value {
  if (value.type.kind !== "inert" || s.host.checker.isTupleType(s.host.checker.getTypeAtLocation(pattern)))
    return value;
  return opaqueValue(s, ["[...", "]"], [value], value.type, {
    code: "PB1004",
    message: "The elements of a general iterable are taken apart here.",
    hint: "Copy them into an array first.",
  });
}

function slot(s: Lowering, source: Value, i: number, name: ts.Node): Value {
  return s.builder.load(source, s.builder.const(i, int), { type: typeOfName(s, name) });
}

function rest(s: Lowering, source: Value, from: number, name: ts.Node): Value {
  const length = s.builder.length(source);
  return copyRange(s, source, s.builder.const(from, int), length, typeOfName(s, name));
}

function load(s: Lowering, object: Value, key: string | Value, type: Type): Value {
  return s.builder.load(object, key, { type });
}

function fieldKey(s: Lowering, name: ts.PropertyName | ts.Identifier): string | Value {
  const { ts } = s;
  if (ts.isComputedPropertyName(name)) {
    const inner = name.expression;
    return ts.isStringLiteralLike(inner) ? inner.text : expression(s, inner);
  }
  return name.text;
}

/** `{ ...rest }`: the fields that the pattern does not name. */
function remaining(s: Lowering, value: Value, taken: readonly string[], type: Type): Value {
  if (type.kind === "struct") {
    const entries = [...type.fields()].map(([key, fieldType]) => ({
      key,
      value: s.builder.load(value, key, { type: fieldType }),
    }));
    return s.builder.object(entries, type);
  }
  if (type.kind === "map" && type.record === true) return recordRest(s, value, taken, type);
  const names = taken.map((name, i) => `${JSON.stringify(name)}: $${i}`).join(", ");
  return opaqueValue(s, [`(({ ${names}${names === "" ? "" : ", "}...rest }) => rest)(`, ")"], [value], type, {
    code: "PB1009",
    message: "The rest of an object whose fields are not known statically cannot be differentiated.",
    hint: "Name the fields.",
  });
}

/** `= initial` applies where the value is undefined. */
export function withDefault(s: Lowering, value: Value, initial: ts.Expression | undefined): Value {
  if (initial === undefined) return value;
  const absent = s.at(initial).prim("===", [value, s.undefinedValue()]);
  return s.select(
    absent,
    () => expression(s, initial),
    () => value,
    withoutUndefined(value.type, s.types.at(initial)),
  );
}

function withoutUndefined(type: Type, fallback: Type): Type {
  if (type.kind === "inert" && type.text === "undefined") return fallback;
  if (type.kind !== "union") return type;
  const members = type.members.filter((m) => m.kind !== "inert" || m.text !== "undefined");
  return members.length === 1 ? members[0]! : { kind: "union", members };
}

function typeOfElement(s: Lowering, element: ts.BindingElement): Type {
  const type = typeOfName(s, element.name);
  return element.initializer === undefined ? type : { kind: "union", members: [type, inert("undefined")] };
}

/** Type of what a name or pattern takes. */
function typeOfName(s: Lowering, name: ts.Node): Type {
  const symbol = s.ts.isIdentifier(name) ? s.host.symbolOf(name) : undefined;
  return symbol === undefined ? s.types.at(name) : s.types.ofSymbol(symbol);
}
