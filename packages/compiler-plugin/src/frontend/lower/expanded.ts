/**
 * A function without a body here (of an installed package, or with a registered derivative) as the literal that calls
 * it: `(a0, a1) => f(a0, a1)`. What operators make of a literal can be differentiated again, to any order that the
 * function's own derivative is there for.
 */
import type ts from "typescript";
import {
  buildFunction,
  type Callee,
  type HirFunction,
  hasMathLiteral,
  type Ids,
  mathLiteral,
} from "../../hir/index.ts";
import { isStatic } from "../declarations/index.ts";
import { registered } from "./callee.ts";
import type { ProgramContext } from "./context.ts";

export interface Expanded {
  readonly function: HirFunction;
  /** The literal's parameters, which are its call's arguments: `(a0, ...a1)`. */
  readonly parameters: string;
}

/** The literal for a function that a name or a dotted name denotes; undefined where it has a body here, or is no function. */
export function expanded(context: ProgramContext, node: ts.Expression, ids?: Ids): Expanded | undefined {
  const { host, types } = context;
  const { ts, checker } = host;
  const name = ts.isPropertyAccessExpression(node) ? node.name : node;
  const symbol = ts.isIdentifier(name) ? host.symbolOf(name) : undefined;
  const declaration = symbol?.declarations?.[0];
  if (symbol === undefined || declaration === undefined) return undefined;
  const isMath = host.isAmbient(symbol) && /^Math\.\w+$/.test(node.getText());
  const isPlain =
    ts.isFunctionDeclaration(declaration) || ts.isVariableDeclaration(declaration) || isStatic(ts, declaration);
  if (!isMath && !isPlain) return undefined;
  const [signature, ...others] = checker.getTypeAtLocation(node).getCallSignatures();
  if (signature === undefined || others.length > 0) return undefined;
  const last = signature.parameters.at(-1)?.valueDeclaration;
  const rest = last !== undefined && ts.isParameter(last) && last.dotDotDotToken !== undefined;
  const params = signature.parameters.map((p, i) => [`a${i}`, types.ofSymbol(p)] as const);
  const restAt = rest ? params.length - 1 : undefined;
  const parameters = `(${params.map(([each], i) => (i === restAt ? `...${each}` : each)).join(", ")})`;
  const span = host.span(node);
  const key = `${span.file}#${symbol.name}@${span.start}`;
  if (isMath && !hasMathLiteral(symbol.name)) return undefined;
  if (isMath)
    return {
      function: mathLiteral(symbol.name, { key, file: span.file, span, ...(ids === undefined ? {} : { ids }) }),
      parameters,
    };
  const callee = calleeOf(context, symbol.name, node, declaration);
  if (callee === undefined) return undefined;
  const result = types.of(checker.getReturnTypeOfSignature(signature));
  const text = node.getText();
  const shape = {
    name: symbol.name,
    key,
    file: span.file,
    span,
    kind: "arrow",
    params,
    result,
  } as const;
  const made = buildFunction(
    { ...shape, ...(restAt === undefined ? {} : { rest: restAt }), ...(ids === undefined ? {} : { ids }) },
    (b, ...args) => {
      const spread = args.map((_, i) => i === restAt);
      const whole = rest ? { spread } : {};
      if (callee.kind === "registered")
        return b.call(callee, args, shape.result, { ...whole, effects: callee.effects !== "none" });
      const f = b.global(text, span.file, types.at(node));
      return b.call(callee, [f, ...args], shape.result, {
        effects: true,
        ...(rest ? { spread: [false, ...spread] } : {}),
      });
    },
  );
  return { function: made, parameters };
}

function calleeOf(
  context: ProgramContext,
  name: string,
  node: ts.Expression,
  declaration: ts.Declaration,
): Callee | undefined {
  const target = context.registration(declaration);
  const { fileName: file } = node.getSourceFile();
  if (target !== undefined) return { kind: "registered", text: node.getText(), file, ...registered(target) };
  const found = context.host.published(declaration);
  if (found?.kind !== "derivative" || found.modes === undefined) return undefined;
  const { package: from = "", modes, conduct } = found;
  return { kind: "value", published: { name, package: from, modes, ...(conduct === undefined ? {} : { conduct }) } };
}
