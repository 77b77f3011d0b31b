/** What later stages must know to attach a derivative to a declaration. */
import type ts from "typescript";
import { type HirFunction, type Passing, passing, type Type } from "../../hir/index.ts";
import type { TypeHost } from "../host/index.ts";
import type { Types } from "../types/index.ts";
import {
  type FunctionNode,
  generatedName,
  isFieldFunction,
  isStatic,
  isTopLevel,
  keyOf,
  type Lowerable,
} from "./keys.ts";

export interface DifferentiableDeclaration {
  readonly key: string;
  readonly name: string;
  readonly file: string;
  readonly kind: HirFunction["kind"];
  /** Expression for the function object in its scope: `f`, `C.prototype.m`, `C`. Empty for `#` methods. */
  readonly reference: string;
  /** Offset after which an attach statement may be placed. */
  readonly attachAfter: number;
  readonly exported: boolean;
  /** Declared inside a function body: its derivatives read the variables around it. */
  readonly nested: boolean;
  /** A member of a class with `#` names, which can be read in the class body alone: its derivatives stand there. */
  readonly inClass?: ClassBody;
  /** One bit per parameter, receiver first: which have a tangent. */
  readonly fullMask: string;
  readonly kinds: string;
  readonly tagged: boolean;
  /** The tagged interface member that it implements. */
  readonly interfaceKey?: string;
}

/** Where members can be added to a class, and the name by which the class is known there. */
export interface ClassBody {
  readonly name: string;
  /** Offset of the closing brace. */
  readonly end: number;
}

export interface ParameterList {
  readonly names: readonly string[];
  readonly types: readonly Type[];
  readonly receiver: boolean;
}

/** Parameters as derivatives count them: the receiver first for methods and constructors. */
export function parametersOf(host: TypeHost, types: Types, node: Lowerable): ParameterList {
  const { ts } = host;
  const receiver = hasReceiver(host, node);
  const own = ts.isClassLike(node) ? [] : [...node.parameters].filter((p) => !isThisParameter(ts, p));
  const list = own.map((p) => (ts.isIdentifier(p.name) ? (host.symbolOf(p.name) ?? undefined) : undefined));
  const parameterTypes = own.map((p, i) => (list[i] === undefined ? types.at(p) : types.ofSymbol(list[i])));
  const self = receiver ? [types.at(ts.isClassLike(node) ? node : node.parent)] : [];
  return {
    names: [...(receiver ? ["this"] : []), ...own.map((p) => p.name.getText())],
    types: [...self, ...parameterTypes],
    receiver,
  };
}

function isThisParameter(typescript: typeof ts, p: ts.ParameterDeclaration): boolean {
  return typescript.isIdentifier(p.name) && p.name.text === "this";
}

function hasReceiver({ ts }: TypeHost, node: Lowerable): boolean {
  if (ts.isClassLike(node) || ts.isConstructorDeclaration(node)) return true;
  if (isFieldFunction(ts, node)) return false;
  return (ts.isMethodDeclaration(node) || ts.isGetAccessor(node) || ts.isSetAccessor(node)) && !isStatic(ts, node);
}

/** Whether a parameter of this type has a tangent of its own: functions have none. */
export function isDifferentiable(type: Type): boolean {
  return type.kind !== "function" && passing(type) !== "-";
}

export function maskOf(types: readonly Type[]): string {
  return types.map((type) => (isDifferentiable(type) ? "1" : "0")).join("");
}

export function kindsOf(types: readonly Type[]): string {
  return types.map((type): Passing => passing(type)).join("");
}

export function kindOf({ ts }: TypeHost, node: Lowerable): HirFunction["kind"] {
  if (ts.isClassLike(node) || ts.isConstructorDeclaration(node)) return "initialiser";
  if (isStatic(ts, node) || isFieldFunction(ts, node)) return "function";
  if (ts.isMethodDeclaration(node)) return "method";
  if (ts.isGetAccessor(node)) return "getter";
  if (ts.isSetAccessor(node)) return "setter";
  return ts.isArrowFunction(node) ? "arrow" : "function";
}

