/** Where the temporaries of a program lie in its one block of memory: those that never live together share a place. */

/** A temporary, alive from the step that computes it to the last that reads it. */
export interface Lifetime {
  readonly slot: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface MemoryPlan {
  readonly offsets: ReadonlyMap<number, number>;
  readonly bytes: number;
}

/** Places begin at cache lines, and end in one that belongs to nobody: vector code may write beyond its last element. */
const line = 64;

/** First fit in order of size, the largest first (Pisarchyk and Lee 2020, "greedy by size"). */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const placed: { readonly lifetime: Lifetime; readonly start: number; readonly end: number }[] = [];
  const offsets = new Map<number, number>();
  let bytes = 0;
  for (const lifetime of [...lifetimes].sort((a, b) => b.bytes - a.bytes)) {
    const need = Math.ceil(lifetime.bytes / line) * line + line;
    let start = 0;
    for (const other of placed) {
      const together = other.lifetime.first <= lifetime.last && lifetime.first <= other.lifetime.last;
      if (!together || other.end <= start) continue;
      if (other.start - start >= need) break;
      start = other.end;
    }
    const entry = { lifetime, start, end: start + need };
    const at = placed.findIndex((other) => other.start > start);
    if (at < 0) placed.push(entry);
    else placed.splice(at, 0, entry);
    offsets.set(lifetime.slot, start);
    bytes = Math.max(bytes, entry.end);
  }
  return { offsets, bytes };
}
