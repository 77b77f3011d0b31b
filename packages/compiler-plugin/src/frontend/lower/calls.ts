/** Calls: arguments, receivers, and the operators of autodiff inside differentiated code. */
import type ts from "typescript";
import { type Callee, type PublishedCode, type Type, type Value, withDerivativeKey } from "../../hir/index.ts";
import { isStatic } from "../declarations/index.ts";
import { refusalOf } from "../host/index.ts";
import { inert } from "../types/index.ts";
import { arrayFrom, arrayMethod, eachIndex, temporary } from "./arrays.ts";
import { inlined } from "./callbacks.ts";
import { functionCallee, isConstant, memberCallee, superCallee } from "./callee.ts";
import { initialiseFields, initialiserCallee, startsEmpty } from "./construct.ts";
import { expanded } from "./expanded.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { opaqueExpression, reachesEverything } from "./opaque.ts";
import { isDifferentialOperator, writtenWrt } from "./operators.ts";
import { isHarmless, mayAct } from "./quiet.ts";
import { objectCall } from "./records.ts";
import { assignedIn, isArrayLike, isInlinable, transparent } from "./scan.ts";

export interface Arguments {
  readonly values: readonly Value[];
  readonly spread?: readonly boolean[];
  /** Whether one of them is a function that changes what is around it when it is run. */
  readonly acts?: () => boolean;
}

export function argumentsOf(s: Lowering, nodes: readonly ts.Expression[] | undefined): Arguments {
  const values: Value[] = [];
  const spread: boolean[] = [];
  for (const node of nodes ?? []) {
    const isSpread = s.ts.isSpreadElement(node);
    const places = isSpread ? s.types.at(node.expression) : undefined;
    if (isSpread && places?.kind === "tuple" && places.elements.every(({ kind }) => kind !== "union")) {
      // As many arguments as the tuple has places.
      const tuple = expression(s, node.expression);
      places.elements.forEach((type, i) => {
        values.push(s.at(node).load(tuple, s.builder.const(i, inert("Int")), { type }));
        spread.push(false);
      });
      continue;
    }
    values.push(expression(s, isSpread ? node.expression : node));
    spread.push(isSpread);
  }
  const acts = () => nodes?.some((node) => !s.ts.isSpreadElement(node) && mayAct(s.host, node)) === true;
  return spread.includes(true) ? { values, spread, acts } : { values, acts };
}

/** Emits a call, the receiver or function value in front of the arguments. */
function emitCall(
  s: Lowering,
  callee: Callee,
  front: readonly Value[],
  args: Arguments,
  type: Type,
  effects: boolean,
): Value {
  const spread = args.spread === undefined ? undefined : [...front.map(() => false), ...args.spread];
  return s.builder.call(callee, [...front, ...args.values], type, {
    effects: effects || (callee.kind === "inert" && callee.stops !== true && args.acts?.() === true),
    ...(spread === undefined ? {} : { spread }),
  });
}

const mayHaveEffects = (callee: Callee): boolean =>
  callee.kind === "registered" ? callee.effects !== "none" : callee.kind !== "inert" || !isHarmless(callee);

/** `f(…)`, `o.m(…)`; `receiver` is given when an optional chain has evaluated it already. */
export function call(s: Lowering, node: ts.CallExpression, receiver?: Value): Value {
  const { ts } = s;
  const callee = transparent(ts, node.expression);
  if (callee.kind === ts.SyntaxKind.SuperKeyword) return superConstructor(s, node);
  if (callee.kind === ts.SyntaxKind.ImportKeyword) {
    return opaqueExpression(s, node, { code: "PB1001", message: "A dynamic import cannot be differentiated." });
  }
  if (ts.isIdentifier(callee) && callee.text === "eval") {
    return reachesEverything(s, node.getText(), s.types.at(node), {
      code: "PB1006",
      message: "eval cannot be differentiated.",
      hint: "Write the code as a function.",
    });
  }
  if (receiver === undefined) {
    if (isInlinable(s.host, callee) && !node.arguments.some((a) => ts.isSpreadElement(a))) {
      return inlined(s, callee, argumentsOf(s, node.arguments).values);
    }
    const special = operator(s, node, callee) ?? mathCall(s, node, callee) ?? numberCall(s, node, callee);
    if (special !== undefined) return special;
  }
  if (ts.isPropertyAccessExpression(callee)) {
    const special = receiver === undefined ? (objectCall(s, node) ?? staticCall(s, node, callee)) : undefined;
    if (special !== undefined) return special;
    if (callee.expression.kind !== ts.SyntaxKind.SuperKeyword) {
      const isObject = receiver !== undefined || !namesModule(s, callee.expression);
      if (isObject) return methodCall(s, node, callee, receiver ?? expression(s, callee.expression));
    }
  }
  const emit = resolveCall(s, node.expression, receiver);
  const args = argumentsOf(s, node.arguments);
  s.at(node);
  return emit(args, s.types.at(node));
}