/** Undefined for functions without a name by which a statement could reach them. */
export function describe(
  host: TypeHost,
  types: Types,
  node: Lowerable,
  tag: { tagged: boolean; interfaceKey?: string },
): DifferentiableDeclaration | undefined {
  const place = placeOf(host, node);
  if (place === undefined) return undefined;
  let parameters: ParameterList | undefined;
  const list = () => {
    parameters ??= parametersOf(host, types, node);
    return parameters.types;
  };
  return {
    key: keyOf(host, node),
    name: generatedName(host.ts, node),
    file: node.getSourceFile().fileName,
    kind: kindOf(host, node),
    ...place,
    // Types are looked at only where a derivative is wanted.
    get fullMask() {
      return maskOf(list());
    },
    get kinds() {
      return kindsOf(list());
    },
    ...tag,
  };
}

interface PlaceOfDeclaration {
  readonly reference: string;
  readonly attachAfter: number;
  readonly exported: boolean;
  readonly nested: boolean;
  readonly inClass?: ClassBody;
}

function placeOf(host: TypeHost, node: Lowerable): PlaceOfDeclaration | undefined {
  const { ts } = host;
  if (ts.isClassLike(node)) return ofClass(host, node, (name) => name);
  const owner = node.parent;
  if (ts.isClassLike(owner) && !ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) {
    return ofClass(host, owner, (name) => memberReference(ts, node, name));
  }
  if (ts.isFunctionDeclaration(node)) {
    if (node.name === undefined) return undefined;
    return {
      reference: node.name.text,
      attachAfter: scopeStart(ts, node),
      exported: isExported(ts, node),
      nested: !isTopLevel(ts, node),
    };
  }
  const statement = variableStatement(ts, node);
  if (statement === undefined) return heldBy(host, node);
  const name = statement.name.text;
  return {
    reference: name,
    attachAfter: statement.statement.getEnd(),
    exported: isExported(ts, statement.statement),
    nested: !isTopLevel(ts, node),
  };
}

/**
 * A function in an object or array literal that a constant of the module holds: `ops.relu`, `layers[0]`; one that a static
 * field holds, or such a literal in it.
 */
function heldBy(host: TypeHost, node: FunctionNode): PlaceOfDeclaration | undefined {
  const typescript = host.ts;
  let path = "";
  let inner: ts.Node = node;
  for (;;) {
    const outer: ts.Node = inner.parent;
    const method = inner === node && typescript.isMethodDeclaration(inner) ? inner : undefined;
    const property = method ?? (typescript.isPropertyAssignment(outer) ? outer : undefined);
    if (property !== undefined) {
      const { name } = property;
      if (!typescript.isIdentifier(name) && !typescript.isStringLiteral(name)) return undefined;
      path = `[${JSON.stringify(name.text)}]${path}`;
      inner = property.parent;
    } else if (typescript.isArrayLiteralExpression(outer)) {
      if (outer.elements.some((element) => typescript.isSpreadElement(element))) return undefined;
      path = `[${outer.elements.indexOf(inner as ts.Expression)}]${path}`;
      inner = outer;
    } else if (
      typescript.isParenthesizedExpression(outer) ||
      typescript.isAsExpression(outer) ||
      typescript.isSatisfiesExpression(outer)
    ) {
      inner = outer;
    } else break;
  }
  const field = inner.parent;
  if (typescript.isPropertyDeclaration(field) && isStatic(typescript, field) && typescript.isIdentifier(field.name)) {
    const { text } = field.name;
    return ofClass(host, field.parent, (name) => `(${name} as any)[${JSON.stringify(text)}]${path}`);
  }
  const statement = path === "" ? undefined : variableStatement(typescript, inner);
  if (statement === undefined || !isTopLevel(typescript, inner) || !isConst(typescript, statement.statement))
    return undefined;
  return {
    reference: `(${statement.name.text} as any)${path}`,
    attachAfter: statement.statement.getEnd(),
    exported: isExported(typescript, statement.statement),
    nested: false,
  };
}

