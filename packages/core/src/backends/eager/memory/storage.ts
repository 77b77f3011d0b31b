/**
 * What a tensor holds on to. The user's side is a `Handle`; the arena's side is a `Cell`. The arena's table holds
 * resident cells strongly and never a handle, so a handle can die while its data is still in the arena: the
 * finalizer, which watches the handle, then frees the block.
 */

import type { Storage } from "../../../backend/backend.ts";
import type { TypedArray } from "../../../dtype.ts";

/** Data in the arena (`address >= 0`), or spilled to a buffer of its own, or released (neither). */
export class Cell {
  address = -1;
  spilled: ArrayBuffer | null = null;
  /** The kernel that last used it; while that kernel runs the cell stays where it is. */
  stamp = 0;
  /** Neighbours in the order of last use. */
  older: Cell | null = null;
  newer: Cell | null = null;
  readonly byteLength: number;
  readonly sizeClass: number;

  constructor(byteLength: number, sizeClass: number) {
    this.byteLength = byteLength;
    this.sizeClass = sizeClass;
  }
}

/** Either a cell of the arena or, for a few bytes, an ordinary typed array that the collector looks after. */
export class Handle implements Storage {
  readonly byteLength: number;
  readonly cell: Cell | null;
  readonly local: TypedArray | null;

  constructor(byteLength: number, cell: Cell | null, local: TypedArray | null) {
    this.byteLength = byteLength;
    this.cell = cell;
    this.local = local;
  }
}
