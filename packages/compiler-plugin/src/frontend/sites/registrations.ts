/** `registerDerivative(target, { … })` statements: which declarations have a derivative given by hand. */
import type ts from "typescript";
import type { Diagnostic } from "../../check/index.ts";
import { passing, type Span } from "../../hir/index.ts";
import {
  type FileIndex,
  type FunctionNode,
  isDifferentiable,
  isFunctionNode,
  isStatic,
  keyOf,
} from "../declarations/index.ts";
import { publishedName, type TypeHost } from "../host/index.ts";
import type { RegisteredTarget } from "../lower/index.ts";
import type { Types } from "../types/index.ts";
import { localNames } from "./names.ts";

export interface Registration {
  /** Source text of the target. */
  readonly target: string;
  readonly span: Span;
  /** What it names: the file that declares it, and its name there as manifests write it. */
  readonly declared: { readonly file: string; readonly name: string; readonly elsewhere?: Place };
  readonly positions: readonly number[];
  readonly forward: boolean;
  readonly reverse: boolean;
  /**
   * Types are gone at run time, so a rule without `wrt` needs the one that its types give: text to insert right after
   * the opening brace of the rule. Absent where `wrt` is written.
   */
  readonly wrt?: { readonly offset: number; readonly text: string };
  readonly receiver: boolean;
  readonly effects: "none" | "random" | "state";
  readonly retains: boolean;
  /** Its `jvp`, where the registration shows it; with its place where it is written there. */
  readonly jvp?: { readonly key: string; readonly span?: Span };
}

/** A module of a package that is not the one which registers. */
interface Place {
  readonly package: string;
  readonly module: string;
}

export interface Registrations {
  readonly byDeclaration: ReadonlyMap<ts.Declaration, RegisteredTarget>;
  readonly byFile: ReadonlyMap<string, readonly Registration[]>;
  readonly diagnostics: readonly Diagnostic[];
}

