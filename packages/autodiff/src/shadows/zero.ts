/** Zero shadows: mutable mirrors of by-reference values in which cotangents accumulate. */
import { PullbackError } from "../errors.ts";
import { type Any, isLeaf, type Shape } from "../protocol/index.ts";
import {
  elementShape,
  fieldShape,
  fieldsOf,
  getField,
  holdsNumbers,
  isByReference,
  numberFieldsOf,
  structureOf,
} from "../structure/index.ts";
import { add } from "./accumulate.ts";

/** From this depth on the walk remembers its path, so that a cyclic value is an error and not a stack overflow. */
const watchedDepth = 200;

/**
 * The zero shadow of a by-reference value: numbers 0, leaves `undefined`, by-reference slots their own shadows. An
 * object reachable by two paths gets two shadows, one for each path's cotangent. `undefined` for values that are not
 * by reference. Throws PB2904 for a cyclic value.
 */
export function zeroShadow(value: unknown, shape: Shape = "u"): Any {
  const slot = zeroSlot(value, shape, 0, undefined);
  return slot === 0 ? undefined : slot;
}

function zeroSlot(value: unknown, shape: Shape, depth: number, path: Set<unknown> | undefined): Any {
  if (shape === "-") return undefined;
  const structure = structureOf(value);
  if (structure === "number") return 0;
  if (structure === "none" || structure === "leaf") return undefined;
  if (depth < watchedDepth) return zeroContent(value, structure, shape, depth + 1, undefined);
  const watched = path ?? new Set();
  if (watched.has(value)) {
    throw new PullbackError("Cannot differentiate with respect to a cyclic value: an object contains itself.", {
      code: "PB2904",
      hint: "Give the field that points back (a parent, an owner) the type NoDerivative<…>.",
    });
  }
  watched.add(value);
  const content = zeroContent(value, structure, shape, depth + 1, watched);
  watched.delete(value);
  return content;
}

function zeroContent(value: Any, structure: string, shape: Shape, depth: number, path: Set<unknown> | undefined): Any {
  // Cotangents of single precision accumulate in double; the surface rounds once.
  if (structure === "floats") return new Float64Array(value.length);
  if (structure === "array") return zeroArray(value, shape, depth, path);
  if (structure === "map") {
    const shadow = new Map();
    for (const [key, item] of value) shadow.set(key, zeroSlot(item, elementShape(shape, 0), depth, path));
    return shadow;
  }
  const numbers = numberFieldsOf(shape);
  if (numbers !== undefined && holdsNumbers(value, numbers)) return { ...numbers.zeros };
  const shadow: Record<string, Any> = {};
  for (const field of fieldsOf(value, shape)) {
    const content = getField(value, field);
    const kind = fieldShape(value, field, shape);
    if (kind !== "-" && structureOf(content) !== "none") shadow[field] = zeroSlot(content, kind, depth, path);
  }
  return shadow;
}

function zeroArray(value: readonly unknown[], shape: Shape, depth: number, path: Set<unknown> | undefined): Any[] {
  if (value.length > 0 && isDifferentiableNumbers(value, shape)) return zeroNumbers(value as readonly number[]);
  const shadow: Any[] = [];
  for (let i = 0; i < value.length; i++) shadow.push(zeroSlot(value[i], elementShape(shape, i), depth, path));
  return shadow;
}

function isDifferentiableNumbers(value: readonly unknown[], shape: Shape): boolean {
  if (typeof shape === "object" && ("tuple" in shape || ("items" in shape && shape.items === "-"))) return false;
  for (let i = 0; i < value.length; i++) if (typeof value[i] !== "number") return false;
  return true;
}

/** Zeros in a packed array of doubles, the representation that V8 updates in place without boxing. */
export function zeroNumbers(like: readonly number[]): number[] {
  const zeros = like.slice();
  zeros[0] = 0.5;
  return zeros.fill(0);
}

/** What the slot of a shadow holds for `value`: its shadow when it is by reference, `undefined` for an adjoint. */
export function shadowIn(slot: unknown, value: unknown): Any {
  return typeof value === "function" || isByReference(value) ? slot : undefined;
}

/** What a slot of unknown kind starts with: the shadow of a by-reference value, 0 for a number, `undefined` for a leaf. */
export function slotFor(shadow: unknown, value: unknown): Any {
  if (shadow !== undefined) return shadow;
  return typeof value === "number" ? 0 : undefined;
}

/** The adjoint in a slot of unknown kind, `undefined` where the slot holds a shadow. */
export function adjointIn(slot: unknown): Any {
  return typeof slot === "number" || isLeaf(slot) ? slot : undefined;
}

/** The shadow of a copy of an object by its fields: adjoints start at zero, the shadows of what they point to are shared. */
export function copiedShadow(shadow: Any): Any {
  const copy: Record<string, Any> = {};
  for (const field of Object.keys(shadow ?? {})) copy[field] = slotAfterCopy(shadow[field]);
  return copy;
}

function slotAfterCopy(slot: Any): Any {
  if (typeof slot === "number") return 0;
  return isLeaf(slot) ? undefined : slot;
}

/** Hands the adjoints of a copy on to the object whose fields it copied, but for `taken`, which it got elsewhere. */
export function uncopy(copy: Any, shadow: Any, ...taken: readonly string[]): void {
  for (const field of Object.keys(shadow ?? {})) {
    const d = taken.includes(field) ? undefined : adjointIn(copy[field]);
    if (d === undefined) continue;
    shadow[field] = add(adjointIn(shadow[field]), d);
    copy[field] = slotAfterCopy(d);
  }
}
