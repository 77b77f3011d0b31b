/** Refusing shared arguments where a function writes into one: the derivative would be wrong without a sign of it. */
import { PullbackError } from "../errors.ts";
import { fieldShape, fieldsOf, getField, isByReference, structureOf } from "../structure/index.ts";

interface Holder {
  readonly parameter: number;
  readonly path: string;
}

/** Throws PB4010 when an object that `name` writes into is reachable from its arguments by two paths. */
export function requireExclusive(name: string, args: readonly unknown[], mutates: string): void {
  const seen = new Map<object, Holder>();
  for (const [parameter, argument] of args.entries()) {
    visit(argument, "", (value, path) => {
      const first = seen.get(value);
      if (first === undefined) {
        seen.set(value, { parameter, path });
        return true;
      }
      if (mutates[first.parameter] !== "1" && mutates[parameter] !== "1") return false;
      throw new PullbackError(
        `"${name}" writes into its arguments, but argument ${describe(first)} and argument ${describe({ parameter, path })} are the same object.`,
        {
          code: "PB4010",
          hint: "Pass a copy for one of them: a derivative is right only where the object written to is reached by one path.",
        },
      );
    });
  }
}

const describe = ({ parameter, path }: Holder) => (path === "" ? `${parameter}` : `${parameter} (at ${path})`);

function visit(value: unknown, path: string, enter: (value: object, path: string) => boolean): void {
  if (!isByReference(value) || !enter(value as object, path)) return;
  const at = (key: unknown) => (path === "" ? String(key) : `${path}.${key}`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (typeof value[i] === "object") visit(value[i], at(i), enter);
  } else if (structureOf(value) === "map") {
    for (const [key, item] of value as Map<unknown, unknown>) visit(item, at(key), enter);
  } else if (structureOf(value) === "struct") {
    const object = value as object;
    for (const field of fieldsOf(object))
      if (fieldShape(object, field) !== "-") visit(getField(object, field), at(field), enter);
  }
}
