/** Adding cotangents, by value and into shadows. */
import { PullbackError } from "../errors.ts";
import { type Any, manifoldOf, vectorOf } from "../protocol/index.ts";
import { getField, structureOf } from "../structure/index.ts";

/** The sum of two cotangents of one by-value slot; `undefined` is zero. */
export function add<T>(a: T | undefined, b: T | undefined): T | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  if (typeof a === "number") return ((a as number) + (b as number)) as T;
  const space = vectorOf(a);
  return space.accumulate === undefined ? space.add(a, b) : space.accumulate(a, b);
}

/**
 * Adds a tangent tree into a shadow, in place. Missing entries of the tangent are zero; what the shadow has no
 * by-reference slot for is dropped, since nobody wants it. `value` is the primal, needed where a type brings its own
 * tangent and the tangent comes from outside.
 */
export function accumulate(shadow: Any, tangent: Any, value?: Any): void {
  if (shadow === undefined || tangent === undefined || tangent === null) return;
  const structure = structureOf(shadow);
  if (structure === "floats") {
    for (let i = 0; i < shadow.length; i++) shadow[i] += tangent[i];
  } else if (structure === "array") {
    const n = Math.min(shadow.length, tangent.length);
    for (let i = 0; i < n; i++) shadow[i] = accumulateSlot(shadow[i], tangent[i], value?.[i]);
  } else if (structure === "map") {
    for (const [key, item] of tangent) shadow.set(key, accumulateSlot(shadow.get(key), item, value?.get(key)));
  } else if (structure === "struct") {
    const fields = value === undefined ? tangent : byFields(value, tangent);
    for (const field of Object.keys(fields)) {
      const content = value === undefined ? undefined : getField(value, field);
      shadow[field] = accumulateSlot(shadow[field], fields[field], content);
    }
  }
}

function accumulateSlot(slot: Any, tangent: Any, value: Any): Any {
  if (tangent === undefined || tangent === null) return slot;
  if (typeof tangent === "number" && (slot === undefined || typeof slot === "number")) return (slot ?? 0) + tangent;
  if (structureOf(tangent) === "leaf") return add(slot, tangent);
  accumulate(slot, tangent, value);
  return slot;
}

/** A cotangent of `value` by its fields, where the type may bring its own tangent. */
function byFields(value: object, tangent: Any): Any {
  const own = manifoldOf(value);
  if (own === undefined) return tangent;
  if (own.embed === undefined) {
    throw new PullbackError(
      `${value.constructor.name} brings its own tangent but no \`embed\`, so it cannot be the result of a pullback's function.`,
      {
        code: "PB2905",
        hint: "Add embed(x, t) to its Manifold: a cotangent by fields that project(x, …) maps to t.",
      },
    );
  }
  return own.embed(value, tangent);
}
