/** Operators on primitive values. */
import type { Type, Value } from "../../hir/index.ts";
import { inert } from "../types/index.ts";
import type { Lowering } from "./lowering.ts";

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
