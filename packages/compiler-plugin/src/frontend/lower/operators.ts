/** Operators on primitive values, and the differential operators by their names. */
import type ts from "typescript";
import type { Type, Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import type { Lowering } from "./lowering.ts";
import { transparent } from "./scan.ts";

/** Functions of autodiff that make a function of a function. */
export const differentialOperators = [
  "gradient",
  "valueWithGradient",
  "pullback",
  "valueWithPullback",
  "derivative",
  "valueWithDerivative",
  "differential",
  "valueWithDifferential",
  "jacobian",
  "hessian",
  "hessianVectorProduct",
] as const;

export const isDifferentialOperator = (name: string) => differentialOperators.some((each) => each === name);

const boolean = inert("boolean");
const int = inert("Int");
const comparisons = new Set(["<", "<=", ">", ">=", "===", "!==", "==", "!=", "instanceof", "in"]);
const bitwise = new Set(["&", "|", "^", "<<", ">>", ">>>"]);

/** A binary operator; the result of index arithmetic on inert integers stays inert. */
export function binary(s: Lowering, op: string, a: Value, b: Value, type: Type): Value {
  if (comparisons.has(op)) return s.builder.prim(op, [a, b], boolean);
  if (bitwise.has(op))
    return s.builder.prim(op, [a, b], a.type.kind === "inert" && b.type.kind === "inert" ? int : type);
  if (type.kind === "number" && isInteger(a) && isInteger(b) && (op === "+" || op === "-" || op === "*")) {
    return s.builder.prim(op, [a, b], int);
  }
  return s.builder.prim(op, [a, b], type);
}

const isInteger = (v: Value) => v.type.kind === "inert" && v.type.text === "Int";

export function unary(s: Lowering, op: string, a: Value, type: Type): Value {
  if (op === "!") return s.builder.prim("!", [a], boolean);
  if (op === "-") return s.builder.prim("neg", [a], isInteger(a) ? int : type);
  if (op === "~") return s.builder.prim("~", [a], int);
  if (op === "+" && a.type.kind === "number") return a;
  return s.builder.prim(op, [a], type);
}

/** `{ wrt }` as keys of applications write it: "" without one; undefined where it is not written out. */
export function writtenWrt(typescript: typeof ts, options: ts.Expression | undefined): string | undefined {
  if (options === undefined) return "";
  const literal = transparent(typescript, options);
  if (!typescript.isObjectLiteralExpression(literal)) return undefined;
  // In which precision cotangents are reported does not change which they are.
  const given = literal.properties.filter((p) => p.name?.getText() !== "gradientDtype");
  const [property] = given;
  if (given.length === 0) return "";
  if (
    given.length > 1 ||
    property === undefined ||
    !typescript.isPropertyAssignment(property) ||
    property.name.getText() !== "wrt"
  )
    return undefined;
  const text = transparent(typescript, property.initializer).getText().replace(/\s+/g, "");
  return /^(\d+|\[(\d+,?)+\])$/.test(text) ? text.replace(",]", "]") : undefined;
}
