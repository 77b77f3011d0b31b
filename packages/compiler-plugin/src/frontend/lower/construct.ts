/** `new C(…)`, and the initialiser that a class's constructor is. */
import type ts from "typescript";
import { type Callee, passing, type Type, type Value } from "../../hir/index.ts";
import { isStatic, keyOf } from "../declarations/index.ts";
import { inert } from "../types/index.ts";
import { newArray } from "./arrays.ts";
import { inNamespace, isInNamespace, registered } from "./callee.ts";
import { argumentsOf } from "./calls.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { opaqueValue, type Refusal } from "./opaque.ts";
import { isPure, transparent } from "./scan.ts";

export function construct(s: Lowering, node: ts.NewExpression): Value {
  const { ts } = s;
  const type = s.types.at(node);
  const symbol = s.host.symbolOf(
    ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression,
  );
  const ambient = symbol !== undefined && s.host.isAmbient(symbol);
  if (ambient && /^(Array|Float32Array|Float64Array)$/.test(symbol.name)) {
    const made = newArray(s, node, undefined);
    if (made !== undefined) return made;
  }
  if (ambient && symbol.name === "Map" && type.kind === "map") {
    const made = newMap(s, node, type);
    if (made !== undefined) return made;
  }
  const declaration = symbol?.declarations?.find((d) => ts.isClassLike(d)) as ts.ClassLikeDeclaration | undefined;
  const target = declaration === undefined ? undefined : s.context.registration(declaration);
  const classText = node.expression.getText();
  if (target !== undefined) {
    const args = argumentsOf(s, node.arguments);
    const callee: Callee = { kind: "registered", text: classText, file: s.file, ...registered(target) };
    return s.at(node).call(callee, args.values, type, args.spread === undefined ? {} : { spread: args.spread });
  }
  const stores =
    declaration === undefined || s.context.isSource(declaration) ? undefined : s.host.packages.storesOf(declaration);
  if (stores !== undefined && type.kind === "struct" && (node.arguments?.length ?? 0) === stores.length) {
    const args = argumentsOf(s, node.arguments);
    const fields = stores.flatMap((name, argument) =>
      passing(type.fields().get(name) ?? inert("none")) === "-" ? [] : [{ name, argument }],
    );
    if (args.spread === undefined) return s.at(node).new(classText, s.file, args.values, fields, type);
  }
  if (
    declaration === undefined ||
    !s.context.isSource(declaration) ||
    passing(type) === "-" ||
    !isOurs(s, declaration)
  ) {
    return plain(s, node, type, classText);
  }
  if (s.isInside(declaration)) return plain(s, node, type, classText, localClass(classText));
  if (isInNamespace(s, declaration)) return plain(s, node, type, classText, inNamespace(classText));
  const stored = storedFields(s, declaration, node);
  const args = argumentsOf(s, node.arguments);
  const b = s.at(node);
  if (stored !== undefined && args.spread === undefined) return b.new(classText, s.file, args.values, stored, type);
  const callee = initialiserCallee(s, s.host.checker.getTypeAtLocation(node.expression), classText);
  if (callee === undefined) return plain(s, node, type, classText);
  const object = b.allocate(classText, s.file, type);
  b.call(callee, [object, ...args.values], inert("undefined"), {
    effects: true,
    ...(args.spread === undefined ? {} : { spread: [false, ...args.spread] }),
  });
  return object;
}

/** `new Map()` and `new Map([[k, v], …])`: empty, then filled. */
function newMap(s: Lowering, node: ts.NewExpression, type: Type): Value | undefined {
  const { ts } = s;
  const [entries] = node.arguments ?? [];
  const pairs: ts.ArrayLiteralExpression[] = [];
  if (entries !== undefined) {
    const list = transparent(ts, entries);
    if (!ts.isArrayLiteralExpression(list)) return undefined;
    for (const element of list.elements) {
      const pair = transparent(ts, element);
      if (!ts.isArrayLiteralExpression(pair) || pair.elements.length !== 2) return undefined;
      pairs.push(pair);
    }
  }
  s.at(node);
  const map = opaqueValue(s, ["new Map()"], [], type, refusal("Map"));
  for (const { elements } of pairs) {
    const key = expression(s, elements[0]!);
    const value = expression(s, elements[1]!);
    s.at(node).store(map, key, value);
  }
  return map;
}

