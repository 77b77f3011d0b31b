/** What happens to a function before it is differentiated: rest arguments become arrays, small callees are copied in, equal values and reads are shared. */
import { aliases, pointsToMemory, type Summaries, writtenIn } from "../analysis/index.ts";
import {
  arrayOf,
  type ClosureOp,
  type Fault,
  type HirFunction,
  type Ids,
  mapOp,
  type Op,
  type Program,
  passed,
  type Region,
  undefinedType,
  type Value,
  walk,
} from "../hir/index.ts";
import { type Appetite, inlineCalls, shareLoads, simplify, unrollLoops } from "../opt/index.ts";
import { resolveOperators } from "./applications.ts";
import { applied } from "./operators.ts";

const rounds = 6;

export function prepare(
  fn: HirFunction,
  program: Program,
  ids: Ids,
  summaries: Summaries,
  appetite: Appetite = "small",
): HirFunction {
  // A gradient's operations are never differentiated: it goes by what it is the gradient of.
  if (fn.gradientOf !== undefined) return fn;
  let inlined = fn;
  // Copying in a function shows what its own operators are applied to.
  for (let round = 0; round < rounds; round++) {
    const resolved = resolveOperators(inlined, program, applied);
    if (round > 0 && resolved === inlined) break;
    inlined = inlineCalls(resolved, program, ids, appetite);
  }
  inlined = passed("inlining", judged(inlined, summaries));
  const whole = simplify(packRest(inlined.body, program, ids));
  const packed = passed("unrolling", { ...inlined, body: simplify(unrollLoops(whole, ids)) });
  return passed("sharing", shareLoads(packed, aliases(packed, summaries)));
}

/** A pullback or a differential answers for the point where it was made: what it captured must not change. */
function judged(fn: HirFunction, summaries: Summaries): HirFunction {
  const found: ClosureOp[] = [];
  walk(fn.body, (op) => {
    if (op.kind === "closure" && op.function.answersFor !== undefined) found.push(op);
  });
  if (found.length === 0) return fn;
  const alias = aliases(fn, summaries);
  const changes = (c: Value) => pointsToMemory(c.type) && writtenIn(alias.classOf(c));
  const faults = found.flatMap((op): Fault[] => {
    const leaves = alias.escapes(op.results[0] as Value) && op.captures.some((c) => pointsToMemory(c.type));
    if (!leaves && !op.captures.some(changes)) return [];
    return [
      {
        code: "PB3014",
        span: op.span,
        message: `What this ${op.function.name} answers for may change before it is called.`,
        hint: "Call it before changing the arguments, or give it copies: (…)([...xs]).",
      },
    ];
  });
  return faults.length === 0 ? fn : { ...fn, faults: [...(fn.faults ?? []), ...faults] };
}

/** Arguments for a rest parameter stand in one array, as the callee sees them. */
function packRest(region: Region, program: Program, ids: Ids): Region {
  const ops: Op[] = [];
  for (const op of region.ops) {
    const callee = op.kind === "call" && op.callee.kind === "known" ? program.lower(op.callee.key) : undefined;
    if (op.kind !== "call" || callee?.rest === undefined) {
      ops.push(
        mapOp(
          op,
          (v) => v,
          (r) => packRest(r, program, ids),
        ),
      );
      continue;
    }
    const { rest } = callee;
    const elements = op.args.slice(rest);
    const spread = elements.map((_, i) => op.spread?.[rest + i] === true);
    if (op.spread?.slice(0, rest).some(Boolean) === true) {
      ops.push(op);
      continue;
    }
    const front = [...op.args.slice(0, rest)];
    while (front.length < rest) {
      const missing: Value = { id: ids.next++, type: callee.params[front.length]?.type ?? undefinedType };
      ops.push({ kind: "const", value: undefined, span: op.span, results: [missing] });
      front.push(missing);
    }
    const packed: Value = { id: ids.next++, type: callee.params[rest]?.type ?? arrayOf({ kind: "number" }) };
    ops.push({ kind: "array", elements, spread, span: op.span, results: [packed] });
    ops.push({ ...op, args: [...front, packed], spread: [...front.map(() => false), true] });
  }
  return { ...region, ops };
}
