/** What defines each value, and what that says about it: literals, integers. */
import type { Op, Region, Value } from "./types.ts";
import { walk } from "./visit.ts";

/** The operation that defines each value, results of nested regions included; parameters of regions have none. */
export function definitionsOf(region: Region, into = new Map<Value, Op>()): Map<Value, Op> {
  walk(region, (op) => {
    for (const r of op.results) into.set(r, op);
    if (op.kind === "loop" && op.counted !== undefined) into.set(op.body.params[0] as Value, op);
  });
  return into;
}

const integerMath = new Set(["floor", "ceil", "round", "trunc", "sign", "imul", "clz32"]);
const integerPrims = new Set(["|", "&", "^", "~", "<<", ">>", ">>>"]);

/** Is the value an integer whenever the program's types tell the truth? */
export function isInteger(v: Value, definitions: ReadonlyMap<Value, Op>): boolean {
  const op = definitions.get(v);
  switch (op?.kind) {
    case undefined:
      return v.type.kind === "inert" && v.type.text === "Int";
    case "const":
      return Number.isSafeInteger(op.value);
    case "prim":
      if (integerPrims.has(op.op)) return true;
      return ["+", "-", "*", "neg"].includes(op.op) && op.args.every((a) => isInteger(a, definitions));
    case "math":
      if (integerMath.has(op.fn)) return true;
      return (op.fn === "min" || op.fn === "max" || op.fn === "abs") && op.args.every((a) => isInteger(a, definitions));
    case "loop":
      return (
        op.counted !== undefined &&
        op.body.params[0] === v &&
        Number.isInteger(op.counted.step) &&
        isInteger(op.counted.start, definitions)
      );
    case "load":
      return (
        (op.key.kind === "field" && op.key.name === "length" && op.object.type.kind !== "struct") ||
        (v.type.kind === "inert" && v.type.text === "Int")
      );
    default:
      return v.type.kind === "inert" && v.type.text === "Int";
  }
}

/** The literal behind a value. */
export function literal(v: Value, definitions: ReadonlyMap<Value, Op>): unknown {
  const op = definitions.get(v);
  return op?.kind === "const" ? op.value : undefined;
}

/** Text that logs, or makes an error: it stores nothing. */
export function onlySpeaks(op: Extract<Op, { kind: "opaque" }>): boolean {
  return /^\s*(console\.|new \w*Error\()/.test(op.parts[0] ?? "");
}
