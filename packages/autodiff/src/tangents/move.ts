/** Moving a value along a tangent: in place (`move`) and as a new value (`moved`). */
import { PullbackError } from "../errors.ts";
import { type Any, manifoldOf, roundedLeaf, vectorOf } from "../protocol/index.ts";
import { descriptorOf, fieldShape, fieldsOf, getField, setField, structureOf } from "../structure/index.ts";
import type { TangentVector } from "../types/index.ts";

/**
 * Adds the tangent `t` to `object`, in place: differentiable fields are assigned (readonly ones too), arrays, typed
 * arrays and Maps are updated where they are, and fields without tangent stay untouched. An object reached by two paths
 * (a tie) moves along the tangents of both. Missing entries of `t` are zero.
 *
 * Throws PB2902 for a bare number or leaf, which cannot change in place (use `moved`), PB2903 where `t` has another
 * structure than `object`.
 */
export function move<T>(object: T, t: TangentVector<T>): void {
  const structure = structureOf(object);
  if (structure === "number" || structure === "leaf") {
    throw new PullbackError(
      `move works in place, and a bare ${structure === "number" ? "number" : (object as object).constructor.name} is an immutable value.`,
      {
        code: "PB2902",
        hint: "Use the value that moved(x, t) returns.",
      },
    );
  }
  moveContent(object, t, "");
}

/** The value at `x` moved along `t`: a new value of the same type. Fields without tangent are shared with `x`; ties stay ties. */
export function moved<T>(x: T, t: TangentVector<T>): T {
  const structure = structureOf(x);
  if (structure === "number" || structure === "leaf") return movedLeaf(x, t, "") as T;
  const copy = cloneStructure(x, new Map());
  moveContent(copy, t, "");
  return copy as T;
}

function movedLeaf(value: unknown, t: unknown, path: string): unknown {
  if (t === undefined || t === null) return value;
  if (typeof value === "number") {
    if (typeof t !== "number") throw mismatch(path, "a number", t);
    return value + t;
  }
  if (structureOf(t) !== "leaf") throw mismatch(path, (value as object).constructor.name, t);
  const space = vectorOf(value);
  return space.differentiable?.(value) === false ? value : roundedLeaf(space.add(value, t), value);
}

function moveContent(value: Any, t: Any, path: string): void {
  if (t === undefined || t === null) return;
  const structure = structureOf(value);
  if (structure === "none") return;
  const own = manifoldOf(value);
  if (own !== undefined) {
    own.move(value, t);
    return;
  }
  const at = (key: unknown) => (path === "" ? String(key) : `${path}.${key}`);
  const given = structureOf(t);
  if (given !== structure) throw mismatch(path, structureNames[structure], t);
  if (structure === "floats" || structure === "array") {
    if (t.length !== value.length) throw mismatch(path, `${value.length} elements`, t);
    for (let i = 0; i < value.length; i++) value[i] = movedSlot(value[i], t[i], at(i));
  } else if (structure === "map") {
    for (const [key, item] of value) value.set(key, movedSlot(item, t.get(key), at(key)));
  } else {
    for (const field of fieldsOf(value)) {
      if (fieldShape(value, field) === "-" || t[field] === undefined) continue;
      const content = getField(value, field);
      const next = movedSlot(content, t[field], at(field));
      if (next !== content) setField(value, field, next);
    }
  }
}

function movedSlot(content: unknown, t: unknown, path: string): unknown {
  const structure = structureOf(content);
  if (structure === "number" || structure === "leaf") return movedLeaf(content, t, path);
  moveContent(content, t, path);
  return content;
}

const structureNames = {
  floats: "a typed float array",
  array: "an array",
  map: "a Map",
  struct: "an object",
} as Record<string, string>;

function mismatch(path: string, expected: string | undefined, t: unknown): PullbackError {
  const found =
    t === null || typeof t !== "object"
      ? typeof t
      : Array.isArray(t)
        ? `an array of ${t.length} elements`
        : (t.constructor?.name ?? "an object");
  return new PullbackError(
    `The tangent does not fit the value${path === "" ? "" : ` at ${path}`}: expected ${expected}, found ${found}.`,
    {
      code: "PB2903",
      hint: "Move a value along a tangent of that same value, such as its gradient.",
    },
  );
}

/** A copy of everything by reference that can move; leaves and fields without tangent are shared. */
function cloneStructure(value: unknown, copies: Map<unknown, unknown>): unknown {
  const structure = structureOf(value);
  if (structure === "none" || structure === "number" || structure === "leaf") return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (structure === "floats") return remember((value as Float64Array).slice());
  if (structure === "array") {
    const copy = remember((value as unknown[]).slice()) as unknown[];
    for (let i = 0; i < copy.length; i++) copy[i] = cloneStructure(copy[i], copies);
    return copy;
  }
  if (structure === "map") {
    const copy = remember(new Map(value as Map<unknown, unknown>)) as Map<unknown, unknown>;
    for (const [key, item] of copy) copy.set(key, cloneStructure(item, copies));
    return copy;
  }
  const copy = remember(cloneObject(value as object)) as object;
  for (const field of fieldsOf(copy)) {
    if (fieldShape(copy, field) === "-") continue;
    const content = getField(copy, field);
    const next = cloneStructure(content, copies);
    if (next !== content) setField(copy, field, next);
  }
  return copy;

  function remember(copy: unknown): unknown {
    copies.set(value, copy);
    return copy;
  }
}

function cloneObject(object: object): object {
  const descriptor = descriptorOf(object);
  if (descriptor?.clone !== undefined) return descriptor.clone(object);
  return Object.assign(Object.create(Object.getPrototypeOf(object)), object);
}