/** Evaluates what is called and answers with a function that emits calls of it. */
export function resolveCall(
  s: Lowering,
  node: ts.Expression,
  receiver?: Value,
): (args: Arguments, type: Type) => Value {
  const { ts } = s;
  const callee = transparent(ts, node);
  if (isInlinable(s.host, callee)) return ({ values }) => inlined(s, callee, values);
  const math = receiver === undefined ? mathName(s, callee) : undefined;
  if (math !== undefined && math !== "random") return ({ values }) => s.builder.math(math, values);
  const name = ts.isPropertyAccessExpression(callee) ? callee.name : callee;
  const symbol = ts.isIdentifier(name) || ts.isPrivateIdentifier(name) ? s.host.symbolOf(name) : undefined;
  const local = symbol !== undefined && ts.isIdentifier(callee) && s.raw(symbol) !== undefined;
  if (
    ts.isPropertyAccessExpression(callee) &&
    callee.expression.kind === ts.SyntaxKind.SuperKeyword &&
    symbol !== undefined
  ) {
    const self = s.read("this");
    const target = superCallee(s, symbol, baseText(s, callee), callee.name.text);
    if (target !== undefined && self !== undefined) {
      return (args, type) => emitCall(s, target, [self], args, type, true);
    }
    return () =>
      opaqueExpression(s, node.parent as ts.Expression, {
        code: "PB3001",
        message: `super.${callee.name.text} has no derivative.`,
      });
  }
  if (ts.isPropertyAccessExpression(callee) && symbol !== undefined && !namesModule(s, callee.expression)) {
    // A method taken as a value: it is called as a function of its own.
    const value = receiver ?? expression(s, node);
    return (args, type) => emitCall(s, { kind: "value" }, [value], args, type, true);
  }
  if (symbol !== undefined && !local && receiver === undefined) {
    const text = node.getText();
    const target = functionCallee(s, symbol, text) ?? (isOpen(s, symbol) ? undefined : withoutBody(s, text, symbol));
    if (target !== undefined) {
      const effects = mayHaveEffects(target);
      return (args, type) => emitCall(s, target, [], args, resultType(target, type), effects);
    }
  }
  const value = receiver ?? expression(s, node);
  const target: Callee = { kind: "value", ...publishedBy(s, local ? undefined : symbol) };
  return (args, type) => emitCall(s, target, [value], args, type, true);
}

function withoutBody(s: Lowering, text: string, symbol: ts.Symbol): Callee {
  return { kind: "inert", text, file: s.host.isAmbient(symbol) ? "" : s.file, ...refusal(s, symbol, text) };
}

/** Why a function of an installed package has no derivative, for the diagnostic. */
function refusal(s: Lowering, symbol: ts.Symbol, name: string): { refusal?: ReturnType<typeof refusalOf> } {
  const declaration = symbol.valueDeclaration ?? symbol.declarations?.[0];
  const found = declaration === undefined ? undefined : s.host.published(declaration);
  return found === undefined || found.kind === "derivative" ? {} : { refusal: refusalOf(name, found) };
}

/** What the package that declares a function publishes of it. */
export function publishedBy(s: Lowering, symbol: ts.Symbol | undefined): { published?: PublishedCode } {
  const declaration = symbol?.valueDeclaration ?? symbol?.declarations?.[0];
  const found = declaration === undefined ? undefined : s.host.published(declaration);
  if (symbol === undefined || found?.kind !== "derivative" || found.modes === undefined) return {};
  const { package: from = "", modes, conduct } = found;
  return { published: { name: symbol.name, package: from, modes, ...(conduct === undefined ? {} : { conduct }) } };
}

