/** Questions about HIR types: how an adjoint travels, what an element or a field is. */
import type { HirFunction, Key, Op, Passing, Type, Value } from "./types.ts";

export const numberType: Type = { kind: "number" };
export const inertType: Type = { kind: "inert", text: "unknown" };
export const booleanType: Type = { kind: "inert", text: "boolean" };
export const undefinedType: Type = { kind: "inert", text: "undefined" };
/** A number that carries no tangent: an index, a length, a count. */
export const intType: Type = { kind: "inert", text: "Int" };

/** How a call says `delete object[key]`. */
export const deletion = "Reflect.deleteProperty";

export function arrayOf(element: Type, typed?: "Float32Array" | "Float64Array"): Type {
  return typed === undefined ? { kind: "array", element } : { kind: "array", element, typed };
}

/** One "1" per parameter that has a tangent, "0" for every other. */
export function fullMaskOf({ params }: Pick<HirFunction, "params">): string {
  return params.map(({ type }) => (passing(type) === "-" ? "0" : "1")).join("");
}

/** How a value of this type carries its adjoint. */
export function passing(type: Type): Passing {
  switch (type.kind) {
    case "number":
    case "leaf":
      return "v";
    case "inert":
      return "-";
    case "unknown":
      return "u";
    case "array":
    case "tuple":
    case "struct":
    case "map":
    case "function":
      return "r";
    case "union": {
      let result: Passing = "-";
      for (const member of type.members) {
        const p = passing(member);
        if (p === "-") continue;
        if (result === "-") result = p;
        else if (result !== p) return "u";
      }
      return result;
    }
  }
}

/** True of types whose values are always numbers or always absent; their symbolic zero is `0`. */
export function isNumeric(type: Type): boolean {
  if (type.kind === "number") return true;
  if (type.kind !== "union") return false;
  return type.members.some(isNumeric) && type.members.every((m) => isNumeric(m) || m.kind === "inert");
}

/** Objects that may have fields of which the type says nothing: values of a type parameter. */
export function isLoose(type: Type): boolean {
  return type.kind === "unknown" || (type.kind === "struct" && type.parameter !== undefined);
}

/** The union without its inert members: what a narrowed value of the type is. */
export function narrowed(type: Type): Type {
  if (type.kind !== "union") return type;
  const members = type.members.filter((m) => passing(m) !== "-");
  if (members.length === 0) return inertType;
  return members.length === 1 ? members[0]! : { kind: "union", members };
}

/** Type of `object[name]`; inert where the type says nothing of it. */
export function fieldType(object: Type, name: string): Type {
  const type = narrowed(object);
  switch (type.kind) {
    case "struct":
      return type.fields().get(name) ?? inertType;
    case "tuple":
      return type.elements[Number(name)] ?? inertType;
    case "array":
      return name === "length" ? intType : /^\d+$/.test(name) ? type.element : inertType;
    case "map":
      return type.element;
    case "union": {
      const members = type.members.map((m) => fieldType(m, name)).filter((m) => passing(m) !== "-");
      return members.length === 0 ? inertType : members.length === 1 ? members[0]! : { kind: "union", members };
    }
    case "unknown":
      return { kind: "unknown", text: "unknown" };
    default:
      return inertType;
  }
}

/** Type of `object[index]` for an index known at run time only. */
export function elementType(object: Type): Type {
  const type = narrowed(object);
  switch (type.kind) {
    case "array":
    case "map":
      return type.element;
    case "tuple": {
      const members = type.elements.filter((m) => passing(m) !== "-");
      return members.length === 0 ? inertType : members.length === 1 ? members[0]! : { kind: "union", members };
    }
    case "union": {
      const members = type.members.map(elementType).filter((m) => passing(m) !== "-");
      return members.length === 0 ? inertType : members.length === 1 ? members[0]! : { kind: "union", members };
    }
    case "unknown":
      return { kind: "unknown", text: "unknown" };
    default:
      return inertType;
  }
}

/** A short name of a type, for dumps. */
export function typeText(type: Type): string {
  switch (type.kind) {
    case "number":
      return "number";
    case "inert":
    case "function":
    case "unknown":
      return type.kind === "inert" ? `-${type.text}` : `${type.kind}(${type.text})`;
    case "leaf":
      return type.name;
    case "array":
      return type.typed ?? `${typeText(type.element)}[]`;
    case "tuple":
      return `[${type.elements.map(typeText).join(", ")}]`;
    case "struct":
      return type.name;
    case "map":
      return `Map<${typeText(type.element)}>`;
    case "union":
      return type.members.map(typeText).join(" | ");
  }
}

/** The flag and the exception of an operation that catches. */
export function caughtBy(op: Op): { readonly thrown: Value; readonly error: Value } | undefined {
  if (!("catches" in op) || op.catches !== true) return undefined;
  const [thrown, error] = op.results.slice(-2) as [Value, Value];
  return { thrown, error };
}

/** Where a shadow holds the adjoint of a slot: a shadow is a plain object, whose keys have no `#`. */
export function shadowKey(key: Key): Key {
  return key.kind === "field" && key.name.startsWith("#") ? { kind: "field", name: key.name.slice(1) } : key;
}

/**
 * Name of the slot of an object that a key stands for when elements are not told apart: "[]" for any of them. Entries of
 * Maps and records are elements, whatever key they are written with.
 */
export function slotKey(key: Key, object: Type): string {
  if (narrowed(object).kind === "map") return "[]";
  return key.kind === "index" || /^\d+$/.test(key.name) ? "[]" : key.name;
}
