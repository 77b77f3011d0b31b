/** Optimisations over HIR. */
import { type HirFunction, passed } from "../hir/index.ts";
import { eliminateDeadCode } from "./dce.ts";
import { simplify } from "./simplify.ts";
import { settleSlots } from "./slots.ts";

export function optimize(fn: HirFunction): HirFunction {
  const { body } = passed("differentiation", fn);
  const settled = simplify(settleSlots(simplify(eliminateDeadCode(body))));
  // What was read, cleared and written back is seen to be that only when the sum with the zero has gone.
  return passed("optimization", { ...fn, body: eliminateDeadCode(settleSlots(settled)) });
}

export { borrowStacks } from "./borrowed.ts";
export { useCursors } from "./cursors.ts";
export { type Appetite, inlineCalls } from "./inline.ts";
export { shareLoads } from "./loads.ts";
export { insertReleases, type Role } from "./releases/index.ts";
export { caughtValue, settle } from "./settle.ts";
export { simplify } from "./simplify.ts";
export { unrollLoops } from "./unroll.ts";
