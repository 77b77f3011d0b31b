/** Finding the function behind an accessor property of a value. */
import { PullbackError } from "../errors.ts";
import type { Any, AnyFunction } from "../protocol/index.ts";

/** The getter or setter of `name` on `value`: on the value itself, then along its prototypes. Throws PB3004 when it has none. */
export function accessor(value: Any, name: string, kind: "get" | "set"): AnyFunction {
  const found = propertyOf(value, name)?.[kind];
  if (found !== undefined) return found;
  throw new PullbackError(
    `"${name}" of ${value?.constructor?.name ?? String(value)} is not a ${kind}ter, so it carries no derivative.`,
    {
      code: "PB3004",
      hint: "A declared accessor may be implemented by a plain field only where it is not differentiated through: declare the field itself.",
    },
  );
}

/** Whether `name` is an accessor of `value`, and no field. */
export function isAccessor(value: Any, name: string, kind: "get" | "set"): boolean {
  return propertyOf(value, name)?.[kind] !== undefined;
}

function propertyOf(value: Any, name: string): PropertyDescriptor | undefined {
  for (let holder = Object(value); holder !== null; holder = Object.getPrototypeOf(holder)) {
    const property = Object.getOwnPropertyDescriptor(holder, name);
    if (property !== undefined) return property;
  }
  return undefined;
}
