/**
 * What a type declares whose values hold memory that is better freed early than by the garbage collector. Its storages
 * count who holds them; generated code holds what derivatives keep and lets go of it after its last use. A storage that
 * nobody counts is left to the collector.
 */
import { release } from "./symbols.ts";

/** The counts of a type's storages: those of a view are those of what it is a view of. */
export interface StorageLeaf<T> {
  /**
   * One more holder, where the storage is counted already or was made since the clock said `since`. The type stamps its
   * storages with `storageClock().now` when it makes them.
   */
  own(x: T, since: number): void;
  /** One more holder, where the storage is counted. */
  hold(x: T): void;
  /** One holder less, where the storage is counted; the last one frees it. Throws a typed error when it was freed before. */
  release(x: T): void;
}

/** How many calls of registered derivatives there have been: kept globally, so that duplicate copies of this package agree. */
export interface StorageClock {
  now: number;
}

const clockKey = Symbol.for("pullback.storageClock");

export function storageClock(): StorageClock {
  const holder = globalThis as { [clockKey]?: StorageClock };
  holder[clockKey] ??= { now: 1 };
  return holder[clockKey];
}

/** The counts of a value's storage; undefined for anything whose type does not declare them. */
export function storageOf<T>(value: T): StorageLeaf<T> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as { [release]?: StorageLeaf<T> })[release];
}