/** Whether a name holds a function that is found at run time: a variable, or a function of a compiled package. */
function isOpen(s: Lowering, symbol: ts.Symbol): boolean {
  const declaration = symbol.valueDeclaration ?? symbol.declarations?.[0];
  if (declaration === undefined || s.host.isAmbient(symbol)) return false;
  if (s.context.isSource(declaration)) return !s.ts.isFunctionDeclaration(declaration) || hasNoBody(declaration);
  return s.host.published(declaration)?.kind === "derivative";
}

const hasNoBody = (declaration: ts.FunctionDeclaration) => declaration.body === undefined;

/** Counts and positions are integers whatever their declared type. */
function resultType(callee: Callee, type: Type): Type {
  if (callee.kind !== "inert" || type.kind !== "number") return type;
  const name = callee.method ?? callee.text;
  return /(^|\.)(indexOf|lastIndexOf|parseInt|charCodeAt|codePointAt|search|localeCompare|getTime|now)$/.test(name)
    ? inert("Int")
    : type;
}

/** `ns.f` of a namespace import, or of an ambient namespace: the dot belongs to the name. */
export function namesModule(s: Lowering, node: ts.Expression): boolean {
  const { ts } = s;
  if (!ts.isIdentifier(node))
    return ts.isPropertyAccessExpression(node) && namesModule(s, node.expression) && isNamespace(s, node.name);
  if (isNamespace(s, node)) return true;
  const symbol = s.host.symbolOf(node);
  return symbol !== undefined && s.raw(symbol) === undefined && s.host.isAmbient(symbol) && isGlobalName(s, symbol);
}

/** Ambient variables such as Math, console, Object; not the instances that they may hold. */
function isGlobalName(s: Lowering, symbol: ts.Symbol): boolean {
  return (symbol.flags & (s.ts.SymbolFlags.Variable | s.ts.SymbolFlags.Class | s.ts.SymbolFlags.Namespace)) !== 0;
}

function isNamespace(s: Lowering, node: ts.Node): boolean {
  const symbol = s.host.symbolOf(node);
  return (
    symbol !== undefined &&
    (symbol.flags & (s.ts.SymbolFlags.ValueModule | s.ts.SymbolFlags.NamespaceModule)) !== 0 &&
    !(symbol.flags & s.ts.SymbolFlags.Class)
  );
}

/** `C.make(…)` and the constructors of arrays. */
function staticCall(s: Lowering, node: ts.CallExpression, callee: ts.PropertyAccessExpression): Value | undefined {
  const { ts } = s;
  const { expression: object } = callee;
  const symbol = s.host.symbolOf(callee.name);
  if (ts.isIdentifier(object) && s.host.symbolOf(object) !== undefined && s.host.isAmbient(s.host.symbolOf(object)!)) {
    if (/^(Array|Float32Array|Float64Array)$/.test(object.text)) {
      const type = s.types.at(node);
      if (callee.name.text === "from") return arrayFrom(s, node, type);
      if (callee.name.text === "of") {
        const { values, spread } = argumentsOf(s, node.arguments);
        return s.at(node).array(values, type, spread === undefined ? {} : { spread });
      }
    }
    if (object.text === "Number" && callee.name.text === "isInteger") return undefined;
  }
  // new Array(n).fill(x)
  const made = transparent(ts, object);
  if (
    callee.name.text === "fill" &&
    ts.isNewExpression(made) &&
    ts.isIdentifier(made.expression) &&
    made.expression.text === "Array" &&
    node.arguments.length === 1
  ) {
    return newFilled(s, node, made);
  }
  const declaration = symbol?.declarations?.find((d) => isStatic(ts, d));
  if (symbol === undefined || declaration === undefined) return undefined;
  const target = functionCallee(s, symbol, callee.getText());
  if (target === undefined) return undefined;
  const args = argumentsOf(s, node.arguments);
  s.at(node);
  return emitCall(s, target, [], args, s.types.at(node), mayHaveEffects(target));
}

