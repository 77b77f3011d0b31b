/** One function: its parameters, its body, what it yields. */
import type ts from "typescript";
import type { HirFunction, Region, Type, Value } from "../../hir/index.ts";
import {
  type FunctionNode,
  generatedName,
  isFieldFunction,
  isStatic,
  keyOf,
  type Lowerable,
} from "../declarations/index.ts";
import { inert } from "../types/index.ts";
import { returnType } from "./callbacks.ts";
import { baseExpression, constructorOf, initialiseFields, initialiserCallee, parameterSymbol } from "./construct.ts";
import type { ProgramContext } from "./context.ts";
import { expression } from "./expressions.ts";
import { Lowering } from "./lowering.ts";
import { bind, withDefault } from "./patterns.ts";
import { prune } from "./prune.ts";
import { boxedIn, isAsync } from "./scan.ts";
import { statements } from "./statements.ts";

export function lowerFunction(context: ProgramContext, node: Lowerable): HirFunction {
  const { ts } = context.host;
  const owner = ts.isConstructorDeclaration(node) ? node.parent : node;
  const initialiser = ts.isClassLike(owner);
  const s = new Lowering({
    context,
    root: node,
    boxed: boxedIn(context.host, initialiser ? owner : node),
    initialiser,
  });
  return lowerBody(s, node, kindOf(context, node));
}

function kindOf({ host: { ts } }: ProgramContext, node: Lowerable): HirFunction["kind"] {
  if (ts.isClassLike(node) || ts.isConstructorDeclaration(node)) return "initialiser";
  if (isStatic(ts, node) || isFieldFunction(ts, node)) return "function";
  if (ts.isMethodDeclaration(node)) return "method";
  if (ts.isGetAccessor(node)) return "getter";
  if (ts.isSetAccessor(node)) return "setter";
  return ts.isArrowFunction(node) ? "arrow" : "function";
}

export function lowerBody(s: Lowering, node: Lowerable, kind: HirFunction["kind"]): HirFunction {
  const { ts } = s;
  const params: Value[] = [];
  const body: Region = { params: [], ops: [], results: [] };
  const owner = ts.isClassLike(node) ? node : ts.isConstructorDeclaration(node) ? node.parent : undefined;
  const hasReceiver = kind === "method" || kind === "getter" || kind === "setter" || kind === "initialiser";
  if (hasReceiver) {
    const type = owner === undefined ? receiverType(s, node) : s.types.at(owner);
    const self = s.builder.value(type, "this");
    params.push(self);
    s.environment.variables.set("this", self);
  }
  const declared = ts.isClassLike(node) ? inheritedParameters(s, node) : node.parameters;
  const own = [...declared].filter((p) => !(ts.isIdentifier(p.name) && p.name.text === "this"));
  const offset = params.length;
  for (const parameter of own) params.push(s.builder.value(parameterType(s, parameter), parameterName(s, parameter)));
  const restAt = own.findIndex((p) => p.dotDotDotToken !== undefined);
  s.buildInto(body.ops);
  const result: Type = owner !== undefined || ts.isClassLike(node) ? inert("undefined") : returnType(s, node);
  const exit = s.open({ kind: "function", labels: [], result });
  let value: Value | undefined;
  if (!ts.isClassLike(node) && isResumable(ts, node)) value = refusedBody(s, node, result, params);
  else {
    if (ts.isClassLike(node)) inheritedConstructor(s, node, params);
    else {
      own.forEach((parameter, i) => {
        const given = withDefault(s, params[offset + i]!, parameter.initializer);
        const symbol = ts.isParameterPropertyDeclaration(parameter, parameter.parent)
          ? parameterSymbol(s, parameter)
          : undefined;
        if (symbol === undefined) bind(s, parameter.name, given);
        else s.declare(symbol, given);
      });
      if (owner !== undefined && baseExpression(ts, owner) === undefined) initialiseFields(s, owner);
      declareVars(s, node);
      if (node.body !== undefined && ts.isBlock(node.body)) statements(s, node.body.statements);
      else if (node.body !== undefined) value = expression(s, node.body as ts.Expression);
    }
  }
  if (s.environment.diverged) body.diverges = true;
  else {
    value ??= s.environment.results.get(exit);
    s.builder.span = s.host.span(node);
    body.results.push(value === undefined || kind === "initialiser" ? s.undefinedValue() : value);
  }
  s.close(exit);
  prune(body);
  return {
    key: keyOf(s.host, node),
    name: generatedName(ts, node),
    file: s.file,
    span: s.host.span(node),
    kind,
    params,
    ...(restAt === -1 ? {} : { rest: offset + restAt }),
    captures: s.captured.map(({ inner }) => inner),
    body,
    result,
    recursive: callsItself(body, keyOf(s.host, node)),
  };
}

