/** Reading properties and elements, optional chains included. */
import type ts from "typescript";
import type { Callee, Type, Value } from "../../hir/index.ts";
import { isAbstract, isFunctionNode, isStatic, keyOf } from "../declarations/index.ts";
import { inert } from "../types/index.ts";
import { bodies, isConstant, memberCallee, superCallee } from "./callee.ts";
import { call, namesModule } from "./calls.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { opaqueValue, reachesEverything } from "./opaque.ts";
import { mentionsOwnThis, transparent } from "./scan.ts";

const int = inert("Int");

/** A name: a variable, `undefined`, or something of the module or of JavaScript. */
export function identifier(s: Lowering, node: ts.Identifier): Value {
  const symbol = s.host.symbolOf(node);
  s.at(node);
  if (symbol === undefined || s.host.checker.isUndefinedSymbol(symbol)) {
    return node.text === "undefined" ? s.undefinedValue() : global(s, node.text, s.types.at(node), symbol);
  }
  const value = s.read(symbol);
  if (value !== undefined) return value;
  if (node.text === "arguments" && symbol.valueDeclaration === undefined) {
    return reachesEverything(s, "arguments", s.types.at(node), {
      code: "PB1006",
      message: "arguments cannot be differentiated.",
      hint: "Declare a rest parameter.",
    });
  }
  if (s.host.isAmbient(symbol) && (node.text === "NaN" || node.text === "Infinity")) {
    return s.builder.const(node.text === "NaN" ? Number.NaN : Number.POSITIVE_INFINITY);
  }
  return global(s, node.text, s.types.at(node), symbol);
}

/** A name outside of the functions being lowered. Variables that are assigned again are read when the code runs. */
export function global(s: Lowering, text: string, type: Type, symbol: ts.Symbol | undefined): Value {
  const { ts } = s;
  const ambient = symbol !== undefined && s.host.isAmbient(symbol);
  const file = ambient ? "" : s.file;
  const declaration = symbol?.valueDeclaration;
  const changes =
    declaration !== undefined && ts.isVariableDeclaration(declaration) && !isConstant(s, declaration) && !ambient;
  if (changes || (declaration !== undefined && ts.isParameter(declaration) && !ambient)) {
    return opaqueValue(s, [text], [], type, {
      code: "PB1009",
      message: `${text} is a variable outside of the function.`,
    });
  }
  const result = s.builder.value(type);
  const [body] = symbol === undefined ? [] : bodies(s, symbol);
  s.builder.emit({
    kind: "global",
    text,
    file,
    span: s.builder.span,
    results: [result],
    ...(body === undefined ? {} : { functionKey: keyOf(s.host, body) }),
    ...heldFunctions(s, declaration),
  });
  return result;
}

/**
 * The functions that the literal of a constant or of a readonly static field holds, however deep:
 * `{ relu: (x) => …, pool: { max, mean } }`.
 */
function heldFunctions(s: Lowering, declaration: ts.Declaration | undefined): { holds?: readonly string[] } {
  const { ts } = s;
  if (declaration === undefined || !s.context.isSource(declaration)) return {};
  const isStaticField = ts.isPropertyDeclaration(declaration) && isStatic(ts, declaration);
  if (!isStaticField && !(ts.isVariableDeclaration(declaration) && isConstant(s, declaration))) return {};
  if (declaration.initializer === undefined) return {};
  const holds: string[] = [];
  const visit = (node: ts.Node): void => {
    const value = ts.isExpression(node) ? transparent(ts, node) : node;
    if (ts.isObjectLiteralExpression(value)) {
      for (const member of value.properties) {
        if (ts.isPropertyAssignment(member)) visit(member.initializer);
        else if (ts.isShorthandPropertyAssignment(member)) named(member.name);
        else if (ts.isMethodDeclaration(member) && isFunctionNode(ts, member) && !mentionsOwnThis(ts, member))
          holds.push(keyOf(s.host, member));
      }
    } else if (ts.isArrayLiteralExpression(value)) for (const element of value.elements) visit(element);
    else if ((ts.isArrowFunction(value) || ts.isFunctionExpression(value)) && isFunctionNode(ts, value))
      holds.push(keyOf(s.host, value));
    else if (ts.isIdentifier(value) && named(value)) return;
    else if (ts.isIdentifier(value) || ts.isPropertyAccessExpression(value)) {
      const found = s.context.expand(value);
      if (found !== undefined) holds.push(found.function.key);
    }
  };
  const named = (name: ts.Identifier) => {
    const symbol = s.host.symbolOf(name);
    const found = symbol === undefined ? [] : bodies(s, symbol);
    for (const body of found) holds.push(keyOf(s.host, body));
    return found.length > 0;
  };
  const literal = transparent(ts, declaration.initializer);
  if (isStaticField || ts.isObjectLiteralExpression(literal) || ts.isArrayLiteralExpression(literal)) visit(literal);
  return holds.length === 0 ? {} : { holds };
}