function newFilled(s: Lowering, node: ts.CallExpression, made: ts.NewExpression): Value | undefined {
  const [length] = made.arguments ?? [];
  if (length === undefined || made.arguments!.length !== 1 || s.ts.isSpreadElement(length)) return undefined;
  const n = expression(s, length);
  const fill = expression(s, node.arguments[0]!);
  return s.at(node).newArray(n, fill, s.types.at(node));
}

function methodCall(s: Lowering, node: ts.CallExpression, callee: ts.PropertyAccessExpression, receiver: Value): Value {
  const { ts } = s;
  const name = callee.name.text;
  if (isArrayLike(s.host, callee.expression, node.flags & ts.NodeFlags.OptionalChain)) {
    const known = arrayMethod(s, node, name, receiver);
    if (known !== undefined) return known;
  }
  if (receiver.type.kind === "map" && receiver.type.record !== true) {
    const known = mapMethod(s, node, name, receiver);
    if (known !== undefined) return known;
  }
  const type = s.types.at(node);
  const symbol = s.host.symbolOf(callee.name);
  const isLiteral = symbol?.declarations?.some((d) => ts.isObjectLiteralExpression(d.parent)) === true;
  const found = symbol === undefined || isLiteral ? undefined : memberCallee(s, symbol, name);
  // JavaScript's own methods carry no derivatives: nothing is to be found on the receiver when the code runs.
  const platform = symbol !== undefined && found?.kind === "dynamic" && s.host.isAmbient(symbol);
  const target = platform && found.implementations.length === 0 ? undefined : found;
  if (target !== undefined) {
    const args = argumentsOf(s, node.arguments);
    s.at(node);
    return emitCall(s, target, [receiver], args, type, mayHaveEffects(target));
  }
  const isField = symbol !== undefined && (symbol.flags & ts.SymbolFlags.Property) !== 0 && !s.host.isAmbient(symbol);
  if (isField || isLiteral || receiver.type.kind === "unknown") {
    // A function held by a field is a value like any other.
    const isShared = symbol?.declarations?.some((d) => isStatic(ts, d)) === true;
    const field = isShared ? expression(s, callee) : s.at(callee).load(receiver, name, { type: s.types.at(callee) });
    const args = argumentsOf(s, node.arguments);
    s.at(node);
    return emitCall(s, { kind: "value" }, [field], args, type, true);
  }
  const args = argumentsOf(s, node.arguments);
  s.at(node);
  const open = symbol?.declarations?.some((d) => s.host.published(d)?.kind === "derivative") ?? false;
  if (open && !s.host.isAmbient(symbol!)) {
    const dynamic: Callee = {
      ...{ kind: "dynamic", key: `#${name}`, method: name, implementations: [] },
      ...publishedBy(s, symbol),
    };
    return emitCall(s, dynamic, [receiver], args, type, true);
  }
  const why = symbol === undefined ? {} : refusal(s, symbol, name);
  const inertCallee: Callee = { kind: "inert", text: name, file: "", method: name, ...why };
  return emitCall(s, inertCallee, [receiver], args, resultType(inertCallee, type), mayHaveEffects(inertCallee));
}

function mapMethod(s: Lowering, node: ts.CallExpression, name: string, map: Value): Value | undefined {
  const [key, value] = node.arguments;
  if (name === "get" && key !== undefined) {
    const k = expression(s, key);
    return s.at(node).load(map, k, { type: s.types.at(node) });
  }
  if (name === "set" && key !== undefined && value !== undefined) {
    const k = expression(s, key);
    const v = expression(s, value);
    s.at(node).store(map, k, v);
    return map;
  }
  if ((name === "delete" && key !== undefined) || name === "clear") {
    const args = node.arguments.map((argument) => expression(s, argument));
    const callee: Callee = { kind: "inert", text: name, file: "", method: name };
    return s.at(node).call(callee, [map, ...args], s.types.at(node), { effects: true });
  }
  if (name === "has" && key !== undefined) {
    const k = expression(s, key);
    return s.at(node).call({ kind: "inert", text: "has", file: "", method: "has" }, [map, k], inert("boolean"));
  }
  if (name === "forEach" && key !== undefined) {
    const literal = transparent(s.ts, key);
    if (!isInlinable(s.host, literal)) return undefined;
    const keys = s.at(node).opaque(
      ["[...", ".keys()]"],
      [map],
      { code: "PB1004", message: "The keys of a Map." },
      {
        type: inert("key[]"),
        file: s.file,
      },
    )!;
    const n = s.builder.length(keys);
    const assigned = assignedIn(s.host, [literal]);
    eachIndex(
      s,
      n,
      (i) => {
        const k = s.builder.load(keys, i, { type: inert("key") });
        const element = map.type.kind === "map" ? map.type.element : inert("unknown");
        inlined(s, literal, [s.builder.load(map, k, { type: element }), k, map]);
      },
      { assigned },
    );
    return s.undefinedValue();
  }
  return undefined;
}

