/** How the walkers learn which slots of a by-reference value are differentiable. */

/** "v" by value, "r" by reference, "u" decided from the value, "-" not differentiable. */
export type Kind = "v" | "r" | "u" | "-";

/**
 * What the compiler knows statically about a type. A shape may be cyclic (a recursive type). A letter says no more
 * than the kind; `fields` lists the differentiable fields of an object type (all others have none); `items` is the
 * element of an array, Map or record; `tuple` has one shape per slot.
 */
export type Shape =
  | Kind
  | { readonly fields: Readonly<Record<string, Shape>> }
  | { readonly items: Shape }
  | { readonly tuple: readonly Shape[] };

/** `Class[Symbol.for("pullback.struct")]`, attached by the compiler to every class with differentiable fields. */
export interface StructDescriptor {
  /** The differentiable fields, inherited and private ones included; `#x` stands under "x". */
  readonly fields: Readonly<Record<string, Shape>>;
  /** For classes with `#` fields: read, write and copy through the class body. Absent: ordinary properties. */
  get?(object: object, field: string): unknown;
  set?(object: object, field: string, value: unknown): void;
  /** A shallow copy, `#` fields included. */
  clone?(object: object): object;
}
