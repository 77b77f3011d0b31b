/** Places where a function's derivative is asked for: operator calls, and functions that become DifferentiableFunctions. */
import type ts from "typescript";
import type { Diagnostic, Fix } from "../../check/index.ts";
import { applicationKey, nestable, type PublishedCode, passing, type Span, type Type } from "../../hir/index.ts";
import {
  type FileIndex,
  type FunctionNode,
  isFunctionNode,
  isStatic,
  keyOf,
  maskOf,
  parametersOf,
} from "../declarations/index.ts";
import { descend, refusalOf, type TypeHost } from "../host/index.ts";
import { differentialOperators, type ProgramContext, transparent, writtenWrt } from "../lower/index.ts";
import { carrying } from "./fixes.ts";
import { localNames } from "./names.ts";
import type { WantedNames } from "./wanted-names.ts";

const forwardOperators = new Set<string>([
  "derivative",
  "valueWithDerivative",
  "differential",
  "valueWithDifferential",
]);
/** Operators whose result may be differentiated again, or that differentiate twice themselves. */
const expandable = new Set<string>([...nestable, "hessian", "hessianVectorProduct"]);

const operators = [...differentialOperators, "differentiable", "checkpoint"] as const;

export interface OperatorSite {
  readonly operator: (typeof operators)[number] | "implicit";
  readonly file: string;
  /** The argument. */
  readonly span: Span;
  readonly call: Span;
  readonly target:
    | { readonly kind: "function"; readonly key: string }
    /** A function literal in place, or a name that one is written for. */
    | { readonly kind: "literal"; readonly key: string }
    /** What an operator makes of a function that one sees: `gradient(f)`. */
    | { readonly kind: "application"; readonly key: string; readonly declared: string }
    /** A value that carries its derivative. */
    | { readonly kind: "carrier"; readonly published?: PublishedCode }
    | { readonly kind: "registered" };
  /** Active parameters of the target. */
  readonly mask: string;
  readonly scalarResult: boolean;
}

export interface SitesOfFile {
  readonly sites: OperatorSite[];
  readonly diagnostics: Diagnostic[];
}

export function findSites(context: ProgramContext, index: FileIndex, wanted: WantedNames): SitesOfFile {
  const finder = new SiteFinder(
    context,
    index.sourceFile.fileName,
    localNames(context.host, index.sourceFile, operators),
  );
  for (const call of index.calls) finder.call(call);
  if (!wanted.isEmpty) finder.implicit(index, wanted);
  finder.sites.sort((a, b) => a.span.start - b.span.start);
  return finder;
}

type Resolved = OperatorSite["target"] | "unseen" | ReturnType<typeof refusalOf>;

