/**
 * What a call that is not made again left in the objects that it was given, and what it returned: put into the objects
 * of another run, which have the same structure but are not the same.
 */
import { type Any, isLeaf } from "../protocol/index.ts";

/** A value of the first run, as far as it tells what stands in its place in another: one of the objects given, one that the call made, or itself. */
type Coded = { readonly given: number } | { readonly made: number } | { readonly is: unknown };

interface Content {
  readonly kind: "array" | "view" | "map" | "set" | "struct";
  readonly prototype: object | null;
  /** Elements, entries one after the other, or the fields' values; of a view its copy. */
  readonly slots: readonly Coded[];
  readonly keys?: readonly string[];
  readonly copy?: Any;
}

const tagOf = (value: object) => (value as Any)[Symbol.toStringTag];

function kindOf(value: unknown): Content["kind"] | undefined {
  if (typeof value !== "object" || value === null || isLeaf(value)) return undefined;
  if (Array.isArray(value)) return "array";
  if (ArrayBuffer.isView(value)) return typeof (value as Any).slice === "function" ? "view" : undefined;
  const tag = tagOf(value);
  if (tag === "Map") return "map";
  if (tag === "Set") return "set";
  const prototype = Object.getPrototypeOf(value);
  // A class whose instances are more than their fields keeps what it keeps.
  if (typeof tag === "string" || value instanceof Date || value instanceof RegExp || value instanceof Error)
    return undefined;
  return prototype === null || typeof prototype === "object" ? "struct" : undefined;
}

/** A collection of the platform, whose own methods change nothing but itself. */
export function isCollection(value: unknown): boolean {
  const kind = kindOf(value);
  return kind !== undefined && kind !== "struct";
}

function writableKeys(value: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(value)).flatMap(([key, property]) =>
    "value" in property && property.writable === true ? [key] : [],
  );
}

function slotsOf(value: Any, kind: Content["kind"], keys: readonly string[]): readonly unknown[] {
  switch (kind) {
    case "array":
      return value;
    case "map":
      return [...value].flat(1);
    case "set":
      return [...value];
    case "view":
      return [];
    case "struct":
      return keys.map((key) => value[key]);
  }
}

/** The objects that can be reached from some, in an order that follows from their structure alone. */
function reachable(roots: readonly unknown[]): object[] {
  const found = new Set<object>();
  const open: unknown[] = [...roots].reverse();
  while (open.length > 0) {
    const value = open.pop();
    const kind = kindOf(value);
    if (kind === undefined || found.has(value as object)) continue;
    found.add(value as object);
    const keys = kind === "struct" ? writableKeys(value as object) : [];
    open.push(...[...slotsOf(value, kind, keys)].reverse());
  }
  return [...found];
}

/** Whether the call could have left something there. */
export const holdsSomething = (roots: readonly unknown[]): boolean => roots.some((root) => kindOf(root) !== undefined);

export interface Imprint {
  /** What the objects held before are to hold now. */
  put(roots: readonly unknown[]): unknown;
}

/** Takes what `roots` reach before a call; what it answers with takes what they hold afterwards, and the call's result. */
export function imprint(roots: readonly unknown[]): (result: unknown) => Imprint {
  const before = reachable(roots);
  return (result) => {
    const givenAt = new Map(before.map((object, i) => [object, i]));
    const made: object[] = [];
    const madeAt = new Map<object, number>();
    const coded = (value: unknown): Coded => {
      const kind = kindOf(value);
      if (kind === undefined) return { is: value };
      const object = value as object;
      const given = givenAt.get(object);
      if (given !== undefined) return { given };
      // Objects of other classes are what they are; those of the platform can be made again.
      const prototype = Object.getPrototypeOf(object);
      if (kind === "struct" && prototype !== null && prototype !== Object.prototype) return { is: value };
      let at = madeAt.get(object);
      if (at === undefined) {
        at = made.length;
        made.push(object);
        madeAt.set(object, at);
      }
      return { made: at };
    };
    const content = (object: Any): Content => {
      const kind = kindOf(object) as Content["kind"];
      const prototype = Object.getPrototypeOf(object);
      if (kind === "view") return { kind, prototype, slots: [], copy: object.slice() };
      const keys = kind === "struct" ? writableKeys(object) : [];
      return { kind, prototype, slots: [...slotsOf(object, kind, keys)].map(coded), keys };
    };
    const value = coded(result);
    const given = before.map(content);
    const fresh: Content[] = [];
    // Coding one may find others.
    for (let i = 0; i < made.length; i++) fresh.push(content(made[i] as object));
    return {
      put(now) {
        const objects = before.length === 0 ? [] : reachable(now);
        const shells = fresh.map(shell);
        const decoded = (c: Coded): unknown =>
          "is" in c ? c.is : "given" in c ? (objects[c.given] ?? before[c.given]) : shells[c.made];
        given.forEach((each, i) => {
          if (objects[i] !== undefined) fill(objects[i], each, decoded);
        });
        fresh.forEach((each, i) => {
          fill(shells[i], each, decoded);
        });
        return decoded(value);
      },
    };
  };
}

function shell({ kind, prototype, copy }: Content): Any {
  if (kind === "view") return copy.slice();
  if (kind === "array") return [];
  if (kind === "map") return new Map();
  return kind === "set" ? new Set() : Object.create(prototype);
}

function fill(object: Any, { kind, slots, keys = [], copy }: Content, decoded: (c: Coded) => unknown): void {
  if (kind === "view") object.set(copy);
  else if (kind === "array") {
    object.length = 0;
    for (const each of slots) object.push(decoded(each));
  } else if (kind === "map") {
    object.clear();
    for (let i = 0; i < slots.length; i += 2) object.set(decoded(slots[i] as Coded), decoded(slots[i + 1] as Coded));
  } else if (kind === "set") {
    object.clear();
    for (const each of slots) object.add(decoded(each));
  } else {
    keys.forEach((key, i) => {
      const value = decoded(slots[i] as Coded);
      if (object[key] !== value) object[key] = value;
    });
    for (const key of writableKeys(object)) if (!keys.includes(key)) delete object[key];
  }
}
