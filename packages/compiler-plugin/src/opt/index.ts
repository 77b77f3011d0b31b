/** Optimisations over HIR. */
import type { HirFunction } from "../hir/index.ts";
import { eliminateDeadCode } from "./dce.ts";
import { simplify } from "./simplify.ts";
import { settleSlots } from "./slots.ts";

export function optimize(fn: HirFunction): HirFunction {
  return { ...fn, body: eliminateDeadCode(simplify(settleSlots(simplify(eliminateDeadCode(fn.body))))) };
}

export { type Appetite, inlineCalls } from "./inline.ts";
export { shareLoads } from "./loads.ts";
export { simplify } from "./simplify.ts";
export { unrollLoops } from "./unroll.ts";
