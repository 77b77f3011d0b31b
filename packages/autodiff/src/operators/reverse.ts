/** The reverse-mode operators. */
import { type Any, isLeaf } from "../protocol/index.ts";
import { drop, hold } from "../releases/index.ts";
import { accumulate } from "../shadows/index.ts";
import type {
  GradientOperator,
  PullbackOperator,
  ValueWithGradientOperator,
  ValueWithPullbackOperator,
} from "../types/index.ts";
import { again } from "./again.ts";
import { direct } from "./direct.ts";
import { requireScalar, seed } from "./seed.ts";
import { type Call, collect, type Options, type Plan, planFor, planOf, prepare } from "./sweep.ts";

/**
 * The gradient of a function whose result is a number or a leaf of one element: one tangent per differentiable
 * parameter, bare when there is just one. `{ wrt: 0 }` gives the bare tangent of a parameter, `{ wrt: [0, 2] }` a tuple.
 *
 * Throws PB9001 when the compiler never ran, PB3004 when `f` carries no derivative, PB2001 (or the leaf type's own
 * error) when the result is not a scalar, PB4010 when `f` writes into an argument that another argument shares.
 */
export const gradient = ((f: unknown, options?: Options) => {
  const plan = planFor(f, "joint", options);
  const made = direct(plan, (_value, found) => found) ?? ((...args: unknown[]) => sweep(plan, args).gradient);
  return again(made, "gradient", plan.carried, options);
}) as GradientOperator;

/** `gradient` together with the function's value: `{ value, gradient }`. */
export const valueWithGradient = ((f: unknown, options?: Options) => {
  const plan = planFor(f, "joint", options);
  const made =
    direct(plan, (value, found) => ({ value, gradient: found })) ?? ((...args: unknown[]) => sweep(plan, args));
  return again(made, "valueWithGradient", plan.carried, options);
}) as ValueWithGradientOperator;

/** Both sweeps of one call with nothing in between. */
function sweep(planned: Plan, given: readonly unknown[]): { value: Any; gradient: Any } {
  const plan = planOf(planned, given);
  const { code } = plan;
  const call = prepare(plan, given);
  if (code.joint !== undefined) {
    const { value, cotangents } = code.joint(...call.full, 1);
    requireScalar(value);
    return { value, gradient: collect(plan, call, cotangents, false) };
  }
  const frame = code.forward(...call.full);
  const { value } = frame;
  const cotangents = code.backward(frame, seed(value));
  hold(value);
  drop(frame);
  return { value, gradient: collect(plan, call, cotangents, false) };
}

/**
 * The pullback of `f` at a point: `pullback(f)(…args)` is a linear function from a cotangent of the result to one
 * tangent per differentiable parameter. It answers for the point at which it was made and may be called again.
 */
export const pullback = ((f: unknown, options?: Options) => {
  const plan = planFor(f, "split", options);
  return (...args: unknown[]) => valueAndPullback(plan, args).pullback;
}) as PullbackOperator;

/** `pullback` together with the function's value: `{ value, pullback }`. */
export const valueWithPullback = ((f: unknown, options?: Options) => {
  const plan = planFor(f, "split", options);
  return (...args: unknown[]) => valueAndPullback(plan, args);
}) as ValueWithPullbackOperator;

function valueAndPullback(planned: Plan, given: readonly unknown[]): { value: Any; pullback: (cotangent: Any) => Any } {
  const plan = planOf(planned, given);
  const { code } = plan;
  const call: Call = prepare(plan, given);
  const frame = code.forward(...call.full);
  const { value, shadow } = frame;
  return {
    value,
    pullback(cotangent: Any) {
      if (shadow !== undefined && !isLeaf(value)) accumulate(shadow, cotangent, value);
      return collect(plan, call, code.backward(frame, cotangent), true);
    },
  };
}
