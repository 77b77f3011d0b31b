/**
 * Operators inside differentiated code. `gradient(g)` of a function that is seen is a function like any other: of a
 * literal another literal, of a named function a function of the program.
 */
import {
  type Application,
  applicationKey,
  applicationOf,
  type CallOp,
  type HirFunction,
  mapOp,
  nestable,
  type Op,
  type Program,
  type Region,
  type Value,
} from "../hir/index.ts";

/** Makes the function that an operator makes of a literal. */
type Apply = (program: Program, of: HirFunction, application: Application) => HirFunction;

export function resolveOperators(fn: HirFunction, program: Program, apply: Apply): HirFunction {
  const definitions = new Map<Value, Op>();
  let changed = false;
  const region = (r: Region): Region => {
    const ops: Op[] = [];
    for (const op of r.ops) {
      const resolved = (op.kind === "call" && (resolve(op) ?? byName(op))) || mapOp(op, (v) => v, region);
      if (op.kind === "call" && resolved.kind !== "call") changed = true;
      for (const v of resolved.results) definitions.set(v, resolved);
      ops.push(resolved);
    }
    return { ...r, ops };
  };
  const resolve = (op: CallOp): Op | undefined => {
    const { callee, args, span, results } = op;
    if (callee.kind !== "inert" || callee.operator === undefined) return undefined;
    const operator = nestable.find((name) => name === callee.operator?.name);
    const { wrt } = callee.operator;
    const made = definitions.get(args[0] as Value);
    if (operator === undefined || wrt === undefined) return undefined;
    if (made?.kind === "closure" && made.derivative === undefined) {
      const applied = apply(program, made.function, { operator, wrt, of: made.function.key });
      return { kind: "closure", function: applied, captures: made.captures, span, results };
    }
    if (made?.kind !== "global" || made.functionKey === undefined) return undefined;
    const options = wrt === "" ? "" : `, { wrt: ${wrt} }`;
    return {
      kind: "global",
      text: `${callee.text}(${made.text}${options})`,
      file: made.file === "" ? callee.file : made.file,
      functionKey: applicationKey({ operator, wrt, of: made.functionKey }),
      span,
      results,
    };
  };
  /** A call of what an operator made of a named function. */
  const byName = (op: CallOp): Op | undefined => {
    const made = op.callee.kind === "value" ? definitions.get(op.args[0] as Value) : undefined;
    if (made?.kind !== "global" || made.functionKey === undefined) return undefined;
    if (applicationOf(made.functionKey) === undefined || op.spread?.some(Boolean) === true) return undefined;
    changed = true;
    const { spread: _, ...plain } = op;
    const callee = { kind: "known", key: made.functionKey, text: made.text, file: made.file } as const;
    return { ...plain, callee, args: op.args.slice(1) };
  };
  const body = region(fn.body);
  return changed ? { ...fn, body } : fn;
}
