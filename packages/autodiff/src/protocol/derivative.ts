/**
 * The derivative that travels with a function: the binary interface between generated code, libraries and the
 * operators. `docs/internals/derivatives-at-run-time.md` explains it.
 */
import type { Shape } from "./struct.ts";

export type Any = any;

export type AnyFunction = (...args: Any[]) => Any;

export const abiVersion = 1;

/** `fn[Symbol.for("pullback.derivative")]`. */
export interface Derivative {
  readonly abi: 1;
  /** The function's name, for messages. */
  readonly name: string;
  /** One letter per parameter, the receiver first for methods: "v" by value, "r" by reference, "u" unknown, "-" none. */
  readonly kinds: string;
  /** Code by activity mask: one "1" or "0" per parameter, the receiver first. */
  readonly variants: Readonly<Record<string, VariantForms>>;
  /** What the compiler knows about each parameter's type, where the value alone would not tell; holes mean "u". */
  readonly shapes?: readonly (Shape | undefined)[] | undefined;
  /** What the compiler knows about the result's type. */
  readonly resultShape?: Shape | undefined;
  /** It may throw after it has written into what it was given or captured: a call in a `try` goes to its settled form. */
  readonly changesFirst?: boolean | undefined;
  /** For closures: the derivative of that form, made when it is first asked for. */
  readonly settled?: (() => Derivative) | undefined;
  /** The last parameter is a rest parameter: variants take it as one array. */
  readonly rest?: boolean | undefined;
  /** The first letter of `kinds` stands for the receiver (`this`). */
  readonly receiver?: boolean | undefined;
  /** For carriers made at run time: makes the variant of a mask that `variants` lacks (called once per mask). */
  readonly derive?: ((mask: string) => Variant | undefined) | undefined;
  /** The same for forward mode. */
  readonly deriveJvp?: ((mask: string) => Jvp | undefined) | undefined;
  /** Derivatives of what operators make of the function, by operator and `wrt`: "gradient", "gradient 0", "derivative". */
  readonly operators?: Readonly<Record<string, Derivative>> | undefined;
  /** For closures: the by-reference values it captured (`checkpoint` saves and restores them). */
  readonly environment?: (() => readonly unknown[]) | undefined;
  /** Set by registerDerivative instead of variants. */
  readonly registered?: RegisteredDerivative | undefined;
}

/** Value and tangent of a result at once; the tangent of a by-reference result is a shadow, of a leaf possibly `undefined`. */
export type Jvp = (...args: Any[]) => { readonly value: Any; readonly tangent: Any };

/** The code of one function for one activity mask. */
export interface Variant {
  /** Arguments (receiver first), then one shadow per parameter whose kind is r or u and whose mask bit is 1. */
  forward(...args: Any[]): Frame;
  /**
   * Cotangents of the by-value (v, u) active parameters, in order: a bare value when there is exactly one such
   * parameter, else an array. Shadows are updated in place. May be called again on the same frame.
   */
  backward(frame: Any, cotangent: Any): Any;
  /** Both sweeps at once: forward's arguments, then the cotangent of the result. */
  joint?: ((...args: Any[]) => { value: Any; cotangents: Any }) | undefined;
  /**
   * Forward mode: forward's arguments without the shadows, then one tangent per active parameter: a number, a leaf
   * (`undefined` is zero), or a shadow that holds the tangent of a by-reference value and follows what is written into it.
   */
  jvp?: Jvp | undefined;
  /** One "1" or "0" per parameter: whether the function writes into what the argument holds. Absent: it writes nothing. */
  readonly mutates?: string | undefined;
}

/** What a compiled variant offers: only the forms that the program asks for (`joint` for gradients, the two sweeps elsewhere). */
export type VariantForms = Partial<Variant>;

/** What a forward function leaves for its backward function. */
export interface Frame {
  readonly value: Any;
  /** Of a by-reference (or unknown) result: the caller accumulates its cotangent here before calling backward. */
  readonly shadow?: Any;
  /** The frame keeps its value, and all leaves that backward needs, alive until it is dropped: these, and frames that do. */
  readonly held?: readonly Any[] | undefined;
}

export type Wrt = "this" | number;

/** A derivative given by hand. */
export interface RegisteredDerivative {
  vjp(...args: Any[]): { value: Any; pullback: (cotangent: Any, needs?: readonly boolean[]) => Any };
  readonly jvp?: ((...args: Any[]) => { value: Any; differential: (...tangents: Any[]) => Any }) | undefined;
  /** Positions among vjp's arguments (receiver first, so a method's first parameter is 1), in the order of the pullback's results. */
  readonly positions: readonly number[];
  /** Every argument of a call counts, however many there are; the pullback always returns an array. */
  readonly variadic?: boolean | undefined;
  /** As given, or filled in from the target's arity. */
  readonly wrt: readonly Wrt[];
  /** Whether the first argument of vjp is the receiver. */
  readonly receiver: boolean;
  readonly effects: "none" | "random" | "state";
  readonly retains: boolean;
}