function isConst(typescript: typeof ts, statement: ts.VariableStatement): boolean {
  return (statement.declarationList.flags & typescript.NodeFlags.Const) !== 0;
}

function ofClass(
  host: TypeHost,
  node: ts.ClassLikeDeclaration,
  reference: (name: string) => string | undefined,
): PlaceOfDeclaration | undefined {
  const { ts } = host;
  const attach = classPlace(host, node);
  if (attach === undefined) return undefined;
  const inClass = hasPrivateNames(ts, node) ? { name: attach.name, end: node.getEnd() - 1 } : undefined;
  const text = reference(attach.name) ?? (inClass === undefined ? undefined : "");
  if (text === undefined) return undefined;
  const { attachAfter, exported } = attach;
  const place = { reference: text, attachAfter, exported, nested: !isTopLevel(ts, node) };
  return inClass === undefined ? place : { ...place, inClass };
}

export function hasPrivateNames(typescript: typeof ts, node: ts.ClassLikeDeclaration): boolean {
  return node.members.some(({ name }) => name !== undefined && typescript.isPrivateIdentifier(name));
}

/** The name of a class and the end of the statement that declares it. */
export function classPlace(
  { ts }: TypeHost,
  node: ts.ClassLikeDeclaration,
): { name: string; attachAfter: number; exported: boolean } | undefined {
  if (ts.isClassDeclaration(node)) {
    return node.name === undefined
      ? undefined
      : { name: node.name.text, attachAfter: node.getEnd(), exported: isExported(ts, node) };
  }
  const statement = variableStatement(ts, node);
  return statement === undefined
    ? undefined
    : {
        name: statement.name.text,
        attachAfter: statement.statement.getEnd(),
        exported: isExported(ts, statement.statement),
      };
}

function memberReference(typescript: typeof ts, node: FunctionNode, name: string): string | undefined {
  if (typescript.isConstructorDeclaration(node)) return name;
  const member = node.name;
  if (member === undefined || typescript.isPrivateIdentifier(member) || typescript.isComputedPropertyName(member))
    return undefined;
  const holder = isStatic(typescript, node) ? name : `${name}.prototype`;
  const text = (member as ts.Identifier).text;
  if (typescript.isGetAccessor(node))
    return `Object.getOwnPropertyDescriptor(${holder}, ${JSON.stringify(text)})!.get!`;
  if (typescript.isSetAccessor(node))
    return `Object.getOwnPropertyDescriptor(${holder}, ${JSON.stringify(text)})!.set!`;
  return typescript.isIdentifier(member) ? `${holder}.${text}` : `${holder}[${JSON.stringify(text)}]`;
}

/** `const name = <node>` as a statement of its own. */
function variableStatement(
  typescript: typeof ts,
  node: ts.Node,
): { statement: ts.VariableStatement; name: ts.Identifier } | undefined {
  let outer = node.parent;
  while (
    typescript.isParenthesizedExpression(outer) ||
    typescript.isAsExpression(outer) ||
    typescript.isSatisfiesExpression(outer)
  ) {
    outer = outer.parent;
  }
  if (!typescript.isVariableDeclaration(outer) || !typescript.isIdentifier(outer.name)) return undefined;
  const statement = outer.parent.parent;
  return typescript.isVariableStatement(statement) ? { statement, name: outer.name } : undefined;
}

/** Function declarations hoist: their carriers are attached where their scope starts. */
function scopeStart(typescript: typeof ts, node: ts.FunctionDeclaration): number {
  const scope = node.parent;
  if (typescript.isSourceFile(scope)) return /^#!.*/.exec(scope.text)?.[0].length ?? 0;
  if (typescript.isBlock(scope) || typescript.isModuleBlock(scope)) return scope.getStart() + 1;
  return node.getFullStart();
}

function isExported(typescript: typeof ts, node: ts.Node): boolean {
  return (
    typescript.canHaveModifiers(node) &&
    (typescript.getModifiers(node) ?? []).some((m) => m.kind === typescript.SyntaxKind.ExportKeyword)
  );
}