export function findRegistrations(host: TypeHost, types: Types, indices: Iterable<FileIndex>): Registrations {
  const { ts } = host;
  const byDeclaration = new Map<ts.Declaration, RegisteredTarget>();
  const byFile = new Map<string, Registration[]>();
  const diagnostics: Diagnostic[] = [];
  const places = new Map<ts.Declaration, Span>();
  for (const { sourceFile, calls } of indices) {
    const names = localNames(host, sourceFile, ["registerDerivative"]);
    for (const call of calls) {
      if (!ts.isCallExpression(call)) continue;
      const name = ts.isPropertyAccessExpression(call.expression) ? call.expression.name : call.expression;
      if (
        !ts.isIdentifier(name) ||
        !names.has(name.text) ||
        host.autodiffName(host.symbolOf(name)) !== "registerDerivative"
      )
        continue;
      const span = host.span(call);
      const report = (code: string, message: string, hint: string, notes: Diagnostic["notes"] = []) =>
        diagnostics.push({ code, severity: "error", message, span, notes, hint });
      if (!ts.isExpressionStatement(call.parent) || !ts.isSourceFile(call.parent.parent)) {
        // Registrations made while the program runs hold at run time; the compiler cannot count on them.
        if (host.packageOf(sourceFile.fileName) !== "@pullback/autodiff") {
          report(
            "PB3009",
            "registerDerivative(…) stands inside other code.",
            "Move it to the top level of its module.",
          );
        }
        continue;
      }
      const [targetNode, rule] = call.arguments;
      const target = targetNode === undefined ? undefined : targetOf(host, types, targetNode);
      if (target === undefined) {
        report(
          "PB3008",
          "The target of this registration cannot be resolved.",
          'Name a function, Class.prototype.method, a class, or getter(Class, "name") directly.',
        );
        continue;
      }
      const options = ruleOptions(ts, rule);
      const jvp = functionOfRule(host, rule, "jvp");
      const isInPlace = (node: FunctionNode) => !ts.isFunctionDeclaration(node) && !ts.isMethodDeclaration(node);
      const all = [...(target.receiver ? [true] : []), ...target.parameters];
      const written = options.wrt?.map((entry) => (entry === "this" ? 0 : target.receiver ? entry + 1 : entry));
      if (
        written?.some((p) => p < 0 || (p >= all.length && !target.rest)) === true ||
        new Set(written).size !== (written?.length ?? 0)
      ) {
        report(
          "PB3007",
          `wrt is [${options.wrt?.join(", ")}], but the target has ${target.parameters.length} parameters.`,
          'List each differentiable parameter once by its position, counted from 0; the receiver is "this".',
        );
        continue;
      }
      const positions = written ?? all.flatMap((differentiable, i) => (differentiable ? [i] : []));
      const key = `${target.declarations[0]!.getSourceFile().fileName}#${targetNode!.getText()}`;
      const entry: RegisteredTarget = {
        key,
        positions,
        receiver: target.receiver,
        effects: options.effects,
        retains: options.retains,
        forward: options.forward,
        reverse: options.reverse,
        ...(jvp === undefined ? {} : { jvpKey: keyOf(host, jvp) }),
      };
      const earlier = target.declarations.map((d) => places.get(d)).find((s) => s !== undefined);
      if (earlier !== undefined) {
        report(
          "PB3006",
          `${targetNode!.getText()} has a registered derivative already.`,
          "Remove one of the two registrations.",
          [{ message: "The other registration is here.", span: earlier }],
        );
        continue;
      }
      const published = target.declarations.map((d) => host.packages.elsewhere(d)).find((each) => each !== undefined);
      if (published !== undefined) {
        report(
          "PB3006",
          `The package ${published.package} registers a derivative of ${targetNode!.getText()} already.`,
          "Remove this registration.",
        );
        continue;
      }
      for (const declaration of target.declarations) {
        byDeclaration.set(declaration, entry);
        places.set(declaration, span);
      }
      const list = byFile.get(sourceFile.fileName) ?? [];
      const text = positions.map((p) => (target.receiver ? (p === 0 ? '"this"' : p - 1) : p)).join(", ");
      const { fileName } = target.declarations[0]!.getSourceFile();
      const place = host.packages.placeOf(fileName);
      list.push({
        target: targetNode!.getText(),
        span,
        declared: {
          file: fileName,
          name: publishedName(ts, target.declarations[0]!),
          ...(place.package === host.packages.placeOf(sourceFile.fileName).package ? {} : { elsewhere: place }),
        },
        positions,
        forward: options.forward,
        reverse: options.reverse,
        receiver: target.receiver,
        effects: options.effects,
        retains: options.retains,
        ...(jvp === undefined
          ? {}
          : { jvp: { key: keyOf(host, jvp), ...(isInPlace(jvp) ? { span: host.span(jvp) } : {}) } }),
        ...(options.wrt === undefined && options.open !== undefined
          ? { wrt: { offset: options.open, text: ` wrt: [${text}],` } }
          : {}),
      });
      byFile.set(sourceFile.fileName, list);
    }
  }
  return { byDeclaration, byFile, diagnostics };
}

interface Target {
  readonly declarations: readonly ts.Declaration[];
  readonly receiver: boolean;
  /** Which parameters are differentiable by their types. */
  readonly parameters: readonly boolean[];
  readonly rest: boolean;
}

function targetOf(host: TypeHost, types: Types, node: ts.Expression): Target | undefined {
  const { ts, checker } = host;
  if (ts.isCallExpression(node)) {
    const [type, name] = node.arguments;
    if (host.autodiffName(host.symbolOf(node.expression)) !== "getter" || type === undefined || name === undefined)
      return undefined;
    if (!ts.isStringLiteralLike(name)) return undefined;
    const instance = checker.getTypeAtLocation(type).getConstructSignatures()[0];
    const property =
      instance === undefined
        ? undefined
        : checker.getPropertyOfType(checker.getReturnTypeOfSignature(instance), name.text);
    const declarations = property?.declarations ?? [];
    return declarations.length === 0 ? undefined : { declarations, receiver: true, parameters: [], rest: false };
  }
  const name = ts.isPropertyAccessExpression(node) ? node.name : node;
  const symbol = ts.isIdentifier(name) ? host.symbolOf(name) : undefined;
  const declarations = symbol?.declarations ?? [];
  const first = declarations[0];
  if (symbol === undefined || first === undefined) return undefined;
  if (ts.isClassLike(first)) {
    const signature = checker.getTypeAtLocation(node).getConstructSignatures()[0];
    return { declarations, receiver: false, ...parametersOf(host, types, signature) };
  }
  const isVariable = ts.isVariableDeclaration(first) || ts.isBindingElement(first) || ts.isParameter(first);
  const signature = checker.getTypeAtLocation(node).getCallSignatures()[0];
  if (signature === undefined) return undefined;
  if (isVariable && !host.isAmbient(symbol) && !(first.parent.flags & ts.NodeFlags.Const)) return undefined;
  const method =
    (ts.isMethodDeclaration(first) || ts.isMethodSignature(first)) &&
    !isStatic(ts, first) &&
    ts.isPropertyAccessExpression(node) &&
    isPrototype(ts, node.expression);
  return { declarations, receiver: method, ...parametersOf(host, types, signature) };
}

