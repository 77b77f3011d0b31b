/** `registerDerivative`: a derivative given by hand, for any function, method, constructor or getter. */
import { PullbackError } from "../errors.ts";
import {
  type Any,
  type AnyFunction,
  type Derivative,
  derivative,
  type RegisteredDerivative,
  type Wrt,
} from "../protocol/index.ts";
import type { DerivativeRule, ParametersOf } from "../types/index.ts";

/** A constructor as a registration target. */
type AnyClass = abstract new (...args: Any[]) => Any;

/** The getter function of an accessor, as a registration target. */
export type Getter<Self, Value> = (this: Self) => Value;

/**
 * Registers the derivative of `target`, which is a function, `Class.prototype.method`, a class (its constructor) or
 * `getter(Class, "name")`. The rule's `vjp` takes the receiver first for methods and getters, then the arguments, and
 * returns the value and its pullback; `pullback(cotangent, needs)` returns one cotangent per entry of `wrt` (bare when
 * there is one entry), `undefined` for zero and wherever `needs[i] === false`.
 *
 * Throws PB3006 when the target already has a registered derivative, PB3015 when the rule has neither, PB3007 when `wrt` names a parameter twice or a
 * receiver that is not there.
 */
export function registerDerivative<F extends AnyFunction, Self>(
  target: F,
  // First, because `wrt` tells a method's rule before the parameters of its function literals are given types.
  rule: DerivativeRule<[self: Self, ...ParametersOf<F>], ReturnType<F>> & { wrt: readonly ["this", ...number[]] },
): void;
export function registerDerivative<F extends AnyFunction>(
  target: F,
  rule: DerivativeRule<ParametersOf<F>, ReturnType<F>>,
): void;
export function registerDerivative<F extends AnyFunction, Self>(
  target: F,
  rule: DerivativeRule<[self: Self, ...ParametersOf<F>], ReturnType<F>>,
): void;
export function registerDerivative<C extends AnyClass>(
  target: C,
  rule: DerivativeRule<ConstructorParameters<C>, InstanceType<C>>,
): void;
export function registerDerivative(target: Any, rule: DerivativeRule<Any, Any>): void {
  if (typeof target !== "function") {
    throw new PullbackError(`registerDerivative's target must be a function, but this is of type ${typeof target}.`, {
      code: "PB3008",
      hint: 'Pass a function, Class.prototype.method, a class, or getter(Class, "name").',
    });
  }
  const existing: Derivative | undefined = Object.hasOwn(target, derivative) ? target[derivative] : undefined;
  if (existing?.registered !== undefined) {
    throw new PullbackError(`A derivative of "${target.name}" is already registered.`, {
      code: "PB3006",
      hint: "A function has one derivative in a program: remove one of the two registrations.",
    });
  }
  if (rule.vjp === undefined && rule.jvp === undefined) {
    throw new PullbackError(`The rule registered for "${target.name}" has neither a vjp nor a jvp.`, {
      code: "PB3015",
      hint: "Give vjp: (…) => ({ value, pullback }) for reverse mode, jvp: (…) => ({ value, differential }) for forward mode.",
    });
  }
  const { wrt, receiver, arity } = resolveParameters(target, rule);
  const positions = wrt.map((entry) => (entry === "this" ? 0 : receiver ? entry + 1 : entry));
  const registered: RegisteredDerivative = {
    vjp: rule.vjp ?? withoutReverse(target.name),
    jvp: rule.jvp,
    positions,
    wrt,
    receiver,
    effects: rule.effects ?? "none",
    retains: rule.retains ?? false,
  };
  const kinds = Array.from({ length: Math.max(arity, ...positions.map((p) => p + 1)) }, (_, i) =>
    positions.includes(i) ? "u" : "-",
  );
  const carried: Derivative = { abi: 1, name: target.name, kinds: kinds.join(""), variants: {}, receiver, registered };
  Object.defineProperty(target, derivative, { value: carried, configurable: true, writable: true });
}

/** Stands for the vjp of a rule for forward mode alone. */
const withoutReverse = (name: string) => (): never => {
  throw new PullbackError(`The registered derivative of "${name}" has no reverse mode.`, {
    code: "PB3015",
    hint: "Give its registration a vjp: registerDerivative(f, { vjp: (x, y) => ({ value, pullback: (ct) => [ … ] }), jvp }).",
  });
};

/**
 * Whether the target is a method, and its `wrt`. Types are gone at run time, so without an explicit `wrt` every
 * parameter counts, and a rule that takes one parameter more than its target takes the receiver first.
 */
function resolveParameters(
  target: AnyFunction,
  rule: DerivativeRule<Any, Any>,
): { wrt: readonly Wrt[]; receiver: boolean; arity: number } {
  const taken = (rule.vjp ?? rule.jvp)?.length ?? 0;
  const receiver =
    getters.has(target) ||
    rule.wrt?.includes("this") === true ||
    (!isClass(target) && taken > target.length && isMethod(target));
  const arity = Math.max(taken, target.length + (receiver ? 1 : 0));
  const wrt: readonly Wrt[] =
    rule.wrt ?? Array.from({ length: arity }, (_, i): Wrt => (receiver ? (i === 0 ? "this" : i - 1) : i));
  if (
    new Set(wrt).size !== wrt.length ||
    wrt.some((entry) => entry !== "this" && !(Number.isInteger(entry) && entry >= 0))
  ) {
    throw new PullbackError(`wrt of the derivative of "${target.name}" is [${wrt.join(", ")}].`, {
      code: "PB3007",
      hint: 'List each differentiable parameter once by its position, counted from 0; the receiver is "this".',
    });
  }
  return { wrt, receiver, arity };
}

/** Concise methods have no `prototype` property; neither have arrows, which the parameter count tells apart. */
const isMethod = (target: AnyFunction) => !Object.hasOwn(target, "prototype");

const isClass = (target: AnyFunction) => /^class\b/.test(Function.prototype.toString.call(target));

/** Getters handed out by `getter`: registered with the receiver first whatever their parameter count. */
const getters = new WeakSet<AnyFunction>();

/**
 * The getter function of an accessor property, to register its derivative: `registerDerivative(getter(Vec, "length"), …)`.
 * Throws PB3008 when the class has no such accessor.
 */
export function getter<Instance, K extends keyof Instance & string>(
  type: abstract new (...args: Any[]) => Instance,
  name: K,
): Getter<Instance, Instance[K]> {
  for (
    let prototype = type.prototype;
    prototype !== null && prototype !== undefined;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
    if (get !== undefined) {
      getters.add(get);
      return get;
    }
  }
  throw new PullbackError(`${type.name} has no getter "${name}".`, {
    code: "PB3008",
    hint: "Fields need no derivative; for a method pass Class.prototype.method.",
  });
}