function receiverType(s: Lowering, node: Lowerable): Type {
  return s.types.at(node.parent);
}

function parameterType(s: Lowering, parameter: ts.ParameterDeclaration): Type {
  const symbol = s.ts.isIdentifier(parameter.name) ? s.host.symbolOf(parameter.name) : undefined;
  return symbol === undefined ? s.types.at(parameter) : s.types.ofSymbol(symbol);
}

function parameterName(s: Lowering, parameter: ts.ParameterDeclaration): string {
  return s.ts.isIdentifier(parameter.name) ? parameter.name.text : "given";
}

/** A class without constructor has that of its base. */
function inheritedParameters(s: Lowering, node: ts.ClassLikeDeclaration): readonly ts.ParameterDeclaration[] {
  for (
    let current: ts.ClassLikeDeclaration | undefined = node;
    current !== undefined;
    current = baseClass(s, current)
  ) {
    const own = constructorOf(s.ts, current);
    if (own !== undefined) return own.parameters;
  }
  return [];
}

function baseClass(s: Lowering, node: ts.ClassLikeDeclaration): ts.ClassLikeDeclaration | undefined {
  const base = baseExpression(s.ts, node);
  const symbol = base === undefined ? undefined : s.host.symbolOf(base);
  return symbol?.declarations?.find((d) => s.ts.isClassLike(d)) as ts.ClassLikeDeclaration | undefined;
}

function inheritedConstructor(s: Lowering, node: ts.ClassLikeDeclaration, params: readonly Value[]): void {
  const base = baseExpression(s.ts, node);
  if (base !== undefined) {
    const callee = initialiserCallee(s, s.host.checker.getTypeAtLocation(base), base.getText());
    const rest = inheritedParameters(s, node).findIndex((p) => p.dotDotDotToken !== undefined);
    const spread = params.map((_, i) => i === rest + 1 && rest !== -1);
    if (callee !== undefined) {
      s.builder.call(callee, params, inert("undefined"), { effects: true, ...(rest === -1 ? {} : { spread }) });
    }
  }
  initialiseFields(s, node);
}

/** Async functions and generators run in pieces. */
export function isResumable(typescript: typeof ts, node: FunctionNode): boolean {
  return isAsync(typescript, node) || ("asteriskToken" in node && node.asteriskToken !== undefined);
}

export function resumableRefusal(node: FunctionNode) {
  const generator = "asteriskToken" in node && node.asteriskToken !== undefined;
  return generator
    ? { code: "PB1002", message: "A generator cannot be differentiated.", hint: "Return an array, or loop in place." }
    : {
        code: "PB1001",
        message: "An async function cannot be differentiated.",
        hint: "Await the data first, then differentiate a synchronous function of it.",
      };
}

function refusedBody(s: Lowering, node: FunctionNode, result: Type, params: readonly Value[]): Value {
  const refusal = resumableRefusal(node);
  const parts = params.map((_, i) => (i === 0 ? "[" : ", "));
  return s.builder.opaque(params.length === 0 ? ["undefined"] : [...parts, "]"], params, refusal, {
    type: result,
    file: s.file,
    effects: true,
    keeps: true,
  })!;
}

/** `var` belongs to the whole function. */
function declareVars(s: Lowering, node: FunctionNode): void {
  const { ts } = s;
  const visit = (n: ts.Node): void => {
    if (n !== node && (ts.isFunctionLike(n) || ts.isClassLike(n))) return;
    if (
      ts.isVariableDeclaration(n) &&
      ts.isIdentifier(n.name) &&
      !(n.parent.flags & ts.NodeFlags.BlockScoped) &&
      !ts.isCatchClause(n.parent)
    ) {
      const symbol = s.host.symbolOf(n.name);
      if (symbol !== undefined && !s.environment.variables.has(symbol)) s.declare(symbol, s.undefinedValue());
    }
    ts.forEachChild(n, visit);
  };
  if (node.body !== undefined) visit(node.body);
}

function callsItself(region: Region, key: string): boolean {
  return region.ops.some((op) => {
    if (op.kind === "call") return op.callee.kind === "known" && op.callee.key === key;
    if (op.kind === "if") return callsItself(op.then, key) || callsItself(op.else, key);
    return op.kind === "loop" && callsItself(op.body, key);
  });
}
