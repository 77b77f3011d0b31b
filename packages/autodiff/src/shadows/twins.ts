/** Shadows beside shadows: zeros of the same structure, ties included, whose adjoints are added in the end. */
import type { Any } from "../protocol/index.ts";
import { getField, structureOf } from "../structure/index.ts";
import { add } from "./accumulate.ts";

/**
 * Zero shadows of the structure that `shadows` have, tied where those are. Arrays are as long as those in `values`: a
 * shadow keeps the slots of what was removed from its array.
 */
export function twins(shadows: readonly Any[], values: readonly Any[]): Any[] {
  const made = new Map<Any, Any>();
  return shadows.map((shadow, i) => twinOf(shadow, values[i], made));
}

function twinOf(shadow: Any, value: Any, made: Map<Any, Any>): Any {
  if (typeof shadow === "number") return 0;
  const structure = structureOf(shadow);
  if (structure === "none" || structure === "leaf") return undefined;
  const known = made.get(shadow);
  if (known !== undefined) return known;
  if (structure === "floats") {
    // Views of one buffer are tied, too.
    const buffer = made.get(shadow.buffer) ?? new ArrayBuffer(shadow.buffer.byteLength);
    made.set(shadow.buffer, buffer);
    const twin = new Float64Array(buffer, shadow.byteOffset, shadow.length);
    made.set(shadow, twin);
    return twin;
  }
  if (structure === "array") {
    const twin: Any[] = [];
    made.set(shadow, twin);
    const length = Array.isArray(value) || ArrayBuffer.isView(value) ? (value as Any).length : shadow.length;
    for (let i = 0; i < length; i++) twin.push(twinOf(shadow[i], value?.[i], made));
    return twin;
  }
  if (structure === "map") {
    const twin = new Map<unknown, Any>();
    made.set(shadow, twin);
    for (const [key, slot] of shadow) twin.set(key, twinOf(slot, value?.get?.(key), made));
    return twin;
  }
  const twin: Record<string, Any> = {};
  made.set(shadow, twin);
  for (const field of Object.keys(shadow)) {
    const content = typeof value === "object" && value !== null ? getField(value, field) : undefined;
    twin[field] = twinOf(shadow[field], content, made);
  }
  return twin;
}

/** Adds what `twins` hold to the shadows that they were made beside, each once. */
export function rejoin(shadows: readonly Any[], found: readonly Any[]): void {
  const seen = new Set<Any>();
  shadows.forEach((shadow, i) => {
    give(shadow, found[i], seen);
  });
}

function give(shadow: Any, twin: Any, seen: Set<Any>): void {
  if (shadow === undefined || twin === undefined || seen.has(twin)) return;
  seen.add(twin);
  switch (structureOf(twin)) {
    case "floats": {
      if (seen.has(twin.buffer)) return;
      seen.add(twin.buffer);
      const all = new Float64Array(shadow.buffer);
      new Float64Array(twin.buffer).forEach((d, i) => {
        all[i] = (all[i] as number) + d;
      });
      return;
    }
    case "array":
      for (let i = 0; i < Math.min(twin.length, shadow.length); i++) shadow[i] = slot(shadow[i], twin[i], seen);
      return;
    case "map":
      for (const [key, item] of twin) if (shadow.has(key)) shadow.set(key, slot(shadow.get(key), item, seen));
      return;
    case "struct":
      for (const field of Object.keys(twin)) shadow[field] = slot(shadow[field], twin[field], seen);
  }
}

function slot(before: Any, item: Any, seen: Set<Any>): Any {
  if (item === undefined) return before;
  if (typeof item === "number") return typeof before === "number" ? before + item : (before ?? item);
  if (structureOf(item) === "leaf") return add(before, item);
  give(before, item, seen);
  return before;
}