/** `Math.f(…)`. */
function mathCall(s: Lowering, node: ts.CallExpression, callee: ts.Expression): Value | undefined {
  const name = mathName(s, callee);
  if (name === undefined || name === "random") return undefined;
  if (node.arguments.some((a) => s.ts.isSpreadElement(a))) return spreadMath(s, node, name);
  const { values } = argumentsOf(s, node.arguments);
  return s.at(node).math(name, values);
}

/** `Number(x)` of a number is the number. */
function numberCall(s: Lowering, node: ts.CallExpression, callee: ts.Expression): Value | undefined {
  const [argument] = node.arguments;
  if (!s.ts.isIdentifier(callee) || callee.text !== "Number" || argument === undefined) return undefined;
  const symbol = s.host.symbolOf(callee);
  const isNumber = !s.ts.isSpreadElement(argument) && s.types.at(argument).kind === "number";
  return symbol !== undefined && s.host.isAmbient(symbol) && isNumber ? expression(s, argument) : undefined;
}

function mathName(s: Lowering, callee: ts.Expression): string | undefined {
  const { ts } = s;
  if (ts.isIdentifier(callee)) return renamedMath(s, callee);
  if (
    !ts.isPropertyAccessExpression(callee) ||
    !ts.isIdentifier(callee.expression) ||
    callee.expression.text !== "Math"
  )
    return undefined;
  const symbol = s.host.symbolOf(callee.expression);
  return symbol !== undefined && s.host.isAmbient(symbol) ? callee.name.text : undefined;
}

/** `const { sin } = Math`, `const sin = Math.sin`, at the top level of a module. */
function renamedMath(s: Lowering, name: ts.Identifier): string | undefined {
  const { ts } = s;
  const declaration = s.host.symbolOf(name)?.valueDeclaration;
  if (declaration === undefined || !s.context.isSource(declaration)) return undefined;
  const isMath = (node: ts.Expression | undefined): boolean => {
    const symbol =
      node !== undefined && ts.isIdentifier(node) && node.text === "Math" ? s.host.symbolOf(node) : undefined;
    return symbol !== undefined && s.host.isAmbient(symbol);
  };
  if (ts.isVariableDeclaration(declaration)) {
    const value = declaration.initializer === undefined ? undefined : transparent(ts, declaration.initializer);
    if (value === undefined || !isConstant(s, declaration) || !ts.isPropertyAccessExpression(value)) return undefined;
    return isMath(value.expression) ? value.name.text : undefined;
  }
  if (!ts.isBindingElement(declaration) || declaration.dotDotDotToken !== undefined) return undefined;
  const variable = declaration.parent.parent;
  if (!ts.isVariableDeclaration(variable) || !isConstant(s, variable) || !isMath(variable.initializer))
    return undefined;
  const key = declaration.propertyName ?? declaration.name;
  return ts.isIdentifier(key) ? key.text : undefined;
}

/** `Math.max(...xs, y)`: the maximum over a loop; `hypot` likewise, over squares. */
function spreadMath(s: Lowering, node: ts.CallExpression, name: string): Value {
  if (name !== "max" && name !== "min" && name !== "hypot") {
    return opaqueExpression(s, node, { code: "PB3002", message: `Math.${name} of a spread array has no derivative.` });
  }
  const number: Type = { kind: "number" };
  const start = s.at(node).const(name === "max" ? -Infinity : name === "min" ? Infinity : 0);
  const best = temporary(s, name === "hypot" ? "norm" : name, start, number);
  const combine = (x: Value) => {
    s.environment.variables.set(best, s.builder.math(name, [s.environment.variables.get(best)!, x]));
  };
  for (const argument of node.arguments) {
    if (!s.ts.isSpreadElement(argument)) {
      combine(expression(s, argument));
      continue;
    }
    const xs = expression(s, argument.expression);
    s.at(node);
    eachIndex(s, s.builder.length(xs), (i) => combine(s.builder.load(xs, i, { type: number })), { assigned: [best] });
  }
  const value = s.environment.variables.get(best)!;
  s.environment.variables.delete(best);
  return value;
}

