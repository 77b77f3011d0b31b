/**
 * The slots of a value, with those that have no tangent: `@pullback/autodiff` says which fields are differentiable,
 * buffers and modes are among the others.
 */
import {
  fieldShape,
  fieldsOf,
  getField,
  type Shape,
  type StructDescriptor,
  setField,
  struct,
  structureOf,
} from "@pullback/autodiff";

/** One field of an object, element of an array or entry of a Map. */
export interface Slot {
  readonly key: string;
  readonly value: unknown;
  /** What the compiler knows about the slot's type: "-" is not differentiable, "u" is not known. */
  readonly shape: Shape;
}

/** Whether a value holds slots: arrays, Maps, plain objects and class instances; no leaf and no platform object. */
export function isContainer(value: unknown): value is object {
  const structure = structureOf(value);
  return structure === "struct" || structure === "array" || structure === "map";
}

/**
 * All slots in order: elements, entries, or fields (first the differentiable ones, private ones included, then the
 * other enumerable ones). Absent optional fields are left out.
 */
export function slotsOf(container: object, shape: Shape = "u"): Slot[] {
  switch (structureOf(container)) {
    case "array":
      return (container as unknown[]).map((value, i) => ({ key: String(i), value, shape: elementShape(shape, i) }));
    case "map":
      return [...(container as Map<unknown, unknown>)].map(([key, value]) => ({
        key: String(key),
        value,
        shape: elementShape(shape, 0),
      }));
    default: {
      const fields = fieldsOf(container, shape);
      const others = Object.keys(container).filter((key) => !fields.includes(key));
      const slots = [...fields, ...others].map((key) => ({
        key,
        value: getField(container, key),
        shape: fieldShape(container, key, shape),
      }));
      return slots.filter(({ value }) => value !== undefined);
    }
  }
}

function elementShape(shape: Shape, index: number): Shape {
  if (typeof shape !== "object") return shape === "-" ? "-" : "u";
  if ("items" in shape) return shape.items;
  return "tuple" in shape ? (shape.tuple[index] ?? "-") : "u";
}

/** Writes one slot in place, private and readonly fields included. */
export function setSlot(container: object, key: string, value: unknown): void {
  if (structureOf(container) === "map") {
    const map = container as Map<unknown, unknown>;
    const original = [...map.keys()].find((candidate) => String(candidate) === key);
    map.set(original, value);
  } else setField(container, key, value);
}

/** A copy of the object itself that holds the same values, private fields included. */
export function shallowCopy<T extends object>(container: T): T {
  if (Array.isArray(container)) return container.slice() as unknown as T;
  if (structureOf(container) === "map") return new Map(container as unknown as Map<unknown, unknown>) as unknown as T;
  const { clone } = (container.constructor as { [struct]?: StructDescriptor } | undefined)?.[struct] ?? {};
  if (clone !== undefined) return clone(container) as T;
  return Object.create(Object.getPrototypeOf(container), Object.getOwnPropertyDescriptors(container));
}

/** `a.0.weight`: field names, indices and keys, joined by dots. */
export const joinPath = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);
