/** Scratch memory of one kernel call: what is needed is said first, taken in one piece, and given back in one piece. */
import type { Engine } from "../engine.ts";

/** A piece of scratch memory; its address is known after `take`. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** Vector loads at the end of a piece may reach this far beyond it. */
const slack = 64;

export class Scratch {
  private readonly engine: Engine;
  private readonly blocks: { address: number; readonly bytes: number; readonly table?: Int32Array }[] = [];
  private total = 0;
  private base = -1;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  add(bytes: number): Block {
    return this.place({ address: this.total, bytes });
  }

  /** A piece that holds this table. */
  table(table: Int32Array): Block {
    return this.place({ address: this.total, bytes: table.length * 4, table });
  }

  private place(block: (typeof this.blocks)[number]): Block {
    this.blocks.push(block);
    this.total += Math.ceil((block.bytes + slack) / 16) * 16;
    return block;
  }

  take(): void {
    this.base = this.engine.arena.scratch(this.total);
    const { int32 } = this.engine.arena.views;
    for (const block of this.blocks) {
      block.address += this.base;
      if (block.table !== undefined) int32.set(block.table, block.address / 4);
    }
  }

  free(): void {
    if (this.base >= 0) this.engine.arena.freeScratch(this.base, this.total);
  }
}
