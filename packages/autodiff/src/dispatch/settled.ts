/**
 * Functions that do not throw. What a function changes before it throws leaves no record with its caller, who has no frame;
 * in a `try`, the compiler calls the function's settled form in its place, which returns an outcome whatever happens.
 */
import { PullbackError } from "../errors.ts";
import {
  type Any,
  type AnyFunction,
  abiVersion,
  type Derivative,
  type Frame,
  type Variant,
} from "../protocol/index.ts";
import { attach, requireDerivative } from "../registry/index.ts";
import { isByReference } from "../structure/index.ts";
import { parametersOf } from "./registered.ts";
import { variantOf } from "./variant.ts";

interface Outcome {
  readonly thrown: boolean;
  readonly error: unknown;
  readonly value: Any;
}

const form: unique symbol = Symbol.for("pullback.settled");

/**
 * The settled form of `fn`: the same arguments, to `{ thrown, error, value }`. Compiled code attaches its derivative to it.
 * Throws PB3004 or PB9001 when `fn` carries no derivative.
 */
export function settled(fn: AnyFunction): AnyFunction {
  if (Object.hasOwn(fn, form)) return (fn as Any)[form];
  const made = function (this: unknown, ...args: Any[]): Outcome {
    try {
      return { thrown: false, error: undefined, value: fn.apply(this, args) };
    } catch (error) {
      return { thrown: true, error, value: undefined };
    }
  };
  const carried = requireDerivative(fn);
  const { name, kinds, receiver, rest } = carried;
  const derive = (mask: string) => settledVariant(carried, mask);
  attach(made, carried.settled?.() ?? { abi: abiVersion, name, kinds, receiver, rest, variants: {}, derive });
  Object.defineProperty(fn, form, { value: made, configurable: true });
  return made;
}

interface SettledFrame extends Frame {
  readonly value: Outcome;
  readonly inner: Frame | undefined;
  /** Of each cotangent to return whether it is a number's. */
  readonly numeric: readonly boolean[];
}

/** The settled form of a function that throws, if at all, before it changes anything: then there is nothing to undo. */
function settledVariant(carried: Derivative, mask: string): Variant {
  if (carried.changesFirst === true) {
    throw new PullbackError(
      `"${carried.name}" may throw after it has changed its arguments, and was not compiled to be called in a try.`,
      {
        code: "PB3011",
        hint: "Call it by its name in the try, or through an interface that it implements; or let it throw before it changes anything.",
      },
    );
  }
  const { forward, backward } = variantOf(carried, mask);
  const byValue = parametersOf(mask, carried.kinds, "vu");
  return {
    forward(...args: Any[]): SettledFrame {
      const numeric = byValue.map((p) => typeof args[p] === "number");
      try {
        const inner = forward(...args);
        const { value, shadow } = inner;
        const slot = shadow ?? (typeof value === "number" ? 0 : undefined);
        return {
          value: { thrown: false, error: undefined, value },
          shadow: { value: slot },
          held: [inner],
          inner,
          numeric,
        };
      } catch (error) {
        return { value: { thrown: true, error, value: undefined }, shadow: { value: 0 }, inner: undefined, numeric };
      }
    },
    backward({ inner, shadow, numeric }: SettledFrame): Any {
      if (inner === undefined) {
        const nothing = numeric.map((isNumber) => (isNumber ? 0 : undefined));
        return nothing.length === 1 ? nothing[0] : nothing;
      }
      if (isByReference(inner.value)) return backward(inner, undefined);
      const cotangent = shadow.value;
      shadow.value = typeof inner.value === "number" ? 0 : undefined;
      return backward(inner, cotangent);
    },
  };
}
