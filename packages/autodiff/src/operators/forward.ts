/** The forward-mode operators. */
import { jvpOf, runOf } from "../dispatch/index.ts";
import { Runs } from "../effects/index.ts";
import { PullbackError } from "../errors.ts";
import { type Any, type AnyFunction, isLeaf, type Jvp } from "../protocol/index.ts";
import { accumulate, tangentOf, zeroShadow, zeroTangent } from "../shadows/index.ts";
import { isByReference } from "../structure/index.ts";
import type {
  DerivativeOperator,
  DifferentialOperator,
  ValueWithDerivativeOperator,
  ValueWithDifferentialOperator,
} from "../types/index.ts";
import { again } from "./again.ts";
import { requireExclusive } from "./exclusive.ts";
import { requireFlat } from "./flat.ts";
import { seed } from "./seed.ts";
import { argumentsOf, type Options, type Selection, selectionOf, shapeOf, zeroOf } from "./sweep.ts";

/** A function prepared for forward mode with respect to some of its parameters. */
export interface Plan extends Selection {
  readonly code: Jvp;
  /** Active parameters in parameter order. */
  readonly active: readonly number[];
}

export function planFor(f: unknown, options?: Options): Plan {
  const selection = selectionOf(f, options);
  const { carried, mask } = selection;
  const active = Array.from(mask).flatMap((bit, p) => (bit === "1" ? [p] : []));
  return { ...selection, code: jvpOf(carried, mask), active };
}

/**
 * The derivative of a function of numbers: the tangent of its result as one parameter moves at unit speed, in forward
 * mode. One tangent per differentiable parameter, bare when there is just one; every one of them must be a number or a
 * leaf with one element. The result may be a number, an array, an object, a leaf. `{ wrt }` chooses as for `gradient`.
 *
 * Throws PB9001 when the compiler never ran, PB3004 or PB3011 when `f` carries no forward-mode derivative, PB2009 when a
 * parameter is neither a number nor such a leaf.
 */
export const derivative = ((f: unknown, options?: Options) => {
  const plan = planFor(f, options);
  const { code, bare, carried } = plan;
  if (bare && carried.kinds === "v") {
    const ofOne = (x: Any) => {
      if (typeof x !== "number") return derivatives(plan, [x]).derivative;
      const { value, tangent } = code(x, 1);
      return typeof value === "number" ? (tangent as number) : finish(plan, value, tangent);
    };
    return again(ofOne, "derivative", carried, options);
  }
  return again((...args: unknown[]) => derivatives(plan, args).derivative, "derivative", carried, options);
}) as DerivativeOperator;

/** `derivative` together with the function's value: `{ value, derivative }`. */
export const valueWithDerivative = ((f: unknown, options?: Options) => {
  const plan = planFor(f, options);
  return again((...args: unknown[]) => derivatives(plan, args), "valueWithDerivative", plan.carried, options);
}) as ValueWithDerivativeOperator;

/** One run per parameter; only the first one's writes stay. */
function derivatives(plan: Plan, given: readonly unknown[]): { value: Any; derivative: Any } {
  const { carried, active, selected, bare } = plan;
  const args = padded(plan, given);
  const units = selected.map((p) => unit(args[p], p, carried.name));
  const run = replayed(plan, args);
  const results = selected.map((p, i) =>
    run(active.map((q) => (q === p ? units[i] : typeof args[q] === "number" ? 0 : undefined))),
  );
  const found = results.map(({ value, tangent }) => finish(plan, value, tangent));
  return { value: results[0]?.value, derivative: bare ? found[0] : found };
}

/** The tangent 1 of an argument. */
function unit(argument: unknown, position: number, name: string): Any {
  if (typeof argument === "number") return 1;
  if (isLeaf(argument)) return seed(argument);
  throw new PullbackError(
    `derivative needs numbers as parameters, but parameter ${position} of "${name}" is of type ${typeof argument}.`,
    {
      code: "PB2009",
      hint: "Use differential(f)(…)(tangent) for one direction, jacobian(f) for all of them, or choose parameters with { wrt }.",
    },
  );
}

/**
 * The differential of `f` at a point: `differential(f)(…args)` is a linear function from one tangent per differentiable
 * parameter to the tangent of the result. It answers for the point at which it was made, and runs `f` again for every
 * tangent: on the arguments and the random state as they were then, its writes to them undone.
 */
export const differential = ((f: unknown, options?: Options) => {
  const plan = planFor(f, options);
  return (...given: unknown[]) => {
    const args = padded(plan, given);
    return linear(plan, args, new Runs(() => args));
  };
}) as DifferentialOperator;

/** `differential` together with the function's value: `{ value, differential }`. */
export const valueWithDifferential = ((f: unknown, options?: Options) => {
  const plan = planFor(f, options);
  const run = runOf(f as AnyFunction, plan.carried);
  return (...given: unknown[]) => {
    const args = padded(plan, given);
    const runs = new Runs(() => args);
    return { value: run(runs, args), differential: linear(plan, args, runs) };
  };
}) as ValueWithDifferentialOperator;

export function linear(plan: Plan, args: readonly unknown[], runs: Runs): (...tangents: Any[]) => Any {
  const { active, selected } = plan;
  return (...tangents) =>
    runs.again(() => {
      // Tangents fit the arguments as they were.
      const shadows = active.map((p) => companion(plan, p, args[p], tangents[selected.indexOf(p)]));
      const { value, tangent } = call(plan, args, shadows);
      return finish(plan, value, tangent);
    });
}

/** Runs the forward-mode code any number of times from one state; what the first run wrote is what remains. */
function replayed(plan: Plan, args: readonly unknown[]): (companions: readonly Any[]) => ReturnType<Jvp> {
  const runs = plan.selected.length > 1 ? new Runs(() => args) : undefined;
  let begun = false;
  return (companions) => {
    const work = () => call(plan, args, companions);
    if (runs === undefined) return work();
    if (begun) return runs.again(work);
    begun = true;
    return runs.first(work);
  };
}

function call({ carried, mask, code }: Plan, args: readonly unknown[], companions: readonly Any[]): ReturnType<Jvp> {
  const mutates = carried.variants[mask]?.mutates;
  if (mutates?.includes("1")) requireExclusive(carried.name, args, mutates);
  const fits = args.length === mask.length;
  return (fits ? code : jvpOf(carried, mask.padEnd(args.length, "0")))(...args, ...companions);
}

/** Arguments as the code takes them; what a registered function is given beyond its parameters goes on to its rule. */
export function padded({ carried }: Plan, given: readonly unknown[]): unknown[] {
  const { kinds, registered, rest } = carried;
  const open = registered !== undefined && rest !== true;
  return argumentsOf(carried, open ? Math.max(kinds.length, given.length) : kinds.length, given);
}

/** A tangent from outside as the code takes it: by-reference values get a shadow of their own, filled with it. */
export function companion(plan: Plan, p: number, argument: unknown, tangent: Any): Any {
  if (!isByReference(argument)) return tangent ?? (typeof argument === "number" ? 0 : undefined);
  requireFlat(argument);
  const shadow = zeroShadow(argument, shapeOf(plan.carried, p));
  accumulate(shadow, tangent);
  return shadow;
}

/** The result's tangent as a value of its own, every zero filled in. */
export function finish({ carried }: Plan, value: Any, tangent: Any): Any {
  if (!isByReference(value)) return tangent ?? zeroOf(value);
  requireFlat(value);
  return tangent === undefined
    ? zeroTangent(value, carried.resultShape)
    : tangentOf(tangent, value, carried.resultShape);
}