class SiteFinder implements SitesOfFile {
  readonly sites: OperatorSite[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #context: ProgramContext;
  readonly #host: TypeHost;
  readonly #file: string;
  readonly #names: ReadonlySet<string>;
  readonly #arguments = new Set<ts.Node>();

  constructor(context: ProgramContext, file: string, names: ReadonlySet<string>) {
    this.#names = names;
    this.#context = context;
    this.#host = context.host;
    this.#file = file;
  }

  call(node: ts.CallExpression | ts.NewExpression): void {
    const { ts } = this.#host;
    if (!ts.isCallExpression(node)) return;
    const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
    if (!ts.isIdentifier(callee) || !this.#names.has(callee.text)) return;
    const symbol = this.#host.symbolOf(callee);
    const operator = operators.find((name) => name === this.#host.autodiffName(symbol));
    const [argument] = node.arguments;
    if (operator === undefined || argument === undefined) return;
    const literal = transparent(ts, argument);
    this.#arguments.add(literal);
    this.#site(operator, literal, node, node.arguments[1]);
  }

  /** Functions in places whose type is DifferentiableFunction. */
  implicit(index: FileIndex, wanted: WantedNames): void {
    const { ts } = this.#host;
    for (const literal of index.literals) {
      if (!this.#arguments.has(literal) && wanted.mayWant(literal) && this.#wantsDerivative(literal))
        this.#site("implicit", literal, literal, undefined);
    }
    descend(index.sourceFile, (node) => {
      if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return false;
      if (
        (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) &&
        isValuePosition(ts, node) &&
        !this.#arguments.has(node)
      ) {
        if (wanted.mayWant(node)) this.#reference(node);
        return false;
      }
      // What is found at run time: `functions[i]`, `make()`.
      if ((ts.isElementAccessExpression(node) || ts.isCallExpression(node)) && !this.#arguments.has(node)) {
        const whole = wrapped(ts, node);
        if (isValuePosition(ts, whole) && wanted.mayWant(whole)) this.#reference(whole, node);
      }
      return true;
    });
  }

  /** A function by what stands in a place, or by the expression in its parentheses and assertions. */
  #reference(node: ts.Expression, inner: ts.Expression = node): void {
    const { checker } = this.#host;
    const type = checker.getTypeAtLocation(node);
    if (type.getCallSignatures().length === 0 || !this.#wantsDerivative(node)) return;
    this.#site("implicit", inner, inner, undefined);
  }

  #wantsDerivative(node: ts.Expression): boolean {
    const wanted = this.#host.checker.getContextualType(node);
    return wanted !== undefined && isDifferentiableFunction(this.#context.types.of(wanted));
  }

  #site(
    operator: OperatorSite["operator"],
    argument: ts.Expression,
    call: ts.Node,
    options: ts.Expression | undefined,
  ): void {
    const host = this.#host;
    const span = host.span(argument);
    const found = this.#resolve(argument);
    const resolved = found !== "unseen" && expandable.has(operator) ? this.#expanded(argument, found) : found;
    if (resolved === "unseen") {
      // A generic function that hands its parameter on promises what its caller must keep.
      this.#report(
        "PB3003",
        span,
        `The compiler cannot see the function behind ${shortText(argument)}.`,
        "Pass a function literal or a named function, or give the variable the type DifferentiableFunction<…>.",
        carrying(host, argument),
      );
      return;
    }
    if ("code" in resolved) {
      this.#report(resolved.code, span, resolved.message, resolved.hint);
      return;
    }
    const missing =
      found !== "unseen" && "kind" in found && found.kind === "carrier"
        ? this.#unpublished(operator, found.published)
        : undefined;
    if (missing !== undefined) {
      this.#report("PB3023", span, missing.message, missing.hint);
      return;
    }
    const site = { operator, file: this.#file, span, call: host.span(call) };
    const declared =
      resolved.kind === "application"
        ? resolved.declared
        : resolved.kind === "function" || resolved.kind === "literal"
          ? resolved.key
          : undefined;
    const node = declared === undefined ? undefined : this.#context.lowerable(declared);
    const literal = declared === undefined ? undefined : this.#context.expansion(declared);
    if (literal === undefined && (node === undefined || host.ts.isClassLike(node))) {
      this.sites.push({ ...site, target: resolved, mask: "", scalarResult: true });
      return;
    }
    const types = literal?.function.params.map(({ type }) => type);
    const full = maskOf(types ?? parametersOf(host, this.#context.types, node as FunctionNode).types);
    const isMade = resolved.kind === "application" || literal !== undefined;
    const returned = isMade ? this.#returnedBy(argument) : this.#resultType(node as FunctionNode);
    const result = this.#context.types.of(returned);
    const isOperator = operator !== "implicit" && operator !== "differentiable" && operator !== "checkpoint";
    const mask = isOperator ? this.#mask(options, full) : full;
    if (mask === undefined) return;
    if (isOperator && !full.includes("1")) {
      this.#report(
        "PB2002",
        span,
        `${shortText(argument)} has no differentiable parameter.`,
        "Take a number, array, object with differentiable fields, or leaf as a parameter.",
      );
      return;
    }
    const scalarResult = mayBeScalar(result);
    if (startsAtOne.has(operator) && !scalarResult) {
      this.#report(
        "PB2001",
        span,
        `${shortText(argument)} returns ${host.checker.typeToString(returned)}, which is not a number.`,
        "Reduce the result to a number (a sum, a loss), or use pullback(f) and pass the cotangent.",
      );
      return;
    }
    if (isOperator && passing(result) === "-") {
      this.#report(
        "PB2004",
        span,
        `${shortText(argument)} returns ${host.checker.typeToString(returned)}, which has no tangent.`,
        "Return the value whose derivative is wanted.",
      );
      return;
    }
    this.sites.push({ ...site, target: resolved, mask, scalarResult });
  }

  #resultType(node: FunctionNode): ts.Type {
    const { checker } = this.#host;
    const signature = checker.getSignatureFromDeclaration(node);
    return signature === undefined ? checker.getAnyType() : checker.getReturnTypeOfSignature(signature);
  }

  #returnedBy(node: ts.Expression): ts.Type {
    const { checker } = this.#host;
    const [signature] = checker.getTypeAtLocation(node).getCallSignatures();
    return signature === undefined ? checker.getAnyType() : checker.getReturnTypeOfSignature(signature);
  }

