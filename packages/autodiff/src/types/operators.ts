/** The types of the differential operators' arguments and results. */
import type { AnyFunction, GradientDType, Leaf } from "../protocol/index.ts";
import type { HasTangent, TangentVector } from "./tangent-vector.ts";

/** Which parameters to differentiate with respect to: a position gives a bare tangent, a list a tuple. */
export interface WrtOption<W extends number | readonly number[]> {
  readonly wrt: W;
}

/** How the operators of reverse mode report cotangents. */
export interface PrecisionOption {
  /** "float32" keeps the cotangents of half-precision leaves in the precision in which they were summed up. */
  readonly gradientDtype?: GradientDType;
}

/** A tuple without its elements that have no tangent. A rest parameter is one entry, an array. */
type Differentiable<P extends readonly unknown[]> = number extends P["length"]
  ? P extends readonly [infer Head, ...infer Tail]
    ? [...Entry<Head>, ...Differentiable<Tail>]
    : P extends readonly [(infer Head)?, ...infer Tail]
      ? readonly unknown[] extends P
        ? [TangentVector<P>]
        : P extends readonly (infer E)[]
          ? E[] extends P
            ? HasTangent<E> extends true
              ? [TangentVector<E>[]]
              : []
            : [...Entry<Exclude<Head, undefined>>, ...Differentiable<Tail>]
          : []
      : []
  : Required<P> extends readonly [infer Head, ...infer Tail]
    ? [...Entry<Head>, ...Differentiable<Tail>]
    : [];

type Entry<T> = HasTangent<T> extends true ? [TangentVector<T>] : [];

/**
 * One entry per differentiable parameter; a bare tangent when there is just one. One required parameter comes first and
 * asks nothing about its type, so that code generic in the model checks.
 */
export type Gradients<P extends readonly unknown[]> = P extends readonly [unknown]
  ? TangentVector<P[0]>
  : Differentiable<P> extends infer D
    ? D extends readonly [infer Only]
      ? Only
      : D
    : never;

/** The tangents of the chosen parameters. */
export type GradientsWrt<P extends readonly unknown[], W extends number | readonly number[]> = W extends number
  ? TangentVector<Required<P>[W]>
  : { -readonly [K in keyof W]: W[K] extends number ? TangentVector<Required<P>[W[K]]> : never };

// The operators take `F extends CallableFunction`, which has no call signature, and look at it afterwards: a call
// signature there would type the parameters of a function literal from outside and so break `(x: number, k = 2) => …`.

/** `gradient`. */
export interface GradientOperator {
  <F extends CallableFunction>(
    f: F,
    options?: PrecisionOption,
  ): F extends (...args: infer P) => unknown ? (...args: P) => Gradients<P> : never;
  <F extends CallableFunction, const W extends number | readonly number[]>(
    f: F,
    options: WrtOption<W> & PrecisionOption,
  ): F extends (...args: infer P) => unknown ? (...args: P) => GradientsWrt<P, W> : never;
}

/** `valueWithGradient`. */
export interface ValueWithGradientOperator {
  <F extends CallableFunction>(
    f: F,
    options?: PrecisionOption,
  ): F extends (...args: infer P) => infer R ? (...args: P) => { value: R; gradient: Gradients<P> } : never;
  <F extends CallableFunction, const W extends number | readonly number[]>(
    f: F,
    options: WrtOption<W> & PrecisionOption,
  ): F extends (...args: infer P) => infer R ? (...args: P) => { value: R; gradient: GradientsWrt<P, W> } : never;
}

/** `pullback`. */
export interface PullbackOperator {
  <F extends CallableFunction>(
    f: F,
    options?: PrecisionOption,
  ): F extends (...args: infer P) => infer R ? (...args: P) => (cotangent: TangentVector<R>) => Gradients<P> : never;
  <F extends CallableFunction, const W extends number | readonly number[]>(
    f: F,
    options: WrtOption<W> & PrecisionOption,
  ): F extends (...args: infer P) => infer R
    ? (...args: P) => (cotangent: TangentVector<R>) => GradientsWrt<P, W>
    : never;
}

/** `valueWithPullback`. */
export interface ValueWithPullbackOperator {
  <F extends CallableFunction>(
    f: F,
    options?: PrecisionOption,
  ): F extends (...args: infer P) => infer R
    ? (...args: P) => { value: R; pullback: (cotangent: TangentVector<R>) => Gradients<P> }
    : never;
  <F extends CallableFunction, const W extends number | readonly number[]>(
    f: F,
    options: WrtOption<W> & PrecisionOption,
  ): F extends (...args: infer P) => infer R
    ? (...args: P) => { value: R; pullback: (cotangent: TangentVector<R>) => GradientsWrt<P, W> }
    : never;
}

/** The tangent of a function's result for each differentiable parameter; bare when there is just one. */
type DerivativesOf<P extends readonly unknown[], R> = P extends readonly [unknown]
  ? TangentVector<R>
  : Differentiable<P> extends infer D
    ? D extends readonly [unknown]
      ? TangentVector<R>
      : { -readonly [K in keyof D]: TangentVector<R> }
    : never;

