/** How cotangents make up the result of a gradient, and what belongs to a part of it. */
import {
  type Arrangement,
  type Builder,
  type HirFunction,
  inertType,
  intType,
  type StructType,
  type Type,
  type Value,
} from "../hir/index.ts";
import { shadowType } from "./forward.ts";

/** The parameters whose cotangents make up a gradient, in order. */
export function selectedBy(arranged: Arrangement): number[] {
  const found = new Set<number>();
  const visit = (a: Arrangement): void => {
    if (typeof a === "number") found.add(a);
    else for (const [, part] of partsOf(a)) visit(part);
  };
  visit(arranged);
  return [...found].sort((a, b) => a - b);
}

/** What a result is made of, by index or field; nothing for what is one thing. */
function partsOf(arranged: Arrangement): readonly (readonly [key: number | string, part: Arrangement])[] {
  if (typeof arranged === "number" || "primal" in arranged) return [];
  return "fields" in arranged ? arranged.fields : [...arranged.entries()];
}

/** The parts of what the function returns that stand in the result. */
export function primalsIn(arranged: Arrangement): (readonly string[])[] {
  if (typeof arranged !== "number" && "primal" in arranged) return [arranged.primal];
  return partsOf(arranged).flatMap(([, part]) => primalsIn(part));
}

/** The part of an arrangement that stands under a field. */
export function arrangedAt(arranged: Arrangement, path: readonly string[]): Arrangement {
  const [name, ...rest] = path;
  if (name === undefined || typeof arranged === "number" || !("fields" in arranged)) return arranged;
  const part = arranged.fields.find(([key]) => key === name)?.[1];
  return part === undefined ? arranged : arrangedAt(part, rest);
}

/** The same arrangement of other parts. */
export function rearrange(
  arranged: Arrangement,
  cotangent: (i: number) => number,
  primal: (path: readonly string[]) => readonly string[],
): Arrangement {
  if (typeof arranged === "number") return cotangent(arranged);
  if ("primal" in arranged) return { primal: primal(arranged.primal) };
  if ("fields" in arranged)
    return { fields: arranged.fields.map(([name, part]) => [name, rearrange(part, cotangent, primal)]) };
  return arranged.map((part) => rearrange(part, cotangent, primal));
}

/** The type of a part of what a function returns. */
export function typeAt(type: Type, path: readonly string[]): Type {
  const [name, ...rest] = path;
  if (name === undefined) return type;
  return typeAt(type.kind === "struct" ? (type.fields().get(name) ?? inertType) : inertType, rest);
}

/** The type of a gradient. */
export function arrangedType(arranged: Arrangement, of: HirFunction): Type {
  if (typeof arranged === "number") return shadowType((of.params[arranged] as Value).type);
  if ("primal" in arranged) return typeAt(of.result, arranged.primal);
  if ("fields" in arranged) {
    const fields = new Map(arranged.fields.map(([name, part]) => [name, arrangedType(part, of)]));
    return { kind: "struct", name: "{ … }", fields: () => fields };
  }
  return { kind: "tuple", elements: arranged.map((a) => arrangedType(a, of)) };
}

/** A gradient from the cotangents and primal parts that it consists of. */
export function arrange(
  b: Builder,
  arranged: Arrangement,
  of: HirFunction,
  cotangents: ReadonlyMap<number, Value>,
  primal: (path: readonly string[]) => Value,
): Value {
  if (typeof arranged === "number") return cotangents.get(arranged) ?? b.const(0);
  if ("primal" in arranged) return primal(arranged.primal);
  const type = arrangedType(arranged, of);
  const parts = partsOf(arranged).map(([, part]) => arrange(b, part, of, cotangents, primal));
  if (!("fields" in arranged)) return b.array(parts, type);
  return b.object(
    arranged.fields.map(([key], i) => ({ key, value: parts[i] as Value })),
    type,
  );
}

/** The part of a gradient's cotangent that belongs to what `isIt` says: the cotangent of a parameter, or a primal part. */
export function partOf(
  b: Builder,
  arranged: Arrangement,
  isIt: (part: Arrangement) => boolean,
  cotangent: Value,
): Value | undefined {
  if (isIt(arranged)) return cotangent;
  for (const [key, part] of partsOf(arranged)) {
    if (!holds(part, isIt)) continue;
    const { type } = cotangent;
    if (typeof key === "string") {
      const field = (type as StructType).fields().get(key) as Type;
      return partOf(b, part, isIt, b.load(cotangent, key, { type: field, readonly: true }));
    }
    const element = type.kind === "tuple" ? (type.elements[key] as Type) : inertType;
    return partOf(b, part, isIt, b.load(cotangent, b.const(key, intType), { type: element, readonly: true }));
  }
  return undefined;
}

function holds(arranged: Arrangement, isIt: (part: Arrangement) => boolean): boolean {
  return isIt(arranged) || partsOf(arranged).some(([, part]) => holds(part, isIt));
}
