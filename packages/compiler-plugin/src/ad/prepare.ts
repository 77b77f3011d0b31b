/** What happens to a function before it is differentiated: rest arguments become arrays, small callees are copied in, equal values and reads are shared. */
import { aliases, type Summaries } from "../analysis/index.ts";
import {
  arrayOf,
  type HirFunction,
  type Ids,
  mapOp,
  type Op,
  type Program,
  passed,
  type Region,
  undefinedType,
  type Value,
} from "../hir/index.ts";
import { type Appetite, inlineCalls, shareLoads, simplify, unrollLoops } from "../opt/index.ts";
import { resolveOperators } from "./applications.ts";
import { applied } from "./operators.ts";

export function prepare(
  fn: HirFunction,
  program: Program,
  ids: Ids,
  summaries: Summaries,
  appetite: Appetite = "small",
): HirFunction {
  // A gradient's operations are never differentiated: it goes by what it is the gradient of.
  if (fn.gradientOf !== undefined) return fn;
  const inlined = passed("inlining", inlineCalls(resolveOperators(fn, program, applied), program, ids, appetite));
  const whole = simplify(packRest(inlined.body, program, ids));
  const packed = passed("unrolling", { ...inlined, body: simplify(unrollLoops(whole, ids)) });
  return passed("sharing", shareLoads(packed, aliases(packed, summaries)));
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
