/** Run-time shapes: what the compiler knows of a type, written as source text of autodiff's `Shape`. */
import type { Type } from "../hir/types.ts";

/** Object types nested deeper than this are walked by their values. */
const deepest = 6;

/**
 * The shape of a type. Class instances are "r": their class carries its own descriptor, and a subclass may hold more.
 * A recursive object type ends in "r" as well, where the walk goes on by the value's own fields.
 */
export function shapeText(type: Type, within: readonly Type[] = []): string {
  switch (type.kind) {
    case "number":
    case "leaf":
      return '"v"';
    case "inert":
      return '"-"';
    case "unknown":
    case "union":
      return '"u"';
    case "function":
      return '"r"';
    case "array":
    case "map": {
      if (within.includes(type)) return '"r"';
      const element = shapeText(type.element, [...within, type]);
      return saysNothing(element) ? '"r"' : `{ items: ${element} }`;
    }
    case "tuple": {
      if (within.includes(type)) return '"r"';
      return `{ tuple: [${type.elements.map((element) => shapeText(element, [...within, type])).join(", ")}] }`;
    }
    case "struct":
      if (within.length > deepest) return '"r"';
      if (
        type.classKey !== undefined ||
        type.open === true ||
        within.some((outer) => outer === type || sameStruct(outer, type))
      )
        return '"r"';
      return `{ fields: ${fieldsText(type.fields(), [...within, type])} }`;
  }
}

/** The differentiable fields as an object literal from name to shape. */
export function fieldsText(fields: ReadonlyMap<string, Type>, within: readonly Type[] = []): string {
  const entries: string[] = [];
  for (const [name, type] of fields) {
    if (type.kind === "inert") continue;
    entries.push(`${propertyText(name.replace(/^#/, ""))}: ${shapeText(type, within)}`);
  }
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

/** A property name as it stands in an object literal. */
export function propertyText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) && name !== "__proto__" ? name : `[${JSON.stringify(name)}]`;
}

/** Whether the walk by the value alone would find the same. */
function saysNothing(element: string): boolean {
  return element === '"v"' || element === '"r"' || element === '"u"';
}

function sameStruct(a: Type, b: Type): boolean {
  return (
    a.kind === "struct" && b.kind === "struct" && a.name === b.name && a.name !== "{ … }" && a.fields() === b.fields()
  );
}