/** Operators of autodiff inside differentiated code. */
function operator(s: Lowering, node: ts.CallExpression, callee: ts.Expression): Value | undefined {
  const name = s.host.autodiffName(s.host.symbolOf(s.ts.isPropertyAccessExpression(callee) ? callee.name : callee));
  if (name === undefined) return undefined;
  const text = node.expression.getText();
  const type = s.types.at(node);
  if (name === "differentiable" && node.arguments[0] !== undefined) return expression(s, node.arguments[0]);
  if (name === "withoutDerivative") {
    const args = argumentsOf(s, node.arguments);
    s.at(node);
    return emitCall(s, { kind: "inert", text, file: s.file, stops: true }, [], args, type, false);
  }
  if (name === "checkpoint" || isDifferentialOperator(name)) {
    const [argument, options] = node.arguments;
    if (argument === undefined) return undefined;
    const literal = name === "checkpoint" ? undefined : literalFor(s, transparent(s.ts, argument));
    const value = literal ?? expression(s, argument);
    const wrt = writtenWrt(s.ts, options);
    const made = { name, ...(wrt === undefined ? {} : { wrt }) };
    const code = { kind: "inert", text, file: s.file, operator: made } as const;
    return s.at(node).call(code, [value], { kind: "function", text: "DifferentiableFunction" });
  }
  if (name === "withDerivative") {
    const args = argumentsOf(s, node.arguments);
    s.at(node);
    const target: Callee = {
      kind: "registered",
      key: withDerivativeKey,
      text,
      file: s.file,
      wrt: [0],
      effects: "none",
      retains: false,
    };
    return emitCall(s, target, [], args, type, false);
  }
  return undefined;
}

/** A function of a package, or with a registered derivative: what operators make of it is made of a literal that calls it. */
function literalFor(s: Lowering, argument: ts.Expression): Value | undefined {
  const symbol = s.ts.isIdentifier(argument) ? s.host.symbolOf(argument) : undefined;
  if (symbol !== undefined && s.raw(symbol) !== undefined) return undefined;
  const found = expanded(s.context, argument, s.builder.ids);
  return found === undefined ? undefined : s.at(argument).closure(found.function, []);
}

/** `super(…)` in a constructor: the base class's initialiser on the same object. */
function superConstructor(s: Lowering, node: ts.CallExpression): Value {
  const self = s.read("this");
  const callee = initialiserCallee(s, s.host.checker.getTypeAtLocation(node.expression), baseText(s, node));
  if (callee === undefined || self === undefined) {
    const base = s.host.symbolOf(node.expression);
    // A base class of JavaScript's own has nothing to differentiate, but its state is not ours to make.
    argumentsOf(s, node.arguments);
    return s.builder.opaque(
      ["undefined"],
      [],
      { code: "PB3001", message: `The constructor of ${base?.name ?? "the base class"} has no derivative.` },
      { type: inert("undefined"), file: s.file },
    )!;
  }
  const args = argumentsOf(s, node.arguments);
  s.at(node);
  const result = startsEmpty(s, s.host.checker.getTypeAtLocation(node.expression))
    ? s.undefinedValue()
    : emitCall(s, callee, [self], args, inert("undefined"), true);
  // The fields of this class start when the base class is done.
  initialiseFields(s, ownerOf(s, node));
  return result;
}

function ownerOf(s: Lowering, node: ts.Node): ts.ClassLikeDeclaration {
  let owner = node;
  while (!s.ts.isClassLike(owner)) owner = owner.parent;
  return owner;
}

/** The base class as the class around a node names it. */
export function baseText(s: Lowering, node: ts.Node): string {
  const clause = ownerOf(s, node).heritageClauses?.find((c) => c.token === s.ts.SyntaxKind.ExtendsKeyword);
  return clause?.types[0]?.expression.getText() ?? "";
}
