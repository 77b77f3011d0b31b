/** Finding the derivative that a function carries, and what to say when it carries none. */
import { PullbackError } from "../errors.ts";
import { type Any, type AnyFunction, abiVersion, type Derivative, derivative } from "../protocol/index.ts";
import { mathDerivative } from "./math.ts";
import { setUpSteps } from "./set-up.ts";

/** Attaches a derivative to a function, class or getter; a registered derivative stays in force. Returns the target. */
export function attach<F extends AnyFunction | object>(target: F, carried: Derivative): F {
  if (ownDerivative(target)?.registered === undefined) {
    Object.defineProperty(target, derivative, { value: carried, configurable: true, writable: true });
  }
  return target;
}

/** Attaches a derivative to a function just created (a closure), by plain assignment because that is fast. */
export function carry<F extends AnyFunction>(fn: F, carried: Derivative): F {
  (fn as Any)[derivative] = carried;
  return fn;
}

/** The derivative that `target` itself carries: a subclass does not inherit its base constructor's. */
function ownDerivative(target: object): Derivative | undefined {
  return Object.hasOwn(target, derivative) ? (target as Any)[derivative] : undefined;
}

/** The derivative of a function, or undefined: carried, or for `Math.*` from the built-in table. */
export function derivativeOf(fn: AnyFunction | object): Derivative | undefined {
  const found = ownDerivative(fn) ?? mathDerivative(fn);
  if (found !== undefined && found.abi !== abiVersion) {
    throw new PullbackError(
      `The derivative of ${found.name} has ABI version ${found.abi}; this copy of @pullback/autodiff reads ${abiVersion}.`,
      {
        code: "PB9002",
        hint: "Compile the package that defines it again with the same version of Pullback, or align the versions.",
      },
    );
  }
  return found;
}

const compiledFlag = Symbol.for("pullback.compiled");

/** Called by every compiled module: the compiler is at work in this program. */
export function compiled(): void {
  (globalThis as Any)[compiledFlag] = true;
}

/** The derivative of a function, or an error that says why there is none. */
export function requireDerivative(fn: unknown): Derivative {
  if (typeof fn !== "function") {
    throw new PullbackError(`A function was expected, but this is ${fn === null ? "null" : `of type ${typeof fn}`}.`, {
      code: "PB3005",
      hint: "Differential operators take the function to differentiate: gradient(f)(x), not gradient(f(x)).",
    });
  }
  const found = derivativeOf(fn as AnyFunction);
  if (found !== undefined) return found;
  const name = fn.name === "" ? "an anonymous function" : `"${fn.name}"`;
  if ((globalThis as Any)[compiledFlag] !== true) {
    throw new PullbackError(`Cannot differentiate ${name}: the Pullback compiler has not run on this program.`, {
      code: "PB9001",
      hint: setUpSteps(),
    });
  }
  throw new PullbackError(`Cannot differentiate ${name}: this function value carries no derivative.`, {
    code: "PB3004",
    hint:
      "Give the parameter, field or variable that holds it the type DifferentiableFunction<…>, wrap it in differentiable(…) " +
      "where it is defined, or give it a derivative with registerDerivative(…). If its file is not compiled by Pullback " +
      "(plain JavaScript, or a package that ships no derivatives), that is why.",
  });
}
