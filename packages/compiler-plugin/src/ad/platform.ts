/**
 * The platform's functions taken as values (`Math.sin`): as function literals they can be differentiated to any order,
 * where the derivative that they carry at run time is of the first.
 */
import { type HirFunction, type Ids, mapOp, mathLiteral, type Op, type Region } from "../hir/index.ts";
import { mathRule } from "./rules.ts";
import { freshIds } from "./vjp.ts";

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
  if (mathRule(name, 0) === undefined) return undefined;
  return mathLiteral(name, { file, span, ids, key: `${file}#Math.${name}` });
}
