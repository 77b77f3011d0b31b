/** Parameters on which a function's result does not depend, so that derivatives with respect to them are always zero. */
import { activity, type Summaries } from "../analysis/index.ts";
import { type HirFunction, type Value, walk } from "../hir/index.ts";

/**
 * Positions in `mask`. A parameter whose derivative the program stops on purpose (`withoutDerivative`) is not meant, and
 * neither is one whose name begins with an underscore.
 */
export function independent(fn: HirFunction, mask: string, summaries: Summaries): number[] {
  const [result] = fn.body.results;
  // What a gradient depends on does not stand in its operations.
  if (result === undefined || fn.gradientOf !== undefined) return [];
  return fn.params.flatMap((p, i) => {
    if (mask[i] !== "1" || p.name?.startsWith("_") === true) return [];
    const alone = activity(fn, fn.params.map((_, k) => (k === i ? "1" : "0")).join(""), summaries);
    return alone.varied(result) || isStopped(fn, alone.varied) ? [] : [i];
  });
}

function isStopped(fn: HirFunction, varied: (v: Value) => boolean): boolean {
  let stopped = false;
  walk(fn.body, (op) => {
    if (op.kind === "call" && op.callee.kind === "inert" && op.callee.stops === true) stopped ||= op.args.some(varied);
  });
  return stopped;
}
