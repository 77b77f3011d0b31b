/**
 * Results that outlive a change of the program: each remembers what it was computed from, and is computed again only
 * when one of those is no longer what it was (the red-green algorithm of Salsa and rustc). A result that comes out equal
 * leaves what was computed from it alone.
 */
interface Entry {
  value: unknown;
  /** Entries that were read on the way, in order. */
  readonly sources: readonly string[];
  readonly compute: () => unknown;
  readonly same: (a: unknown, b: unknown) => boolean;
  /** Revision at which it was last found to hold, and at which its value last changed. */
  verified: number;
  changed: number;
}

/** The memo of a program: what is computed from it, wherever that happens. */
export function memoOf(program: object): Memo {
  let memo = memos.get(program);
  if (memo === undefined) {
    memo = new Memo();
    memos.set(program, memo);
  }
  return memo;
}

const memos = new WeakMap<object, Memo>();

export class Memo {
  readonly #entries = new Map<string, Entry>();
  /** What the computations under way have read, the innermost last. */
  readonly #open: Set<string>[] = [];
  #revision = 1;

  /** The program has changed: everything is to be verified when it is next asked for. */
  revise(): void {
    this.#revision += 1;
  }

  /**
   * The value of `compute`, which may read other entries. It must not depend on anything else that changes, and must not
   * ask for itself.
   */
  get<T>(id: string, compute: () => T, same: (a: T, b: T) => boolean = Object.is): T {
    this.#open.at(-1)?.add(id);
    const known = this.#entries.get(id);
    if (known !== undefined && this.#holds(known)) return known.value as T;
    return this.#run(id, compute, same as Entry["same"], known).value as T;
  }

  #holds(entry: Entry): boolean {
    if (entry.verified === this.#revision) return true;
    // What has no sources is an input: it is looked at again.
    if (entry.sources.length === 0) return false;
    for (const id of entry.sources) {
      const source = this.#entries.get(id);
      if (source === undefined) return false;
      if (!this.#holds(source)) {
        try {
          this.#run(id, source.compute, source.same, source);
        } catch {
          // A function is gone: whoever still asks for it meets the error itself.
          return false;
        }
      }
      if ((this.#entries.get(id)?.changed ?? Number.POSITIVE_INFINITY) > entry.verified) return false;
    }
    entry.verified = this.#revision;
    return true;
  }

  #run(id: string, compute: () => unknown, same: Entry["same"], known: Entry | undefined): Entry {
    const sources = new Set<string>();
    this.#open.push(sources);
    let value: unknown;
    try {
      value = compute();
    } finally {
      this.#open.pop();
    }
    const revision = this.#revision;
    const unchanged = known !== undefined && same(known.value, value);
    const entry: Entry = {
      value: unchanged ? known.value : value,
      sources: [...sources],
      compute,
      same,
      verified: revision,
      changed: unchanged ? known.changed : revision,
    };
    this.#entries.set(id, entry);
    return entry;
  }
}
