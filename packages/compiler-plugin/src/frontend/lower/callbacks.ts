/** Function arguments of array methods: literals are lowered in place, anything else is called. */
import type ts from "typescript";
import type { Type, Value } from "../../hir/index.ts";
import { resolveCall } from "./calls.ts";
import type { Variable } from "./environment.ts";
import { expression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { bind, withDefault } from "./patterns.ts";
import { assignedIn, isInlinable, transparent } from "./scan.ts";
import { statements } from "./statements.ts";

export interface Callback {
  /** Calls it; it takes as many of the arguments as it declares. */
  call(args: readonly Value[]): Value;
  /** What its body assigns. */
  readonly assigned: ReadonlySet<Variable>;
  readonly firstName?: string;
  readonly indexName?: string;
}

export function applied(s: Lowering, node: ts.Expression): Callback {
  const { ts } = s;
  const literal = transparent(ts, node);
  if (isInlinable(s.host, literal)) {
    const [first, second] = literal.parameters.filter(({ name }) => name.getText() !== "this");
    return {
      call: (args) => inlined(s, literal, args),
      assigned: assignedIn(s.host, [literal]),
      ...(first !== undefined && ts.isIdentifier(first.name) ? { firstName: first.name.text } : {}),
      ...(second !== undefined && ts.isIdentifier(second.name) && !second.name.text.startsWith("_")
        ? { indexName: second.name.text }
        : {}),
    };
  }
  const signature = s.host.checker.getTypeAtLocation(node).getCallSignatures()[0];
  const parameters = signature?.parameters ?? [];
  const last = parameters.at(-1)?.valueDeclaration;
  const rest = last !== undefined && ts.isParameter(last) && last.dotDotDotToken !== undefined;
  const type = signature === undefined ? undefined : s.types.of(s.host.checker.getReturnTypeOfSignature(signature));
  const call = resolveCall(s, node);
  return {
    call: (args) =>
      call({ values: rest ? args : args.slice(0, parameters.length) }, type ?? { kind: "unknown", text: "any" }),
    assigned: new Set(),
  };
}

/** The body of a function literal where it is called. */
export function inlined(s: Lowering, literal: ts.ArrowFunction | ts.FunctionExpression, args: readonly Value[]): Value {
  const { ts } = s;
  const type: Type = returnType(s, literal);
  const exit = s.open({ kind: "function", labels: [], result: type });
  bindParameters(s, literal.parameters, args);
  let value: Value;
  if (!ts.isBlock(literal.body)) value = expression(s, literal.body);
  else {
    statements(s, literal.body.statements);
    value = s.environment.results.get(exit) ?? s.undefinedValue();
  }
  s.environment.results.delete(exit);
  s.close(exit);
  s.guards.settle();
  return value;
}

export function returnType(s: Lowering, node: ts.SignatureDeclaration): Type {
  const signature = s.host.checker.getSignatureFromDeclaration(node);
  return signature === undefined
    ? { kind: "unknown", text: "any" }
    : s.types.of(s.host.checker.getReturnTypeOfSignature(signature));
}

/** Parameters of a call in place: defaults for what is missing, the rest as an array. */
function bindParameters(s: Lowering, parameters: ts.NodeArray<ts.ParameterDeclaration>, args: readonly Value[]): void {
  const own = parameters.filter(({ name }) => !(s.ts.isIdentifier(name) && name.text === "this"));
  own.forEach((parameter, i) => {
    if (parameter.dotDotDotToken !== undefined) {
      bind(s, parameter.name, s.at(parameter).array(args.slice(i), s.types.at(parameter.name)));
      return;
    }
    const given = args[i];
    if (given === undefined) {
      const value = parameter.initializer === undefined ? s.undefinedValue() : expression(s, parameter.initializer);
      bind(s, parameter.name, value);
    } else bind(s, parameter.name, withDefault(s, given, parameter.initializer));
  });
}