export function propertyAccess(s: Lowering, node: ts.PropertyAccessExpression): Value {
  const { ts } = s;
  if (node.flags & ts.NodeFlags.OptionalChain) return chain(s, node, (value) => value);
  const symbol = s.host.symbolOf(node.name);
  const name = node.name.text;
  const constant = s.host.checker.getConstantValue(node);
  if (constant !== undefined) return s.at(node).const(constant);
  if (node.expression.kind === ts.SyntaxKind.SuperKeyword) return superProperty(s, node, symbol);
  if (namesModule(s, node.expression)) {
    s.at(node);
    if (/^Number\.(POSITIVE_INFINITY|NEGATIVE_INFINITY|NaN)$/.test(node.getText()))
      return s.builder.const(Number[name as "NaN"]);
    return global(s, node.getText(), s.types.at(node), symbol);
  }
  if (symbol?.declarations?.some((d) => isStatic(ts, d)) === true) return staticProperty(s, node, symbol);
  return property(s, node, expression(s, node.expression), name, symbol);
}

/** Static fields: constants when they are readonly. */
function staticProperty(s: Lowering, node: ts.PropertyAccessExpression, symbol: ts.Symbol): Value {
  const { ts } = s;
  const text = node.getText();
  const type = s.types.at(node);
  const declaration = symbol.valueDeclaration;
  s.at(node);
  if (declaration !== undefined && (ts.isMethodDeclaration(declaration) || isReadonly(s, symbol))) {
    const result = s.builder.value(type);
    const held = heldFunctions(s, declaration);
    s.builder.emit({ kind: "global", text, file: s.file, span: s.builder.span, results: [result], ...held });
    return result;
  }
  return opaqueValue(s, [text], [], type, { code: "PB4001", message: `${text} is shared by the whole program.` });
}

export function isReadonly(s: Lowering, symbol: ts.Symbol): boolean {
  const { ts } = s;
  return (symbol.declarations ?? []).every(
    (d) =>
      (ts.isPropertyDeclaration(d) || ts.isParameter(d)) &&
      (ts.getCombinedModifierFlags(d) & ts.ModifierFlags.Readonly) !== 0,
  );
}

/** `object.name`, by its declaration: a field, an accessor, a length, a property of a leaf. */
export function property(
  s: Lowering,
  node: ts.Node,
  object: Value,
  name: string,
  symbol: ts.Symbol | undefined,
): Value {
  const { ts } = s;
  const type = s.types.at(node);
  s.at(node);
  const kind = object.type.kind;
  if ((kind === "array" || kind === "tuple") && name === "length") return s.builder.length(object);
  if (
    symbol !== undefined &&
    !s.host.isAmbient(symbol) &&
    mayBeAccessor(s, symbol) &&
    !(kind === "leaf" && type.kind === "inert")
  ) {
    const callee = memberCallee(s, symbol, name, "get");
    if (callee !== undefined && reachesAccessor(callee)) {
      const get = () => s.builder.call(callee, [object], type, { effects: callee.kind !== "registered" });
      if (!mayBeField(callee)) return get();
      return s.select(hasAccessor(s, object, name, "get"), get, () => s.builder.load(object, name, { type }), type);
    }
  }
  if (kind === "leaf") {
    const callee: Callee = { kind: "inert", text: name, file: "", method: name, accessor: "get" };
    return s.builder.call(callee, [object], type, { effects: false });
  }
  // A class may have fields of these names that are no counts: a pendulum's length.
  if ((name === "length" || name === "size") && (symbol === undefined || s.host.isAmbient(symbol)))
    return s.builder.load(object, name, { type: int });
  if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Method) {
    return s.builder.call({ kind: "inert", text: name, file: "", method: name, accessor: "get" }, [object], type);
  }
  if (kind === "map" && object.type.kind === "map" && object.type.record === true) {
    return s.builder.load(object, s.builder.const(name), { type });
  }
  const constant = symbol !== undefined && isReadonly(s, symbol) && !(s.initialiser && isThis(s, node));
  return s.builder.load(object, name, constant ? { type, readonly: true } : { type });
}

function isThis(s: Lowering, node: ts.Node): boolean {
  return s.ts.isPropertyAccessExpression(node) && node.expression.kind === s.ts.SyntaxKind.ThisKeyword;
}

/** Accessors, and members of types and abstract classes that a class may implement as one. */
export function mayBeAccessor(s: Lowering, symbol: ts.Symbol): boolean {
  const { ts } = s;
  if (symbol.flags & ts.SymbolFlags.Accessor) return true;
  return (symbol.declarations ?? []).some(
    (d) => ts.isPropertySignature(d) || (ts.isPropertyDeclaration(d) && isAbstract(ts, d)),
  );
}

/** A property of an interface, or an abstract one: an accessor in one class, a field in another. */
export function mayBeField(callee: Callee): boolean {
  return callee.kind === "dynamic" && callee.external !== true;
}

/** Whether an object has the property as an accessor. */
export function hasAccessor(s: Lowering, object: Value, name: string, kind: "get" | "set"): Value {
  const args = [object, s.builder.const(name), s.builder.const(kind)];
  return s.builder.runtime("isAccessor", args, inert("boolean"));
}

