/**
 * Functions that do not throw, made of functions that do: they return `{ thrown, error, value }`. A call in a `try` of a
 * function that may throw after it has changed something goes to such a one, whose frame there is in any case.
 */
import {
  Builder,
  booleanType,
  copyFunction,
  type HirFunction,
  settled as operator,
  type Program,
  type Region,
  type StructType,
  settledKey,
  type Type,
  type Value,
} from "../hir/index.ts";
import { caughtValue, inlineCalls, settle } from "../opt/index.ts";
import { freshIds } from "./vjp.ts";

/** What is thrown is handed on as it is: what it holds is judged where it is caught (`checkCaught`). */
const handedOn: Type = { kind: "inert", text: "symbol" };

/** What a call of such a function returns. */
export function outcomeType(value: Type): StructType {
  const fields = new Map<string, Type>([
    ["thrown", booleanType],
    ["error", handedOn],
    ["value", value],
  ]);
  return { kind: "struct", name: "{ … }", fields: () => fields };
}

/** The function that does not throw. A gradient's operations do not say what it does: there is none of it. */
export function settledFunction(program: Program, of: HirFunction): HirFunction {
  const ids = freshIds(of);
  // Function literals that are called where they are seen become operations like others.
  const fn = copyFunction(inlineCalls(of, program, ids), ids);
  const body: Region = settle(fn.body, [fn.result], program, ids);
  const [value, thrown, error] = body.results as [Value, Value, Value];
  const b = new Builder(body.ops, ids, fn.span);
  const plain = b.opaque(["", ""], [error], caughtValue, { type: handedOn, file: fn.file }) as Value;
  const type = outcomeType(fn.result);
  const entries = [
    { key: "thrown", value: thrown },
    { key: "error", value: plain },
    { key: "value", value },
  ];
  const result = b.object(entries, type);
  return {
    ...fn,
    key: settledKey(of.key),
    name: `${of.name}$${operator}`,
    body: { ...body, results: [result] },
    result: type,
  };
}
