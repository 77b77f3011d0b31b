/**
 * Weak brands: optional properties that no value has. A plain value is assignable to a branded type, and the brand
 * stays visible to the type system (`typeof noDerivative extends keyof T`) and to the compiler.
 */
import type { AnyFunction, Derivative } from "../protocol/index.ts";
import type { derivative } from "../protocol/symbols.ts";

export declare const noDerivative: unique symbol;
export declare const int: unique symbol;

/** A value that differentiation treats as a constant: it has no tangent. Any `T` is assignable. */
export type NoDerivative<T> = (T & { readonly [noDerivative]?: never }) | (T & (null | undefined));

/** A number that counts or indexes: it has no tangent. Any number is assignable. */
export type Int = number & { readonly [int]?: never };

/**
 * A function whose derivative travels with it. Any function of type `F` is assignable: where a parameter, field or
 * return type is a DifferentiableFunction, the compiler attaches the derivative of a function it can see and reports
 * PB3003 for one it cannot.
 */
export type DifferentiableFunction<F extends AnyFunction = AnyFunction> = F & {
  readonly [derivative]?: Derivative | undefined;
};
