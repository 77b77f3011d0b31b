/** From shadows to tangents: symbolic zeros become real ones, and types that bring their own tangent get it. */
import { type Any, type GradientDType, manifoldOf, roundedLeaf, type Shape, vectorOf } from "../protocol/index.ts";
import {
  elementShape,
  type FloatArray,
  fieldShape,
  fieldsOf,
  getField,
  holdsNumbers,
  numberFieldsOf,
  structureOf,
} from "../structure/index.ts";
import { zeroShadow } from "./zero.ts";

/** The tangent accumulated in `shadow`, as a value of its own; the shadow is zero again afterwards. */
export function takeShadow(shadow: Any, value: unknown, shape: Shape = "u", dtype?: GradientDType): Any {
  const tangent = tangentOf(copyShadow(shadow), value, shape, dtype);
  clearShadow(shadow);
  return tangent;
}

/**
 * The tangent accumulated in `shadow`, which the caller gives up: it becomes the tangent, its zeros filled in and its
 * leaves rounded.
 */
export function tangentOf(shadow: Any, value: unknown, shape: Shape = "u", dtype?: GradientDType): Any {
  const structure = structureOf(shadow);
  if (structure === "floats") return likeFloats(shadow, value);
  if (structure === "array") {
    for (let i = 0; i < shadow.length; i++) {
      if (typeof shadow[i] !== "number")
        shadow[i] = slotTangent(shadow[i], (value as Any)?.[i], elementShape(shape, i), dtype);
    }
  } else if (structure === "map") {
    for (const [key, slot] of shadow)
      shadow.set(key, slotTangent(slot, (value as Any)?.get(key), elementShape(shape, 0), dtype));
  } else if (structure === "struct") {
    if (value === undefined || value === null) return shadow;
    const numbers = numberFieldsOf(shape);
    if (numbers !== undefined && holdsNumbers(shadow, numbers)) {
      return manifoldOf(value)?.project(value, shadow) ?? shadow;
    }
    for (const field of Object.keys(shadow)) {
      const slot = shadow[field];
      if (typeof slot !== "number") {
        shadow[field] = slotTangent(slot, getField(value, field), fieldShape(value, field, shape), dtype);
      }
    }
    for (const field of fieldsOf(value, shape)) {
      if (field in shadow || fieldShape(value, field, shape) === "-") continue;
      const content = getField(value, field);
      const zero = roundedLeaf(zeroTangent(content, fieldShape(value, field, shape)), content, dtype);
      if (zero !== undefined) shadow[field] = zero;
    }
    return manifoldOf(value)?.project(value, shadow) ?? shadow;
  }
  return shadow;
}

/** A typed array's cotangent in the typed array's own precision. */
function likeFloats(shadow: FloatArray, value: unknown): FloatArray {
  if (structureOf(value) !== "floats") return shadow;
  const type = (value as FloatArray).constructor as new (from: FloatArray) => FloatArray;
  return shadow.constructor === type ? shadow : new type(shadow);
}

function slotTangent(slot: Any, value: unknown, shape: Shape, dtype: GradientDType | undefined): Any {
  if (slot === undefined) return shape === "-" ? undefined : roundedLeaf(zeroTangent(value, shape), value, dtype);
  if (typeof slot === "number") return slot;
  return structureOf(slot) === "leaf" ? roundedLeaf(slot, value, dtype) : tangentOf(slot, value, shape, dtype);
}

/**
 * The zero tangent of a value: 0 for a number, the leaf's own zero for a leaf, and for everything else the same
 * structure with every differentiable field present. `undefined` for a value without tangent.
 */
export function zeroTangent(value: unknown, shape: Shape = "u"): Any {
  switch (structureOf(value)) {
    case "number":
      return 0;
    case "leaf":
      return vectorOf(value).zero(value);
    case "none":
      return undefined;
    default:
      return manifoldOf(value as object)?.zero(value) ?? tangentOf(zeroShadow(value, shape), value, shape);
  }
}

function copyShadow(shadow: Any): Any {
  switch (structureOf(shadow)) {
    case "floats":
      return shadow.slice();
    case "array":
      return isNumbers(shadow) ? shadow.slice() : shadow.map(copyShadow);
    case "map":
      return new Map(Array.from(shadow as Map<unknown, unknown>, ([key, slot]) => [key, copyShadow(slot)]));
    case "struct": {
      const copy: Record<string, Any> = {};
      for (const field of Object.keys(shadow)) copy[field] = copyShadow(shadow[field]);
      return copy;
    }
    default:
      return shadow;
  }
}

const isNumbers = (items: readonly unknown[]) => items.length > 0 && items.every((item) => typeof item === "number");

/** Makes a shadow zero again, in place. */
export function clearShadow(shadow: Any): void {
  switch (structureOf(shadow)) {
    case "floats":
      shadow.fill(0);
      break;
    case "array":
      for (let i = 0; i < shadow.length; i++) shadow[i] = clearSlot(shadow[i]);
      break;
    case "map":
      for (const [key, slot] of shadow) shadow.set(key, clearSlot(slot));
      break;
    case "struct":
      for (const field of Object.keys(shadow)) shadow[field] = clearSlot(shadow[field]);
  }
}

function clearSlot(slot: Any): Any {
  if (typeof slot === "number") return 0;
  if (slot === undefined || structureOf(slot) === "leaf") return undefined;
  clearShadow(slot);
  return slot;
}
