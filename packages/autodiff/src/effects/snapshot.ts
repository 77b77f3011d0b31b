/** Saving and restoring what a recomputation could see or change: arguments, the objects they hold, ambient state. */
import { type Any, isLeaf } from "../protocol/index.ts";
import { descriptorOf } from "../structure/index.ts";
import type { CheckpointedState } from "./state.ts";

export interface Snapshot {
  restore(): void;
}

/** Remembers the content of every mutable object reachable from `roots` (leaves are immutable), and the ambient states. */
export function capture(roots: readonly unknown[], states: Iterable<CheckpointedState>): Snapshot {
  const undo: (() => void)[] = [];
  const seen = new Set<unknown>();
  for (const root of roots) remember(root, seen, undo);
  for (const state of states) {
    const saved = state.save();
    undo.push(() => state.restore(saved));
  }
  return {
    restore() {
      for (const step of undo) step();
    },
  };
}

function remember(value: unknown, seen: Set<unknown>, undo: (() => void)[]): void {
  if (typeof value !== "object" || value === null || isLeaf(value) || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    const view = value as Any;
    if (typeof view.slice !== "function") return;
    const saved = view.slice();
    undo.push(() => view.set(saved));
  } else if (Array.isArray(value)) {
    const saved = value.slice();
    undo.push(() => {
      value.length = 0;
      for (const item of saved) value.push(item);
    });
    for (const item of saved) remember(item, seen, undo);
  } else if (isMap(value)) {
    const saved = [...value];
    undo.push(() => {
      value.clear();
      for (const [key, item] of saved) value.set(key, item);
    });
    for (const [, item] of saved) remember(item, seen, undo);
  } else if (isSet(value)) {
    const saved = [...value];
    undo.push(() => {
      value.clear();
      for (const item of saved) value.add(item);
    });
    for (const item of saved) remember(item, seen, undo);
  } else {
    rememberFields(value, seen, undo);
  }
}

const isSet = (value: object): value is Set<unknown> => (value as Any)[Symbol.toStringTag] === "Set";

const isMap = (value: object): value is Map<unknown, unknown> => (value as Any)[Symbol.toStringTag] === "Map";

function rememberFields(value: object, seen: Set<unknown>, undo: (() => void)[]): void {
  const own = new Map<string, PropertyDescriptor>();
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    if ("value" in property && property.writable === true) own.set(key, property);
  }
  undo.push(() => {
    for (const [key, property] of own) if ((value as Any)[key] !== property.value) (value as Any)[key] = property.value;
    for (const key of Object.keys(value))
      if (!own.has(key) && Object.getOwnPropertyDescriptor(value, key)?.writable) delete (value as Any)[key];
  });
  for (const [, property] of own) remember(property.value, seen, undo);
  const descriptor = descriptorOf(value);
  if (descriptor?.get === undefined || descriptor.set === undefined) return;
  for (const field of Object.keys(descriptor.fields)) {
    const saved = descriptor.get(value, field);
    if (!own.has(field)) undo.push(() => descriptor.set?.(value, field, saved));
    remember(saved, seen, undo);
  }
}
