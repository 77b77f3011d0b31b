/** The type of the tangent of a value, computed by the type system so that `grad.layers[0].weight` completes. */
import type { AnyFunction, Leaf, Manifold, manifold } from "../protocol/index.ts";
import type { int, noDerivative } from "./brands.ts";

type AnyConstructor = abstract new (...args: never) => unknown;

/** Objects without differentiable content whose public properties (`size`, `byteLength`) must not look like any. */
type Opaque =
  | AnyFunction
  | AnyConstructor
  | Date
  | RegExp
  | Error
  | Promise<unknown>
  | ReadonlySet<unknown>
  | WeakMap<never, unknown>
  | WeakSet<never>
  | ArrayBuffer
  | SharedArrayBuffer
  | DataView
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

type IsAny<T> = 0 extends 1 & T ? true : false;

type IsBranded<T> = typeof noDerivative extends keyof T ? true : typeof int extends keyof T ? true : false;

type FloatArray = Float32Array | Float64Array;

/** Whether one branch of a union, looked at one level deep only, has a tangent. */
type HasTangentBranch<T> = T extends unknown
  ? IsBranded<T> extends true
    ? false
    : T extends number
      ? true
      : T extends FloatArray | ReadonlyMap<any, any>
        ? true
        : T extends Opaque
          ? false
          : T extends object
            ? true
            : false
  : never;

/** Whether a field or parameter of type `T` has an entry in a tangent (one level deep: recursive types stay finite). */
export type HasTangent<T> = IsAny<T> extends true ? true : true extends HasTangentBranch<T> ? true : false;

/**
 * The tangent of `T`: a number for a number, the leaf's own tangent for a leaf, the same structure for arrays, tuples,
 * Maps and typed float arrays, and for objects an object of their differentiable public fields. A non-differentiable
 * slot of a tuple or branch of a union has the tangent `undefined`.
 */
export type TangentVector<T> = IsAny<T> extends true ? T : TangentBranch<T>;

type TangentBranch<T> = T extends unknown
  ? IsBranded<T> extends true
    ? undefined
    : T extends number
      ? number
      : T extends { readonly [manifold]: Manifold<never, infer V> }
        ? V
        : T extends Leaf<infer V>
          ? V
          : T extends Float32Array
            ? Float32Array
            : T extends Float64Array
              ? Float64Array
              : T extends ReadonlyMap<infer K, infer V> // before Opaque: a Map also has the methods of a Set
                ? Map<K, TangentVector<V>>
                : T extends Opaque
                  ? undefined
                  : T extends readonly unknown[]
                    ? ArrayTangent<T>
                    : T extends object
                      ? StructTangent<T>
                      : undefined
  : never;

type ArrayTangent<T extends readonly unknown[]> = { -readonly [K in keyof T]: TangentVector<T[K]> };

type StructTangent<T> = {
  -readonly [K in keyof T as K extends string | number
    ? HasTangent<T[K]> extends true
      ? K
      : never
    : never]: TangentVector<T[K]>;
};
