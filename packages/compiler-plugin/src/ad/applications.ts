/**
 * Operators inside differentiated code. What an operator makes of a function that is seen is a function like any other:
 * of a literal another literal, of a named function a function of the program, or a literal that calls some of these.
 */
import {
  type Application,
  applicationKey,
  applicationOf,
  type CallOp,
  type ClosureOp,
  type HirFunction,
  mapOp,
  nestable,
  type Op,
  type Program,
  type Region,
  type Value,
} from "../hir/index.ts";
import { type Composition, composition, compositionOf, type Target } from "./compositions.ts";

/** Makes the function that an operator makes of a literal. */
type Apply = (program: Program, of: HirFunction, application: Application) => HirFunction;

type Definitions = Map<Value, Op>;

export function resolveOperators(
  fn: HirFunction,
  program: Program,
  apply: Apply,
  outer: ReadonlyMap<Value, Op> = new Map(),
): HirFunction {
  const definitions: Definitions = new Map(outer);
  let changed = false;
  const region = (r: Region): Region => {
    const ops: Op[] = [];
    for (const op of r.ops) {
      const resolved = rewritten(op);
      for (const v of resolved.results) definitions.set(v, resolved);
      ops.push(resolved);
    }
    return { ...r, ops };
  };
  const rewritten = (op: Op): Op => {
    const resolved = op.kind === "call" ? (resolve(op) ?? byName(op)) : op.kind === "closure" ? within(op) : undefined;
    if (resolved === undefined) return mapOp(op, (v) => v, region);
    changed = true;
    return resolved;
  };
  const resolve = (op: CallOp): Op | undefined => {
    const { callee, args, span, results } = op;
    if (callee.kind !== "inert" || callee.operator === undefined) return undefined;
    const { wrt, name } = callee.operator;
    const operator = nestable.find((each) => each === name);
    const composed = compositionOf(name);
    const made = definitions.get(args[0] as Value);
    if (wrt === undefined || callee.operator.refusal !== undefined) return undefined;
    if (made?.kind === "closure" && made.derivative === undefined) {
      // Its captures must be values of this function, not of one around it.
      if (outer.has(args[0] as Value) && made.captures.length > 0) return undefined;
      if (composed !== undefined) return literal(op, { of: made.function, span }, composed, wrt, made.captures);
      if (operator === undefined) return undefined;
      const applied = apply(program, made.function, { operator, wrt, of: made.function.key });
      return { kind: "closure", function: applied, captures: made.captures, span, results };
    }
    if (made?.kind !== "global" || made.functionKey === undefined) return undefined;
    const file = made.file === "" ? callee.file : made.file;
    if (composed !== undefined) {
      const of = program.lower(made.functionKey);
      return literal(op, { of, span, named: { key: made.functionKey, text: made.text, file } }, composed, wrt, []);
    }
    if (operator === undefined) return undefined;
    const options = wrt === "" ? "" : `, { wrt: ${wrt} }`;
    return {
      kind: "global",
      text: `${callee.text}(${made.text}${options})`,
      file,
      functionKey: applicationKey({ operator, wrt, of: made.functionKey }),
      span,
      results,
    };
  };
  /** An operator written out; the call stays, with the reason, where it cannot be. */
  const literal = (op: CallOp, target: Target, name: Composition, wrt: string, captures: readonly Value[]): Op => {
    const { callee, span, results } = op;
    const made = composition(program, target, name, wrt);
    if (!("message" in made)) return { kind: "closure", function: made, captures, span, results };
    return { ...op, callee: { ...callee, operator: { name, wrt, refusal: made } } as CallOp["callee"] };
  };
  /** Operators in the body of a literal that is not copied in. */
  const within = (op: ClosureOp): Op | undefined => {
    if (op.function.gradientOf !== undefined || op.derivative !== undefined) return undefined;
    const captured = op.function.captures.flatMap((c, i) => {
      const made = definitions.get(op.captures[i] as Value);
      return made === undefined ? [] : [[c, made] as const];
    });
    const inner = resolveOperators(op.function, program, apply, new Map(captured));
    return inner === op.function ? undefined : { ...op, function: inner };
  };
  /** A call of what an operator made of a named function. */
  const byName = (op: CallOp): Op | undefined => {
    const made = op.callee.kind === "value" ? definitions.get(op.args[0] as Value) : undefined;
    if (made?.kind !== "global" || made.functionKey === undefined) return undefined;
    if (applicationOf(made.functionKey) === undefined || op.spread?.some(Boolean) === true) return undefined;
    const { spread: _, ...plain } = op;
    const callee = { kind: "known", key: made.functionKey, text: made.text, file: made.file } as const;
    return { ...plain, callee, args: op.args.slice(1) };
  };
  const body = region(fn.body);
  return changed ? { ...fn, body } : fn;
}
