/**
 * The short way for functions of a few numbers and leaves: no shadows, no argument lists, so that the operator costs
 * little more than the derivative itself.
 */
import { type Any, roundedLeaf } from "../protocol/index.ts";
import { requireScalar } from "./seed.ts";
import { type Plan, zeroOf } from "./sweep.ts";

type Joint = { value: Any; cotangents: Any };

/**
 * `finish(joint result, gradient)` behind one call of the joint form with gradient's cotangent 1; undefined where the
 * plan has by-reference parameters, an order of its own, more than six parameters or no joint form.
 */
export function direct<R>(plan: Plan, finish: (value: Any, gradient: Any) => R): ((...args: Any[]) => R) | undefined {
  const { carried, code, arity, byValue, withShadow, selected, bare, gradientDtype } = plan;
  const joint = code.joint?.bind(code) as ((...args: Any[]) => Joint) | undefined;
  const plain = withShadow.length === 0 && !carried.rest && carried.registered === undefined;
  const inOrder = selected.length === byValue.length && selected.every((p, i) => p === byValue[i]);
  if (joint === undefined || !plain || !inOrder) return undefined;
  const count = byValue.length;
  const [first] = byValue as [number];
  /** Zeros for what received no cotangent, leaves in the precision to report; `absent` finds the argument. */
  const result = ({ value, cotangents }: Joint, absent: (p: number) => Any) => {
    if (typeof value !== "number") requireScalar(value);
    if (count === 1) {
      const found = typeof cotangents === "number" ? cotangents : leaving(cotangents, absent(first));
      return finish(value, bare ? found : [found]);
    }
    for (let i = 0; i < count; i++)
      if (typeof cotangents[i] !== "number") cotangents[i] = leaving(cotangents[i], absent(byValue[i] as number));
    return finish(value, cotangents);
  };
  const leaving = (cotangent: Any, argument: Any) =>
    roundedLeaf(cotangent ?? zeroOf(argument), argument, gradientDtype);
  switch (arity) {
    case 1:
      return (a) => result(joint(a, 1), () => a);
    case 2:
      return (a, b) => result(joint(a, b, 1), (p) => (p === 0 ? a : b));
    case 3:
      return (a, b, c) => result(joint(a, b, c, 1), (p) => [a, b, c][p]);
    case 4:
      return (a, b, c, d) => result(joint(a, b, c, d, 1), (p) => [a, b, c, d][p]);
    case 5:
      return (a, b, c, d, e) => result(joint(a, b, c, d, e, 1), (p) => [a, b, c, d, e][p]);
    case 6:
      return (a, b, c, d, e, f) => result(joint(a, b, c, d, e, f, 1), (p) => [a, b, c, d, e, f][p]);
    default:
      return undefined;
  }
}
