/** Operators as compiled code names them, where the program wrote others that are made of these. */
import type { Any, AnyFunction } from "../protocol/index.ts";
import { requireDerivative } from "../registry/index.ts";
import { again } from "./again.ts";
import { gradient, pullback } from "./reverse.ts";
import type { Options } from "./sweep.ts";

/** `gradient(f)`, or f transposed: the arguments and then a cotangent of the result, to the cotangents of the arguments. */
export function applied(
  operator: "gradient" | "transposed",
  f: AnyFunction,
  wrt?: number | readonly number[],
): AnyFunction {
  const options: Options | undefined = wrt === undefined ? undefined : { wrt };
  if (operator === "gradient") return gradient(f, options as Any) as AnyFunction;
  const made = (...args: Any[]) => (pullback(f, options as Any) as Any)(...args.slice(0, -1))(args[args.length - 1]);
  return again(made, operator, requireDerivative(f), options);
}
