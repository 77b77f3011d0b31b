/** Folds constants, drops neutral operations, shares equal pure operations with those that dominate them. */
import type { ConstOp, IfOp, Op, Region, Value } from "../hir/index.ts";
import { mapOp, regions } from "../hir/index.ts";

type Known = { readonly value: ConstOp["value"]; readonly written?: true };

/** One pass over a region in program order; operations' results may be replaced by earlier values. */
export function simplify(region: Region): Region {
  const constants = new Map<Value, Known>();
  const negated = new Map<Value, Value>();
  const replaced = new Map<Value, Value>();
  const resolve = (v: Value): Value => replaced.get(v) ?? v;
  const isSymbolicZero = (v: Value) => numberIs(v, -0) || (numberIs(v, 0) && constants.get(v)?.written !== true);
  const numberIs = (v: Value, n: number) => constants.has(v) && Object.is(constants.get(v)?.value, n);

  /** What operations computed so far, by their keys: those of this region and of the regions around it. */
  const known = new Map<string, Value>();

  const walkRegion = (r: Region): Region => {
    const own: string[] = [];
    const know = (key: string, v: Value) => {
      known.set(key, v);
      own.push(key);
    };
    const ops: Op[] = [];
    for (const original of r.ops) {
      const op = mapOp(original, resolve, (inner) => inner);
      const taken =
        op.kind === "if" && constants.has(op.condition)
          ? constants.get(op.condition)?.value
            ? op.then
            : op.else
          : undefined;
      if (taken !== undefined && op.kind === "if" && taken.diverges !== true) {
        const inline = walkRegion(taken);
        ops.push(...inline.ops);
        op.results.forEach((v, i) => {
          replaced.set(v, inline.results[i] as Value);
        });
        continue;
      }
      const result = op.results[0];
      const simpler = result === undefined ? undefined : shortcut(op, result);
      if (result !== undefined && simpler !== undefined) {
        if (simpler.kind === "value") replaced.set(result, simpler.value);
        else {
          const { constant: value, written } = simpler;
          const constant: ConstOp = { kind: "const", value, ...written, span: op.span, results: [result] };
          const key = keyOf(constant) as string;
          const same = known.get(key);
          if (same !== undefined) replaced.set(result, same);
          else {
            constants.set(result, { value, ...written });
            know(key, result);
            ops.push(constant);
          }
        }
        continue;
      }
      const key = keyOf(op);
      if (key !== undefined && result !== undefined) {
        const same = known.get(key);
        if (same !== undefined) {
          replaced.set(result, same);
          continue;
        }
        know(key, result);
      }
      if (op.kind === "const" && result !== undefined) {
        constants.set(result, op.written === true ? { value: op.value, written: true } : { value: op.value });
      }
      if (op.kind === "prim" && op.op === "neg" && result !== undefined) negated.set(result, op.args[0] as Value);
      if (regions(op).length === 0) {
        ops.push(op);
        continue;
      }
      const nested = mapOp(op, (v) => v, walkRegion);
      ops.push(nested);
      if (nested.kind === "if") sameAsCondition(nested);
    }
    for (const key of own) known.delete(key);
    return { ...r, ops, results: r.results.map(resolve) };
  };

  /** `c ? true : false` is c. */
  const sameAsCondition = (op: IfOp): void => {
    if (op.condition.type.kind !== "inert" || op.condition.type.text !== "boolean") return;
    const is = (v: Value | undefined, value: boolean) => v !== undefined && constants.get(v)?.value === value;
    op.results.forEach((r, i) => {
      if (is(op.then.results[i], true) && is(op.else.results[i], false)) replaced.set(r, op.condition);
    });
  };

  const shortcut = (
    op: Op,
    result: Value,
  ):
    | { kind: "value"; value: Value }
    | { kind: "constant"; constant: ConstOp["value"]; written: { written?: true } }
    | undefined => {
    const value = (v: Value | undefined) => (v === undefined ? undefined : ({ kind: "value", value: v } as const));
    if (op.kind === "runtime" && op.fn === "add") {
      const [x, y] = op.args as [Value, Value];
      if (constants.has(x) && constants.get(x)?.value === undefined) return value(y);
      if (constants.has(y) && constants.get(y)?.value === undefined) return value(x);
      return undefined;
    }
    if (op.kind !== "prim" && op.kind !== "math") return undefined;
    const literals = op.args.map((a) => constants.get(a));
    if (op.args.length > 0 && literals.every((l) => l !== undefined)) {
      const folded = fold(
        op,
        literals.map((l) => (l as Known).value),
      );
      const written = literals.some((l) => l?.written === true) ? ({ written: true } as const) : {};
      if (folded !== undefined) return { kind: "constant", constant: folded.value, written };
    }
    if (op.kind !== "prim" || (result.type.kind === "inert" && result.type.text !== "Int")) return undefined;
    const [x, y] = op.args;
    if (x === undefined || !numeric(x)) return undefined;
    switch (op.op) {
      case "+":
        if (y === undefined || !numeric(y)) return undefined;
        if (isSymbolicZero(x)) return value(y);
        if (isSymbolicZero(y)) return value(x);
        return undefined;
      case "-":
        return y !== undefined && numberIs(y, 0) ? value(x) : undefined;
      case "*":
        if (y === undefined) return undefined;
        if (numberIs(x, 1)) return value(y);
        return numberIs(y, 1) ? value(x) : undefined;
      case "/":
        return y !== undefined && numberIs(y, 1) ? value(x) : undefined;
      case "neg":
        return value(negated.get(x));
      default:
        return undefined;
    }
  };

  return walkRegion(region);
}

function numeric(v: Value): boolean {
  return v.type.kind === "number" || (v.type.kind === "inert" && v.type.text === "Int");
}

/** The value of an operation on literals; only what is exact on every engine. */
function fold(op: Extract<Op, { kind: "prim" | "math" }>, args: readonly ConstOp["value"][]): Known | undefined {
  if (op.kind === "math" || args.some((a) => typeof a !== "number" && typeof a !== "boolean")) return undefined;
  const [x, y] = args as [number, number];
  switch (op.op) {
    case "+":
      return args.length === 2 && typeof x === "number" && typeof y === "number" ? { value: x + y } : undefined;
    case "-":
      return args.length === 2 ? { value: x - y } : undefined;
    case "*":
      return { value: x * y };
    case "/":
      return { value: x / y };
    case "neg":
      return { value: -x };
    case "!":
      return { value: !x };
    case "===":
      return { value: x === y };
    case "!==":
      return { value: x !== y };
    case "<":
      return { value: x < y };
    case ">":
      return { value: x > y };
    default:
      return undefined;
  }
}

/** Equal keys mean equal values; undefined for operations that must not be shared. */
function keyOf(op: Op): string | undefined {
  switch (op.kind) {
    case "const":
      return `const ${typeof op.value} ${Object.is(op.value, -0) ? "-0" : String(op.value)} ${op.results[0]?.type.kind} ${op.value === 0 && op.written === true}`;
    case "global":
      return `global ${op.file} ${op.text}`;
    case "prim":
      return op.op === "typeof" || op.op === "instanceof" || op.op === "in"
        ? undefined
        : `${op.op} ${op.args.map((a) => a.id).join(" ")}`;
    case "load":
      // Readonly slots hold what they held.
      return op.readonly === true
        ? `load ${op.object.id} ${op.key.kind === "field" ? `.${op.key.name}` : op.key.index.id}`
        : undefined;
    case "math":
      return op.fn === "random" ? undefined : `Math.${op.fn} ${op.args.map((a) => a.id).join(" ")}`;
    default:
      return undefined;
  }
}
