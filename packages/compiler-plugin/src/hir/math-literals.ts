/** Functions of Math as function literals, which can be differentiated like any other: `(x) => Math.sin(x)`. */
import { buildFunction, type FunctionShape } from "./build.ts";
import { arrayOf, intType, numberType } from "./kinds.ts";
import type { HirFunction, Value } from "./types.ts";

/** What `max`, `min` and `hypot` of no numbers are. */
const variadic = new Map([
  ["max", -Infinity],
  ["min", Infinity],
  ["hypot", 0],
]);

const binary = new Set(["atan2", "pow"]);

/** Not functions of real numbers. */
const without = new Set(["random", "imul", "clz32", "f16round", "sumPrecise"]);

export const hasMathLiteral = (name: string) => !without.has(name);

/** The literal for a function of Math; its parameters are numbers, or the array of a rest parameter. */
export function mathLiteral(
  name: string,
  shape: Omit<FunctionShape, "name" | "params" | "rest" | "kind">,
): HirFunction {
  const start = variadic.get(name);
  const whole = { ...shape, name, kind: "arrow" } as const;
  if (start === undefined) {
    const params = (binary.has(name) ? ["x", "y"] : ["x"]).map((x) => [x, numberType] as const);
    return buildFunction({ ...whole, params }, (b, ...args) => b.math(name, args));
  }
  return buildFunction({ ...whole, params: [["xs", arrayOf(numberType)]], rest: 0 }, (b, ...[xs]) => {
    const list = xs as Value;
    const counted = { start: b.const(0, intType), end: b.length(list), comparison: "<", step: 1 } as const;
    const [best] = b.loop({ initial: [b.const(start)], counted }, (s, i, sum) => [
      s.math(name, [sum as Value, s.load(list, i as Value)]),
    ]);
    return best as Value;
  });
}