  /** What an operator needs of a function of an installed package and its manifest does not name. */
  #unpublished(operator: OperatorSite["operator"], published: PublishedCode | undefined) {
    const mode = forwardOperators.has(operator) ? "forward" : "reverse";
    if (published === undefined || published.modes.includes(mode)) return undefined;
    const { name, package: from } = published;
    return {
      message: `The package ${from} publishes no derivative of ${name} as ${operator} needs it.`,
      hint: `Tag ${name} @differentiable there and build the package again with this version of Pullback.`,
    };
  }

  /** The literal that stands for a function without body here, where an operator's result may be differentiated again. */
  #expanded(node: ts.Expression, target: Resolved): Resolved {
    if (target === "unseen" || !("kind" in target) || (target.kind !== "carrier" && target.kind !== "registered"))
      return target;
    const found = this.#context.expand(node);
    if (found === undefined) return target;
    return { kind: "literal", key: found.function.key };
  }

  /** `gradient(f)` as a function of its own, where `f` is seen. */
  #application(node: ts.Expression): Resolved | undefined {
    const { ts } = this.#host;
    if (!ts.isCallExpression(node)) return undefined;
    const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
    const name = ts.isIdentifier(callee) ? this.#host.autodiffName(this.#host.symbolOf(callee)) : undefined;
    const operator = nestable.find((each) => each === name);
    const [argument, options] = node.arguments;
    if (operator === undefined || argument === undefined) return undefined;
    const inner = transparent(ts, argument);
    const found = this.#resolve(inner);
    const wrt = writtenWrt(ts, options);
    if (wrt === undefined || found === "unseen") return undefined;
    const of = this.#expanded(inner, found);
    if (of === "unseen" || !("key" in of)) return undefined;
    const declared = of.kind === "application" ? of.declared : of.key;
    return { kind: "application", key: applicationKey({ operator, of: of.key, wrt }), declared };
  }

  #resolve(node: ts.Expression): Resolved {
    const { ts } = this.#host;
    const host = this.#host;
    if (isFunctionNode(ts, node)) return { kind: "literal", key: keyOf(host, node) };
    const application = this.#application(node);
    if (application !== undefined) return application;
    if (isDifferentiableFunction(this.#context.types.at(node))) return { kind: "carrier" };
    const name = ts.isPropertyAccessExpression(node) ? node.name : node;
    const symbol = ts.isIdentifier(name) ? host.symbolOf(name) : undefined;
    if (symbol === undefined) return "unseen";
    for (const declaration of symbol.declarations ?? []) {
      const target = this.#context.registration(declaration);
      if (target !== undefined && target.published === undefined) return { kind: "registered" };
      const published = host.published(declaration);
      if (published?.kind === "derivative") {
        const { modes, package: from = "" } = published;
        return {
          kind: "carrier",
          ...(modes === undefined ? {} : { published: { name: shortText(node), package: from, modes } }),
        };
      }
      if (published !== undefined) return refusalOf(shortText(node), published);
      const held = this.#heldBy(declaration);
      const made = held === undefined ? undefined : this.#application(held);
      if (made !== undefined) return made;
      const fn = this.#functionOf(declaration);
      if (fn === undefined || !this.#context.isSource(fn)) continue;
      // A method without its receiver is not a function; on the prototype the receiver is the first parameter.
      const isMethod = ts.isMethodDeclaration(fn) && !isStatic(ts, fn);
      if (isMethod && !(ts.isPropertyAccessExpression(node) && node.expression.getText().endsWith(".prototype")))
        return "unseen";
      return { kind: "function", key: keyOf(host, fn) };
    }
    if (host.isAmbient(symbol) && ts.isPropertyAccessExpression(node) && node.expression.getText() === "Math")
      return { kind: "registered" };
    return "unseen";
  }

  #functionOf(declaration: ts.Declaration): FunctionNode | undefined {
    const { ts } = this.#host;
    if (isFunctionNode(ts, declaration)) return declaration;
    const value = this.#heldBy(declaration);
    return value !== undefined && isFunctionNode(ts, value) ? value : undefined;
  }

  /** What a constant is initialised with. */
  #heldBy(declaration: ts.Declaration): ts.Expression | undefined {
    const { ts } = this.#host;
    if (!ts.isVariableDeclaration(declaration) || declaration.initializer === undefined) return undefined;
    return declaration.parent.flags & ts.NodeFlags.Const ? transparent(ts, declaration.initializer) : undefined;
  }

  /** `{ wrt: 0 }`, `{ wrt: [0, 2] }`, or every differentiable parameter. */
  #mask(options: ts.Expression | undefined, full: string): string | undefined {
    const { ts } = this.#host;
    if (options === undefined) return full;
    const literal = transparent(ts, options);
    const property = ts.isObjectLiteralExpression(literal)
      ? literal.properties.find(
          (p): p is ts.PropertyAssignment => ts.isPropertyAssignment(p) && p.name.getText() === "wrt",
        )
      : undefined;
    if (property === undefined) {
      const saysNothing = (p: ts.ObjectLiteralElementLike) => p.name !== undefined && p.name.getText() !== "wrt";
      if (ts.isObjectLiteralExpression(literal) && literal.properties.every(saysNothing)) return full;
      this.#report(
        "PB2008",
        this.#host.span(options),
        "wrt is not written out here.",
        "Write wrt as a number or a list of numbers at the call.",
      );
      return undefined;
    }
    const value = transparent(ts, property.initializer);
    const entries = ts.isArrayLiteralExpression(value) ? [...value.elements] : [value];
    const bits = [...full].map(() => "0");
    for (const entry of entries) {
      if (!ts.isNumericLiteral(entry)) {
        this.#report(
          "PB2008",
          this.#host.span(entry),
          "wrt is not written out here.",
          "Write wrt as a number or a list of numbers at the call.",
        );
        return undefined;
      }
      const position = Number(entry.text);
      if (full[position] !== "1") {
        const why = position >= full.length ? `there are only ${full.length} parameters` : "its type has no tangent";
        this.#report(
          "PB2005",
          this.#host.span(entry),
          `Parameter ${position} cannot be differentiated: ${why}.`,
          "List positions of differentiable parameters, counted from 0.",
        );
        return undefined;
      }
      bits[position] = "1";
    }
    return bits.join("");
  }

  #report(code: string, span: Span, message: string, hint: string, fix?: Fix): void {
    const base: Diagnostic = { code, severity: "error", message, span, notes: [], hint };
    this.diagnostics.push(fix === undefined ? base : { ...base, fix });
  }
}

