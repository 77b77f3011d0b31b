/** The types of the differential operators' arguments and results. */
import type { AnyFunction } from "../protocol/index.ts";
import type { HasTangent, TangentVector } from "./tangent-vector.ts";

/** Which parameters to differentiate with respect to: a position gives a bare tangent, a list a tuple. */
export interface WrtOption<W extends number | readonly number[]> {
  readonly wrt: W;
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

/** One entry per differentiable parameter; a bare tangent when there is just one. */
export type Gradients<P extends readonly unknown[]> =
  Differentiable<P> extends infer D ? (D extends readonly [infer Only] ? Only : D) : never;

/** The tangents of the chosen parameters. */
export type GradientsWrt<P extends readonly unknown[], W extends number | readonly number[]> = W extends number
  ? TangentVector<Exclude<P[W], undefined>>
  : { -readonly [K in keyof W]: W[K] extends number ? TangentVector<Exclude<P[W[K]], undefined>> : never };

/** One argument, required: a function with optional or rest parameters is not one of these. */
export type OneParameter = readonly [unknown];

/** `gradient`. */
export interface GradientOperator {
  <P extends OneParameter, R>(f: (...args: P) => R): (...args: P) => TangentVector<P[0]>;
  <P extends readonly unknown[], R>(f: (...args: P) => R): (...args: P) => Gradients<P>;
  <P extends readonly unknown[], R, const W extends number | readonly number[]>(
    f: (...args: P) => R,
    options: WrtOption<W>,
  ): (...args: P) => GradientsWrt<P, W>;
}

/** `valueWithGradient`. */
export interface ValueWithGradientOperator {
  <P extends OneParameter, R>(f: (...args: P) => R): (...args: P) => { value: R; gradient: TangentVector<P[0]> };
  <P extends readonly unknown[], R>(f: (...args: P) => R): (...args: P) => { value: R; gradient: Gradients<P> };
  <P extends readonly unknown[], R, const W extends number | readonly number[]>(
    f: (...args: P) => R,
    options: WrtOption<W>,
  ): (...args: P) => { value: R; gradient: GradientsWrt<P, W> };
}

/** `pullback`. */
export interface PullbackOperator {
  <P extends OneParameter, R>(
    f: (...args: P) => R,
  ): (...args: P) => (cotangent: TangentVector<R>) => TangentVector<P[0]>;
  <P extends readonly unknown[], R>(
    f: (...args: P) => R,
  ): (...args: P) => (cotangent: TangentVector<R>) => Gradients<P>;
  <P extends readonly unknown[], R, const W extends number | readonly number[]>(
    f: (...args: P) => R,
    options: WrtOption<W>,
  ): (...args: P) => (cotangent: TangentVector<R>) => GradientsWrt<P, W>;
}

/** `valueWithPullback`. */
export interface ValueWithPullbackOperator {
  <P extends OneParameter, R>(
    f: (...args: P) => R,
  ): (...args: P) => { value: R; pullback: (cotangent: TangentVector<R>) => TangentVector<P[0]> };
  <P extends readonly unknown[], R>(
    f: (...args: P) => R,
  ): (...args: P) => { value: R; pullback: (cotangent: TangentVector<R>) => Gradients<P> };
  <P extends readonly unknown[], R, const W extends number | readonly number[]>(
    f: (...args: P) => R,
    options: WrtOption<W>,
  ): (...args: P) => { value: R; pullback: (cotangent: TangentVector<R>) => GradientsWrt<P, W> };
}

type Cotangents<A extends readonly unknown[]> =
  | TangentVector<A[number]>
  | undefined
  | readonly (TangentVector<A[number]> | undefined)[];

/** The rule that `registerDerivative` takes: `A` are the arguments of the rule (receiver first), `R` the result. */
export interface DerivativeRule<A extends readonly unknown[], R> {
  vjp(...args: A): {
    value: R;
    pullback: (cotangent: TangentVector<R>, needs?: readonly boolean[]) => Cotangents<A>;
  };
  jvp?: ((...args: A) => { value: R; differential: (...tangents: any[]) => TangentVector<R> }) | undefined;
  /** Default: every parameter of differentiable type, the receiver included. */
  wrt?: readonly ("this" | number)[] | undefined;
  /** Default "none". A call with an effect is never executed a second time by a reverse sweep. */
  effects?: "none" | "random" | "state" | undefined;
  /** Whether the result or the pullback keeps an argument alive after the pullback is dropped. Default false. */
  retains?: boolean | undefined;
}

export type ParametersOf<F extends AnyFunction> = F extends (this: never, ...args: infer P) => unknown ? P : never;
