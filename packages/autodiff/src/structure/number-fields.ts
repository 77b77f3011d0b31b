/**
 * Objects in which every differentiable field is a number (a particle, a body, a few coefficients): what their zeros
 * look like is prepared once per shape, since building an object field by field costs more than much of the arithmetic.
 */
import type { Shape } from "../protocol/index.ts";
import { descriptorOf } from "./kinds.ts";

export interface NumberFields {
  readonly names: readonly string[];
  /** All fields at zero; copied, never handed out. */
  readonly zeros: Readonly<Record<string, number>>;
}

const known = new WeakMap<object, NumberFields | null>();

/** The fields of a shape that lists nothing but by-value fields, which may all be numbers; else undefined. */
export function numberFieldsOf(shape: Shape): NumberFields | undefined {
  if (typeof shape !== "object" || !("fields" in shape)) return undefined;
  let found = known.get(shape);
  if (found === undefined) {
    found = prepare(shape.fields);
    known.set(shape, found);
  }
  return found ?? undefined;
}

function prepare(fields: Readonly<Record<string, Shape>>): NumberFields | null {
  const names = Object.keys(fields);
  if (names.length === 0 || names.some((name) => fields[name] !== "v")) return null;
  const zeros: Record<string, number> = {};
  // A fraction first: V8 then keeps a double in each field, which it updates in place.
  for (const name of names) zeros[name] = 0.5;
  for (const name of names) zeros[name] = 0;
  return { names, zeros };
}

/** Whether all the fields are ordinary properties that hold numbers. */
export function holdsNumbers(value: object, { names }: NumberFields): boolean {
  for (let i = 0; i < names.length; i++) {
    if (typeof (value as Record<string, unknown>)[names[i] as string] !== "number") return false;
  }
  return descriptorOf(value)?.get === undefined;
}
