/** Refusing values whose type brings its own tangent where a tangent is pushed forward. */
import { PullbackError } from "../errors.ts";
import { type Any, manifoldOf } from "../protocol/index.ts";
import { fieldShape, fieldsOf, getField, structureOf } from "../structure/index.ts";

/**
 * Throws PB2906 when a type inside the value brings its own tangent: a Manifold says how cotangents become its own, not
 * how a tangent becomes one by fields.
 */
export function requireFlat(value: Any): void {
  switch (structureOf(value)) {
    case "array":
      for (const item of value) if (typeof item === "object") requireFlat(item);
      return;
    case "map":
      for (const item of value.values()) if (typeof item === "object") requireFlat(item);
      return;
    case "struct": {
      if (manifoldOf(value) !== undefined) {
        throw new PullbackError(`${value.constructor.name} brings its own tangent, which forward mode cannot push.`, {
          code: "PB2906",
          hint: "Use gradient or pullback, or differentiate with respect to the fields.",
        });
      }
      for (const field of fieldsOf(value)) {
        if (fieldShape(value, field) === "-") continue;
        const content = getField(value, field);
        if (typeof content === "object") requireFlat(content);
      }
    }
  }
}
