/** How far an argument reached before a function wrote into it: its tangent has no slots for what was added. */
import type { Any } from "../protocol/index.ts";
import { structureOf } from "../structure/index.ts";

/** Of an array how long it was, of a Map which keys it had; and the same of what is inside, by index, key or field. */
export interface Extent {
  readonly length?: number;
  readonly keys?: ReadonlySet<unknown>;
  readonly inside: readonly (readonly [key: Any, extent: Extent])[];
}

/** Read off a shadow that has just been made; undefined for what cannot grow. */
export function extentOf(shadow: Any): Extent | undefined {
  const within = (entries: Iterable<readonly [Any, Any]>) =>
    [...entries].flatMap(([key, slot]) => {
      const extent = extentOf(slot);
      return extent === undefined ? [] : [[key, extent] as const];
    });
  switch (structureOf(shadow)) {
    case "array":
      return { length: shadow.length, inside: within(shadow.entries()) };
    case "map":
      return { keys: new Set(shadow.keys()), inside: within(shadow) };
    case "struct": {
      const inside = within(Object.entries(shadow));
      return inside.length === 0 ? undefined : { inside };
    }
    default:
      return undefined;
  }
}

/** Takes away what a tangent has beyond an extent. */
export function withinExtent(tangent: Any, extent: Extent | undefined): Any {
  if (extent === undefined || typeof tangent !== "object" || tangent === null) return tangent;
  const { length, keys, inside } = extent;
  const structure = structureOf(tangent);
  if (length !== undefined && structure === "array" && tangent.length > length) tangent.length = length;
  if (keys !== undefined && structure === "map") {
    for (const key of [...tangent.keys()]) if (!keys.has(key)) tangent.delete(key);
  }
  for (const [key, each] of inside) withinExtent(structure === "map" ? tangent.get(key) : tangent[key], each);
  return tangent;
}