type DerivativesWrt<W extends number | readonly number[], R> = W extends number
  ? TangentVector<R>
  : { -readonly [K in keyof W]: TangentVector<R> };

/** One tangent per differentiable parameter, as arguments. */
type TangentArguments<P extends readonly unknown[]> = P extends readonly [unknown]
  ? [tangent: TangentVector<P[0]>]
  : Differentiable<P>;

type TangentArgumentsWrt<P extends readonly unknown[], W extends number | readonly number[]> = W extends number
  ? [tangent: TangentVector<Required<P>[W]>]
  : { -readonly [K in keyof W]: W[K] extends number ? TangentVector<Required<P>[W[K]]> : never };

/** `derivative`. */
export interface DerivativeOperator {
  <F extends CallableFunction>(
    f: F,
  ): F extends (...args: infer P) => infer R ? (...args: P) => DerivativesOf<P, R> : never;
  <F extends CallableFunction, const W extends number | readonly number[]>(
    f: F,
    options: WrtOption<W>,
  ): F extends (...args: infer P) => infer R ? (...args: P) => DerivativesWrt<W, R> : never;
}

/** `valueWithDerivative`. */
export interface ValueWithDerivativeOperator {
  <F extends CallableFunction>(
    f: F,
  ): F extends (...args: infer P) => infer R ? (...args: P) => { value: R; derivative: DerivativesOf<P, R> } : never;
  <F extends CallableFunction, const W extends number | readonly number[]>(
    f: F,
    options: WrtOption<W>,
  ): F extends (...args: infer P) => infer R ? (...args: P) => { value: R; derivative: DerivativesWrt<W, R> } : never;
}

/** `differential`. */
export interface DifferentialOperator {
  <F extends CallableFunction>(
    f: F,
  ): F extends (...args: infer P) => infer R
    ? (...args: P) => (...tangents: TangentArguments<P>) => TangentVector<R>
    : never;
  <F extends CallableFunction, const W extends number | readonly number[]>(
    f: F,
    options: WrtOption<W>,
  ): F extends (...args: infer P) => infer R
    ? (...args: P) => (...tangents: TangentArgumentsWrt<P, W>) => TangentVector<R>
    : never;
}

/** `valueWithDifferential`. */
export interface ValueWithDifferentialOperator {
  <F extends CallableFunction>(
    f: F,
  ): F extends (...args: infer P) => infer R
    ? (...args: P) => { value: R; differential: (...tangents: TangentArguments<P>) => TangentVector<R> }
    : never;
  <F extends CallableFunction, const W extends number | readonly number[]>(
    f: F,
    options: WrtOption<W>,
  ): F extends (...args: infer P) => infer R
    ? (...args: P) => { value: R; differential: (...tangents: TangentArgumentsWrt<P, W>) => TangentVector<R> }
    : never;
}

/** The tangent of an argument as one row of a matrix of derivatives. */
type Row<A> = A extends number ? number : A extends Leaf<infer V> ? V : number[];

/** `jacobian`: nested lists for arrays, one leaf for a leaf as result. */
export type JacobianOperator = <A, R>(
  f: (x: A) => R,
) => (x: A) => R extends number ? Row<A> : R extends Leaf<infer V> ? V : Row<A>[];

/** `hessian`. */
export type HessianOperator = <A, R>(
  f: (x: A) => R,
) => (x: A) => A extends number ? number : A extends Leaf<infer V> ? V : number[][];

/** `hessianVectorProduct`. */
export type HessianVectorProductOperator = <A, R>(f: (x: A) => R) => (x: A, v: TangentVector<A>) => TangentVector<A>;

type Cotangents<A extends readonly unknown[]> =
  | TangentVector<A[number]>
  | undefined
  | readonly (TangentVector<A[number]> | undefined)[];

/** The rule that `registerDerivative` takes: `A` are the arguments of the rule (receiver first), `R` the result. */
export interface DerivativeRule<A extends readonly unknown[], R> {
  /** Reverse mode: the value and its pullback. A rule gives this, `jvp`, or both. */
  vjp?:
    | ((...args: A) => {
        value: R;
        pullback: (cotangent: TangentVector<R>, needs?: readonly boolean[]) => Cotangents<A>;
      })
    | undefined;
  /**
   * Forward mode: the value and its differential, which takes one tangent per entry of `wrt` and returns that of the
   * value. A number's tangent is always a number; that of any other argument which does not vary is `undefined`.
   */
  jvp?: ((...args: A) => { value: R; differential: (...tangents: any[]) => TangentVector<R> | undefined }) | undefined;
  /** Default: every parameter of differentiable type, the receiver included. */
  wrt?: readonly ("this" | number)[] | undefined;
  /** Default "none". A call with an effect is never executed a second time by a reverse sweep. */
  effects?: "none" | "random" | "state" | undefined;
  /** Whether the result or the pullback keeps an argument alive after the pullback is dropped. Default false. */
  retains?: boolean | undefined;
}

export type ParametersOf<F extends AnyFunction> = F extends (this: never, ...args: infer P) => unknown ? P : never;