/** Operators that begin with the cotangent 1. */
const startsAtOne = new Set<OperatorSite["operator"]>([
  "gradient",
  "valueWithGradient",
  "hessian",
  "hessianVectorProduct",
]);

function isDifferentiableFunction(type: Type): boolean {
  if (type.kind === "union") return type.members.some(isDifferentiableFunction);
  return type.kind === "function" && type.text === "DifferentiableFunction";
}

/** A number or something that may be a one-element leaf. */
function mayBeScalar(type: Type): boolean {
  if (type.kind === "union") return type.members.some(mayBeScalar);
  return type.kind === "number" || type.kind === "leaf" || type.kind === "unknown";
}

/** Where a name stands for its value, in a place that may have a declared type. */
function isValuePosition(typescript: typeof ts, node: ts.Expression): boolean {
  const { parent } = node;
  if (typescript.isCallExpression(parent) || typescript.isNewExpression(parent)) return parent.expression !== node;
  if (
    typescript.isVariableDeclaration(parent) ||
    typescript.isPropertyDeclaration(parent) ||
    typescript.isParameter(parent)
  ) {
    return parent.initializer === node;
  }
  if (typescript.isPropertyAssignment(parent)) return parent.initializer === node;
  if (typescript.isShorthandPropertyAssignment(parent)) return parent.name === node;
  if (typescript.isBinaryExpression(parent))
    return parent.right === node && parent.operatorToken.kind === typescript.SyntaxKind.EqualsToken;
  if (typescript.isConditionalExpression(parent)) return parent.condition !== node;
  if (typescript.isArrowFunction(parent)) return parent.body === node;
  return typescript.isReturnStatement(parent) || typescript.isArrayLiteralExpression(parent);
}

/** The expression with the parentheses and assertions around it. */
function wrapped(typescript: typeof ts, node: ts.Expression): ts.Expression {
  const { parent } = node;
  const isAround =
    typescript.isParenthesizedExpression(parent) ||
    typescript.isNonNullExpression(parent) ||
    typescript.isAsExpression(parent) ||
    typescript.isSatisfiesExpression(parent);
  return isAround ? wrapped(typescript, parent) : node;
}

function shortText(node: ts.Node): string {
  const text = node.getText().replace(/\s+/g, " ");
  return text.length <= 50 ? text : `${text.slice(0, 47)}…`;
}
