/** Optimisations over HIR. */
import { type HirFunction, passed } from "../hir/index.ts";
import { eliminateDeadCode } from "./dce.ts";
import { simplify } from "./simplify.ts";
import { settleSlots } from "./slots.ts";

export function optimize(fn: HirFunction): HirFunction {
  const { body } = passed("differentiation", fn);
  const better = eliminateDeadCode(simplify(settleSlots(simplify(eliminateDeadCode(body)))));
  return passed("optimization", { ...fn, body: better });
}

export { type Appetite, inlineCalls } from "./inline.ts";
export { shareLoads } from "./loads.ts";
export { simplify } from "./simplify.ts";
export { unrollLoops } from "./unroll.ts";
