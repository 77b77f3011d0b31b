/**
 * Keys of functions that are made of functions: what a differential operator makes of one (`gradient(f)`), and a
 * function's forward-mode code, its *dual*, which takes a tangent beside every active argument. They are functions of
 * the program too.
 */

import type { CallOp, Value } from "./types.ts";

/**
 * Operators whose result is a function with a key, which can be differentiated again. `transposed(f)` takes the arguments
 * of f and a cotangent of its result: `pullback(f)(…args)(cotangent)` in one call.
 */
export const nestable = ["gradient", "valueWithGradient", "derivative", "valueWithDerivative", "transposed"] as const;

export type Nestable = (typeof nestable)[number];

/**
 * What the compiler itself applies to a function that is called in a `try`: the function that never throws, and returns
 * `{ thrown, error, value }` in place of its value. So what was done before something was thrown leaves a record, too.
 */
export const settled = "settled";

/** What an operator is applied to, and with respect to which parameters: "" for all, "0" bare, "[0,2]" a tuple. */
export interface Application {
  readonly operator: Nestable | typeof settled;
  readonly of: string;
  readonly wrt: string;
}

/** The forward-mode code of a function for one activity mask. */
export interface Dual {
  readonly of: string;
  readonly mask: string;
}

/** What the registered derivative of `withDerivative` is known by. */
export const withDerivativeKey = "@pullback/autodiff#withDerivative";

/** `withDerivative(x, change)` of a number: in the reverse sweep, a call of `change` that can be seen. */
export function changesCotangent({ callee, args, results }: CallOp): boolean {
  if (callee.kind !== "registered" || callee.key !== withDerivativeKey || args.length !== 2) return false;
  const isNumber = (v: Value | undefined) => v?.type.kind === "number";
  return isNumber(args[0]) && isNumber(results[0]);
}

const mark = "\u00a7";
const dual = "dual";

/** The key of `operator(f)`, f being the function with key `of`. */
export function applicationKey({ operator, of, wrt }: Application): string {
  return `${of}${mark}${operator}${wrt === "" ? "" : ` ${wrt}`}`;
}

/** What a key made by `applicationKey` says; undefined for every other key. */
export function applicationOf(key: string): Application | undefined {
  const made = split(key);
  return made === undefined || made.by === dual
    ? undefined
    : { operator: made.by as Application["operator"], of: made.of, wrt: made.rest };
}

/** The key of the function that does not throw. */
export const settledKey = (of: string): string => applicationKey({ operator: settled, of, wrt: "" });

/** The key of the function that such a key was made of; undefined for every other key. */
export function settledOf(key: string): string | undefined {
  const made = applicationOf(key);
  return made?.operator === settled ? made.of : undefined;
}

/** The key of a function's forward-mode code. */
export function dualKey({ of, mask }: Dual): string {
  return `${of}${mark}${dual} ${mask}`;
}

/** What a key made by `dualKey` says; undefined for every other key. */
export function dualOf(key: string): Dual | undefined {
  const made = split(key);
  return made?.by === dual ? { of: made.of, mask: made.rest } : undefined;
}

function split(key: string): { of: string; by: string; rest: string } | undefined {
  const at = key.lastIndexOf(mark);
  if (at < 0) return undefined;
  const [by = "", rest = ""] = key.slice(at + 1).split(" ");
  return { of: key.slice(0, at), by, rest };
}

/** How the runtime names it among the operators of a carrier. */
export function applicationName({ operator, wrt }: Application): string {
  return wrt === "" ? operator : `${operator} ${wrt}`;
}
