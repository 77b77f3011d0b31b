/** How much code a region is. */
import { type Region, regions } from "../hir/index.ts";

/** What a loop counts beyond its operations: the call around it costs less in proportion. */
const loopWeight = 10;

/** Operations, nested ones included. */
export function weight(region: Region): number {
  let sum = 0;
  for (const op of region.ops) {
    if (op.kind !== "const" && op.kind !== "global") sum += 1;
    if (op.kind === "loop") sum += loopWeight;
    for (const r of regions(op)) sum += weight(r);
  }
  return sum;
}
