/** What a generic function's type parameters stand for at a call, from the types of its arguments and its result. */
import { joined } from "./build.ts";
import { fieldType, passing } from "./kinds.ts";
import type { HirFunction, StructType, Type, Value } from "./types.ts";

export type Bindings = ReadonlyMap<string, Type>;

/** Types of which nothing is known wherever they stand. */
const anonymous = new Set(["any", "unknown", "object", "outcome", "recursive"]);

/** The name of the type parameter that a type is, or that an object type was constrained by. */
function parameterOf(type: Type): string | undefined {
  if (type.kind === "struct") return type.parameter;
  return type.kind === "unknown" && !anonymous.has(type.text) ? type.text : undefined;
}

/** Type parameters of `callee` by name; those that cannot be told, or that have no tangent, are left out. */
export function bindingsOf(callee: HirFunction, args: readonly (Value | undefined)[], result: Type): Bindings {
  const found = new Map<string, Type>();
  if (![...callee.params.map((p) => p.type), callee.result].some((type) => mentioned(type).length > 0)) return found;
  const lost = new Set<string>();
  const bind = (name: string, type: Type) => {
    const before = found.get(name);
    found.set(name, before === undefined ? type : joined(before, type));
  };
  const match = (formal: Type, actual: Type, met: ReadonlySet<Type>): void => {
    const name = parameterOf(formal);
    if (name !== undefined) {
      bind(name, actual);
      return;
    }
    if (formal === actual || met.has(formal)) return;
    const within = new Set([...met, formal]);
    if (formal.kind === "array" && (actual.kind === "array" || actual.kind === "tuple")) {
      if (actual.kind === "array") match(formal.element, actual.element, within);
      else for (const element of actual.elements) match(formal.element, element, within);
    } else if (formal.kind === "tuple" && actual.kind === "tuple") {
      formal.elements.forEach((e, i) => {
        if (actual.elements[i] !== undefined) match(e, actual.elements[i], within);
      });
    } else if (formal.kind === "map" && actual.kind === "map") match(formal.element, actual.element, within);
    else if (formal.kind === "struct" && actual.kind === "struct") {
      for (const [field, type] of formal.fields()) match(type, fieldType(actual, field), within);
    } else if (formal.kind !== actual.kind || formal.kind === "union")
      for (const each of mentioned(formal)) lost.add(each);
  };
  callee.params.forEach((p, i) => {
    if (args[i] !== undefined) match(p.type, args[i].type, new Set());
  });
  match(callee.result, result, new Set());
  for (const [name, type] of found) if (lost.has(name) || passing(type) === "-") found.delete(name);
  return found;
}

const mentions = new WeakMap<Type, readonly string[]>();

/** Names of the type parameters in a type. */
function mentioned(type: Type): readonly string[] {
  let names = mentions.get(type);
  if (names === undefined) {
    const found = new Set<string>();
    const met = new Set<Type>();
    const visit = (t: Type): void => {
      if (met.has(t)) return;
      met.add(t);
      const name = parameterOf(t);
      if (name !== undefined) found.add(name);
      if (t.kind === "array" || t.kind === "map") visit(t.element);
      else if (t.kind === "tuple") t.elements.forEach(visit);
      else if (t.kind === "union") t.members.forEach(visit);
      else if (t.kind === "struct") for (const field of t.fields().values()) visit(field);
    };
    visit(type);
    names = [...found];
    mentions.set(type, names);
  }
  return names;
}

/** A type with its parameters replaced. */
export function instantiate(type: Type, bindings: Bindings): Type {
  const name = parameterOf(type);
  const bound = name === undefined ? undefined : bindings.get(name);
  if (bound !== undefined) return bound;
  switch (type.kind) {
    case "array":
    case "map": {
      const element = instantiate(type.element, bindings);
      return element === type.element ? type : { ...type, element };
    }
    case "tuple": {
      const elements = type.elements.map((e) => instantiate(e, bindings));
      return elements.every((e, i) => e === type.elements[i]) ? type : { ...type, elements };
    }
    case "union": {
      const members = type.members.map((m) => instantiate(m, bindings));
      return members.every((m, i) => m === type.members[i]) ? type : members.reduce(joined);
    }
    case "struct":
      return mentioned(type).length === 0 ? type : structOf(type, bindings);
    default:
      return type;
  }
}

function structOf(type: StructType, bindings: Bindings): StructType {
  let fields: ReadonlyMap<string, Type> | undefined;
  const { parameter: _, ...rest } = type;
  return {
    ...rest,
    fields: () => {
      fields ??= new Map([...type.fields()].map(([name, field]) => [name, instantiate(field, bindings)]));
      return fields;
    },
  };
}
