/**
 * The short way for functions of a few numbers and leaves: no shadows, no argument lists, so that the operator costs
 * little more than the derivative itself.
 */
import type { Any } from "../protocol/index.ts";
import { requireScalar } from "./seed.ts";
import { type Plan, zeroOf } from "./sweep.ts";

type Joint = { value: Any; cotangents: Any };

/**
 * `finish(joint result, gradient)` behind one call of the joint form with gradient's cotangent 1; undefined where the
 * plan has by-reference parameters, a subset or order of its own, or no joint form.
 */
export function direct<R>(plan: Plan, finish: (value: Any, gradient: Any) => R): ((...args: Any[]) => R) | undefined {
  const { carried, code, arity, byValue, withShadow, selected, bare } = plan;
  const joint = code.joint?.bind(code) as ((...args: Any[]) => Joint) | undefined;
  const plain = withShadow.length === 0 && !carried.rest && byValue.length === arity;
  const inOrder = selected.length === arity && selected.every((p, i) => p === i);
  if (joint === undefined || !plain || !inOrder || (bare && arity !== 1)) return undefined;
  const result = ({ value, cotangents }: Joint, a: Any, b?: Any, c?: Any) => {
    if (typeof value !== "number") requireScalar(value);
    if (bare) return finish(value, cotangents ?? zeroOf(a));
    const list = arity === 1 ? [cotangents] : cotangents;
    if (list[0] === undefined) list[0] = zeroOf(a);
    if (arity > 1 && list[1] === undefined) list[1] = zeroOf(b);
    if (arity > 2 && list[2] === undefined) list[2] = zeroOf(c);
    return finish(value, list);
  };
  if (arity === 1) return (a) => result(joint(a, 1), a);
  if (arity === 2) return (a, b) => result(joint(a, b, 1), a, b);
  if (arity === 3) return (a, b, c) => result(joint(a, b, c, 1), a, b, c);
  return undefined;
}
