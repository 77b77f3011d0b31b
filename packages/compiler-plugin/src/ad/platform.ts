/**
 * The platform's functions taken as values (`Math.sin`): as function literals they can be differentiated to any order,
 * where the derivative that they carry at run time is of the first.
 */
import {
  arrayOf,
  buildFunction,
  type HirFunction,
  type Ids,
  intType,
  mapOp,
  numberType,
  type Op,
  type Region,
} from "../hir/index.ts";
import { mathRule } from "./rules.ts";
import { freshIds } from "./vjp.ts";

const variadic = new Map([
  ["max", -Infinity],
  ["min", Infinity],
  ["hypot", 0],
]);

const binary = new Set(["atan2", "pow"]);

/** The function with a literal in place of every function of Math that it uses as a value. */
export function withPlatformLiterals(fn: HirFunction): HirFunction {
  const ids = freshIds(fn);
  const inside = (each: HirFunction): HirFunction => {
    let changed = false;
    const region = (r: Region): Region => ({ ...r, ops: r.ops.map(replaced) });
    const replaced = (op: Op): Op => {
      const name = op.kind === "global" ? /^Math\.([a-z]\w*)$/.exec(op.text)?.[1] : undefined;
      const literal = name === undefined ? undefined : literalOf(name, each, ids);
      if (literal !== undefined) {
        changed = true;
        return { kind: "closure", function: literal, captures: [], span: op.span, results: op.results };
      }
      if (op.kind === "closure" && op.derivative === undefined) {
        const inner = inside(op.function);
        if (inner === op.function) return op;
        changed = true;
        return { ...op, function: inner };
      }
      return mapOp(op, (v) => v, region);
    };
    const body = region(each.body);
    return changed ? { ...each, body } : each;
  };
  return inside(fn);
}

function literalOf(name: string, { file, span }: HirFunction, ids: Ids): HirFunction | undefined {
  const start = variadic.get(name);
  const shape = { name, file, span, ids, key: `${file}#Math.${name}`, kind: "arrow" } as const;
  if (start !== undefined) {
    return buildFunction({ ...shape, params: [["xs", arrayOf(numberType)]], rest: 0 }, (b, xs) => {
      const end = b.length(xs as NonNullable<typeof xs>);
      const counted = { start: b.const(0, intType), end, comparison: "<", step: 1 } as const;
      const [best] = b.loop({ initial: [b.const(start)], counted }, (s, i, sum) => [
        s.math(name, [
          sum as NonNullable<typeof sum>,
          s.load(xs as NonNullable<typeof xs>, i as NonNullable<typeof i>),
        ]),
      ]);
      return best as NonNullable<typeof best>;
    });
  }
  if (mathRule(name, 0) === undefined) return undefined;
  const params = (binary.has(name) ? ["x", "y"] : ["x"]).map((x) => [x, numberType] as const);
  return buildFunction({ ...shape, params }, (b, ...args) => b.math(name, args));
}
