/**
 * What a tensor holds on to. The user's side is a `Handle`; the arena's side is a `Cell`. A resident cell is in the
 * arena's table and knows its handle: strongly while it is new, weakly once the arena has had to ask who is dead.
 */

import { storageClock } from "@pullback/autodiff";
import type { Storage } from "../../../backend/backend.ts";
import type { TypedArray } from "../../../dtype.ts";

const clock = storageClock();

/** Data in the arena (`address >= 0`), or spilled to a buffer of its own, or released (neither). */
export class Cell {
  address = -1;
  spilled: Uint8Array | null = null;
  /** The kernel that last used it; while that kernel runs the cell stays where it is. */
  stamp = 0;
  /** Neighbours in the order of last use. */
  older: Cell | null = null;
  newer: Cell | null = null;
  /** Whose data it is: one of the two while resident, neither when spilled. */
  owner: Handle | null = null;
  weakOwner: WeakRef<Handle> | null = null;
  /** The arena in whose memory it lives, by identity. */
  readonly home: object;
  readonly byteLength: number;
  readonly sizeClass: number;

  constructor(home: object, byteLength: number, sizeClass: number) {
    this.home = home;
    this.byteLength = byteLength;
    this.sizeClass = sizeClass;
  }
}

/** Either a cell of the arena or, for a few bytes, a place in an ordinary typed array that the collector looks after. */
export class Handle implements Storage {
  readonly byteLength: number;
  readonly cell: Cell | null;
  readonly local: TypedArray | null;
  /** The number of its first element in `local`. */
  readonly start: number;
  /** An operation that has not yet run will read it: it must not be released early. */
  isRecorded = false;
  readonly born = clock.now;
  holders = 0;

  constructor(byteLength: number, cell: Cell | null, local: TypedArray | null, start = 0) {
    this.byteLength = byteLength;
    this.cell = cell;
    this.local = local;
    this.start = start;
  }
}