/** A class without derivative: it is made as written. */
function plain(
  s: Lowering,
  node: ts.NewExpression,
  type: Type,
  classText: string,
  why: Refusal = refusal(classText),
): Value {
  const args = argumentsOf(s, node.arguments);
  s.at(node);
  const parts = args.values.map(
    (_, i) => `${i === 0 ? `new ${classText}(` : ", "}${args.spread?.[i] === true ? "..." : ""}`,
  );
  if (parts.length === 0) return opaqueValue(s, [`new ${classText}()`], [], type, why, true);
  return opaqueValue(s, [...parts, ")"], args.values, type, why, true);
}

function localClass(classText: string): Refusal {
  return {
    code: "PB1011",
    message: `The class ${classText} is declared inside of the function, where its derivatives cannot stand.`,
    hint: "Move the class to the top level of its module.",
  };
}

function refusal(classText: string): Refusal {
  return {
    code: "PB3001",
    message: `The constructor of ${classText} has no derivative.`,
    hint: "Register one with registerDerivative(…), or stop the derivative with withoutDerivative(…).",
  };
}

/** Whether a class and its bases are all compiled by us. */
function isOurs(s: Lowering, declaration: ts.ClassLikeDeclaration): boolean {
  let current: ts.ClassLikeDeclaration | undefined = declaration;
  while (current !== undefined) {
    if (!s.context.isSource(current)) return false;
    const base = baseExpression(s.ts, current);
    if (base === undefined) return true;
    current = s.host.symbolOf(base)?.declarations?.find((d) => s.ts.isClassLike(d)) as
      | ts.ClassLikeDeclaration
      | undefined;
  }
  return false;
}

export function baseExpression(typescript: typeof ts, node: ts.ClassLikeDeclaration): ts.Expression | undefined {
  return node.heritageClauses?.find((c) => c.token === typescript.SyntaxKind.ExtendsKeyword)?.types[0]?.expression;
}

export function constructorOf(
  typescript: typeof ts,
  node: ts.ClassLikeDeclaration,
): ts.ConstructorDeclaration | undefined {
  return node.members.find((m) => typescript.isConstructorDeclaration(m) && m.body !== undefined) as
    | ts.ConstructorDeclaration
    | undefined;
}

export function initialiserCallee(s: Lowering, type: ts.Type, text: string): Callee | undefined {
  const symbol = type.symbol as ts.Symbol | undefined;
  const declaration = symbol?.declarations?.find((d) => s.ts.isClassLike(d)) as ts.ClassLikeDeclaration | undefined;
  if (declaration === undefined || !s.context.isSource(declaration)) return undefined;
  return { kind: "known", key: keyOf(s.host, constructorOf(s.ts, declaration) ?? declaration), text, file: s.file };
}

/** Whether making an instance runs nothing of the class or of its bases: such an initialiser has no code to call. */
export function startsEmpty(s: Lowering, type: ts.Type): boolean {
  const symbol = type.symbol as ts.Symbol | undefined;
  const declaration = symbol?.declarations?.find((d) => s.ts.isClassLike(d)) as ts.ClassLikeDeclaration | undefined;
  if (declaration === undefined || !s.context.isSource(declaration)) return false;
  if (constructorOf(s.ts, declaration) !== undefined || fieldInitialisers(s.ts, declaration).length > 0) return false;
  const base = baseExpression(s.ts, declaration);
  return base === undefined || startsEmpty(s, s.host.checker.getTypeAtLocation(base));
}

/** Fields of instances that have an initialiser, in order. */
export function fieldInitialisers(typescript: typeof ts, node: ts.ClassLikeDeclaration): ts.PropertyDeclaration[] {
  return node.members.filter(
    (m): m is ts.PropertyDeclaration =>
      typescript.isPropertyDeclaration(m) && !isStatic(typescript, m) && m.initializer !== undefined,
  );
}

/**
 * Which argument each differentiable field is given, when the constructor only stores: parameter properties,
 * `this.x = x`, and fields that start as a number or without derivative.
 */
function storedFields(
  s: Lowering,
  declaration: ts.ClassLikeDeclaration,
  node: ts.NewExpression,
): { name: string; argument: number }[] | undefined {
  const { ts } = s;
  if (baseExpression(ts, declaration) !== undefined) return undefined;
  const own = constructorOf(ts, declaration);
  const given = node.arguments?.length ?? 0;
  const fields = new Map<string, number>();
  const parameters = own?.parameters ?? [];
  if (parameters.length < given || node.arguments?.some((a) => ts.isSpreadElement(a)) === true) return undefined;
  for (const [i, parameter] of parameters.entries()) {
    if (parameter.dotDotDotToken !== undefined || !ts.isIdentifier(parameter.name)) return undefined;
    if (i >= given && parameter.initializer !== undefined) return undefined;
    if (parameter.initializer !== undefined && s.types.at(node.arguments![i]!).kind === "union") return undefined;
    if (ts.isParameterPropertyDeclaration(parameter, parameter.parent) && i < given) fields.set(parameter.name.text, i);
  }
  for (const statement of own?.body?.statements ?? []) {
    const stored = storedParameter(s, statement, own!);
    if (stored === undefined) return undefined;
    if (stored.parameter !== undefined && stored.parameter < given) fields.set(stored.field, stored.parameter);
  }
  for (const field of fieldInitialisers(ts, declaration)) {
    if (!isPure(s.host, field.initializer!)) return undefined;
    const kind = passing(s.types.at(field));
    if (kind !== "-" && !ts.isNumericLiteral(transparent(ts, field.initializer!))) return undefined;
  }
  // Every other field must be able to start at a zero tangent by itself.
  const type = s.types.at(node);
  if (type.kind !== "struct") return undefined;
  for (const [name, fieldType] of type.fields()) {
    if (name.startsWith("#") && passing(fieldType) !== "-") return undefined;
    if (!fields.has(name) && !["-", "v"].includes(passing(fieldType))) return undefined;
  }
  return [...fields]
    .filter(([name]) => passing(type.fields().get(name) ?? inert("none")) !== "-")
    .map(([name, argument]) => ({ name, argument }));
}

function storedParameter(
  s: Lowering,
  statement: ts.Statement,
  own: ts.ConstructorDeclaration,
): { field: string; parameter: number | undefined } | undefined {
  const { ts } = s;
  if (!ts.isExpressionStatement(statement)) return undefined;
  const { expression: e } = statement;
  if (!ts.isBinaryExpression(e) || e.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return undefined;
  if (!ts.isPropertyAccessExpression(e.left) || e.left.expression.kind !== ts.SyntaxKind.ThisKeyword) return undefined;
  const member = s.host.symbolOf(e.left.name);
  if (member !== undefined && member.flags & ts.SymbolFlags.Accessor) return undefined;
  const value = transparent(ts, e.right);
  if (!ts.isIdentifier(value)) {
    return passing(s.types.at(e.left)) === "-" && isPure(s.host, value)
      ? { field: e.left.name.text, parameter: undefined }
      : undefined;
  }
  const symbol = s.host.symbolOf(value);
  const parameter = own.parameters.findIndex((p) => ts.isIdentifier(p.name) && s.host.symbolOf(p.name) === symbol);
  return parameter === -1 ? undefined : { field: e.left.name.text, parameter };
}

/** The start of an initialiser: parameter properties and field initialisers, in JavaScript's order. */
export function initialiseFields(s: Lowering, declaration: ts.ClassLikeDeclaration): void {
  const { ts } = s;
  const self = s.read("this")!;
  const own = constructorOf(ts, declaration);
  for (const field of fieldInitialisers(ts, declaration)) {
    const name = fieldText(s, field.name);
    if (name === undefined) continue;
    const value = expression(s, field.initializer!);
    s.at(field).store(self, name, value);
  }
  for (const parameter of own?.parameters ?? []) {
    if (!ts.isParameterPropertyDeclaration(parameter, parameter.parent) || !ts.isIdentifier(parameter.name)) continue;
    const symbol = s.host.symbolOf(parameter.name);
    const variable = symbol === undefined ? undefined : parameterSymbol(s, parameter);
    const value = variable === undefined ? undefined : s.read(variable);
    if (value !== undefined) s.at(parameter).store(self, parameter.name.text, value);
  }
}

/** A parameter property has two symbols: the parameter's is the one that names in the constructor denote. */
export function parameterSymbol(s: Lowering, parameter: ts.ParameterDeclaration): ts.Symbol | undefined {
  if (!s.ts.isIdentifier(parameter.name)) return undefined;
  if (s.ts.isParameterPropertyDeclaration(parameter, parameter.parent)) {
    return s.host.checker.getSymbolsOfParameterPropertyDeclaration(parameter, parameter.name.text)[0];
  }
  return s.host.symbolOf(parameter.name);
}

function fieldText(s: Lowering, name: ts.PropertyName): string | undefined {
  return s.ts.isComputedPropertyName(name) ? undefined : name.text;
}