function isPrototype(typescript: typeof ts, node: ts.Expression): boolean {
  return typescript.isPropertyAccessExpression(node) && node.name.text === "prototype";
}

function parametersOf(
  host: TypeHost,
  types: Types,
  signature: ts.Signature | undefined,
): { parameters: boolean[]; rest: boolean } {
  const symbols = signature?.parameters ?? [];
  const last = symbols.at(-1)?.valueDeclaration;
  return {
    parameters: symbols.map((symbol) => {
      const type = types.ofSymbol(symbol);
      return isDifferentiable(type) && passing(type) !== "-";
    }),
    rest: last !== undefined && host.ts.isParameter(last) && last.dotDotDotToken !== undefined,
  };
}

function ruleOptions(
  typescript: typeof ts,
  rule: ts.Expression | undefined,
): {
  wrt?: ("this" | number)[];
  effects: "none" | "random" | "state";
  retains: boolean;
  forward: boolean;
  reverse: boolean;
  open?: number;
} {
  const found: {
    wrt?: ("this" | number)[];
    effects: "none" | "random" | "state";
    retains: boolean;
    forward: boolean;
    reverse: boolean;
    open?: number;
  } = {
    effects: "none",
    retains: false,
    forward: true,
    reverse: true,
  };
  if (rule === undefined || !typescript.isObjectLiteralExpression(rule)) return found;
  found.open = rule.getStart() + 1;
  const isWritten = (name: string) => rule.properties.some((p) => p.name?.getText() === name);
  const isOpen = rule.properties.some(typescript.isSpreadAssignment);
  found.forward = isOpen || isWritten("jvp");
  found.reverse = isOpen || isWritten("vjp");
  for (const property of rule.properties) {
    if (!typescript.isPropertyAssignment(property)) continue;
    const value = unwrapped(typescript, property.initializer);
    const name = property.name.getText();
    if (name === "wrt" && typescript.isArrayLiteralExpression(value)) {
      found.wrt = value.elements.flatMap((element): ("this" | number)[] => {
        if (typescript.isNumericLiteral(element)) return [Number(element.text)];
        return typescript.isStringLiteralLike(element) && element.text === "this" ? ["this"] : [];
      });
    } else if (name === "effects" && typescript.isStringLiteralLike(value)) {
      if (value.text === "random" || value.text === "state") found.effects = value.text;
    } else if (name === "retains") found.retains = value.kind === typescript.SyntaxKind.TrueKeyword;
  }
  return found;
}

/** The function that a rule gives for one of its entries: a literal in place, or a function by its name. */
function functionOfRule(host: TypeHost, rule: ts.Expression | undefined, name: string): FunctionNode | undefined {
  const { ts } = host;
  if (rule === undefined || !ts.isObjectLiteralExpression(rule)) return undefined;
  const property = rule.properties.find((p) => p.name?.getText() === name);
  if (property === undefined) return undefined;
  if (isFunctionNode(ts, property)) return property;
  if (!ts.isPropertyAssignment(property)) return undefined;
  const value = unwrapped(ts, property.initializer);
  if (isFunctionNode(ts, value)) return value;
  const symbol = ts.isIdentifier(value) ? host.symbolOf(value) : undefined;
  return symbol?.declarations?.find(
    (d): d is ts.FunctionDeclaration => ts.isFunctionDeclaration(d) && d.body !== undefined,
  );
}

function unwrapped(typescript: typeof ts, node: ts.Expression): ts.Expression {
  return typescript.isAsExpression(node) || typescript.isSatisfiesExpression(node)
    ? unwrapped(typescript, node.expression)
    : node;
}
