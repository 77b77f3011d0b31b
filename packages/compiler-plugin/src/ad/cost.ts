/** Rough costs in nanoseconds: of an operation done again, of a value pushed on a stack and read back. */
import type { Op } from "../hir/index.ts";

const transcendental = new Set([
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "atan2",
  "exp",
  "expm1",
  "log",
  "log1p",
  "log2",
  "log10",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
  "pow",
  "cbrt",
  "hypot",
]);

/** Infinity for what must not or cannot be done twice. */
export function recomputing(op: Op): number {
  switch (op.kind) {
    case "prim":
      return op.op === "/" ? 3 : op.op === "%" ? 5 : op.op === "**" ? 15 : 1;
    case "math":
      return transcendental.has(op.fn) ? 12 : op.fn === "sqrt" ? 4 : 1.5;
    case "load":
      return 1.5;
    case "closure":
      return op.derivative === undefined ? 2 : Number.POSITIVE_INFINITY;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

export const stackEntry = 8;
/** How much more often a loop's body runs than what is around it. */
export const loopFactor = 10;