export function reachesAccessor(callee: Callee): boolean {
  return callee.kind !== "dynamic" || callee.external === true || callee.implementations.length > 0;
}

export function superProperty(s: Lowering, node: ts.PropertyAccessExpression, symbol: ts.Symbol | undefined): Value {
  const self = s.read("this");
  let owner: ts.Node = node;
  while (!s.ts.isClassLike(owner)) owner = owner.parent;
  const base = owner.heritageClauses?.[0]?.types[0]?.expression.getText() ?? "";
  const callee = symbol === undefined ? undefined : superCallee(s, symbol, base, node.name.text, "get");
  if (callee?.kind === "known" && self !== undefined) {
    return s.at(node).call(
      {
        ...callee,
        text: `Object.getOwnPropertyDescriptor(${base}.prototype, ${JSON.stringify(node.name.text)}).get`,
      },
      [self],
      s.types.at(node),
      { effects: true },
    );
  }
  return opaqueValue(s, [node.getText()], [], s.types.at(node), {
    code: "PB1009",
    message: "This use of super cannot be differentiated.",
  });
}

export function elementAccess(s: Lowering, node: ts.ElementAccessExpression): Value {
  const { ts } = s;
  if (node.flags & ts.NodeFlags.OptionalChain) return chain(s, node, (value) => value);
  const constant = s.host.checker.getConstantValue(node);
  if (constant !== undefined) return s.at(node).const(constant);
  return element(s, node, expression(s, node.expression), node.argumentExpression);
}

function element(s: Lowering, node: ts.Expression, object: Value, argument: ts.Expression): Value {
  const place = slotOf(s, object, argument);
  s.at(node);
  const type = s.types.at(node);
  if (place === undefined) {
    const key = expression(s, argument);
    return opaqueValue(s, ["", "[", "]"], [object, key], type, computedKey);
  }
  return s.builder.load(object, place, { type });
}

export const computedKey = {
  code: "PB1005",
  message: "Which field is meant is known only at run time.",
  hint: "Use an array, a Map or a Record<string, T>, or name the field.",
};

/** The key of `object[argument]`: a field by a literal name, an index; undefined for a computed key on a struct. */
export function slotOf(s: Lowering, object: Value, argument: ts.Expression): string | Value | undefined {
  const inner = transparent(s.ts, argument);
  const isRecord = object.type.kind === "map";
  if (s.ts.isStringLiteralLike(inner) && !isRecord) return inner.text;
  if (object.type.kind === "struct") return undefined;
  return expression(s, argument);
}

/** `a?.b.c(d)`: once the receiver of a `?.` is null or undefined, the whole chain is undefined. */
export function chain(s: Lowering, node: ts.Expression, then: (value: Value) => Value): Value {
  const { ts } = s;
  const isLink =
    (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) || ts.isCallExpression(node)) &&
    (node.flags & ts.NodeFlags.OptionalChain) !== 0;
  if (ts.isNonNullExpression(node) && node.flags & ts.NodeFlags.OptionalChain) return chain(s, node.expression, then);
  if (!isLink) return then(expression(s, node));
  const guarded = (
    link: { questionDotToken?: ts.QuestionDotToken | undefined },
    base: Value,
    go: () => Value,
  ): Value => {
    if (link.questionDotToken === undefined) return go();
    const absent = s.at(node).prim("==", [base, s.builder.const(null)]);
    return s.select(absent, () => s.undefinedValue(), go, s.types.at(outermost(ts, node)));
  };
  if (ts.isCallExpression(node)) {
    const callee = node.expression;
    if (ts.isPropertyAccessExpression(callee) && callee.expression.kind !== ts.SyntaxKind.SuperKeyword) {
      return chain(s, callee.expression, (receiver) =>
        guarded(callee, receiver, () => {
          if (node.questionDotToken === undefined) return then(call(s, node, receiver));
          const method = heldMethod(s, callee, receiver);
          return guarded(node, method, () => then(call(s, node, receiver)));
        }),
      );
    }
    return chain(s, callee, (fn) => guarded(node, fn, () => then(call(s, node, fn))));
  }
  return chain(s, node.expression, (object) =>
    guarded(node, object, () =>
      then(
        ts.isPropertyAccessExpression(node)
          ? property(s, node, object, node.name.text, s.host.symbolOf(node.name))
          : element(s, node, object, (node as ts.ElementAccessExpression).argumentExpression),
      ),
    ),
  );
}

/** What `object.method?.(…)` asks for: whether the method is there. */
function heldMethod(s: Lowering, node: ts.PropertyAccessExpression, receiver: Value): Value {
  const symbol = s.host.symbolOf(node.name);
  const isMethod = symbol !== undefined && (symbol.flags & s.ts.SymbolFlags.Method) !== 0;
  if (!isMethod) return property(s, node, receiver, node.name.text, symbol);
  return s.at(node).load(receiver, node.name.text, { type: inert("method") });
}

function outermost(typescript: typeof ts, node: ts.Node): ts.Node {
  let outer = node;
  while (outer.parent.flags & typescript.NodeFlags.OptionalChain && !typescript.isStatement(outer.parent))
    outer = outer.parent;
  return outer;
}
