/** A stretch of a trace as a compiler sees it: nodes, and for each operand which node of the stretch computes it. */
import type { Node, Value } from "./graph.ts";

/** Operand `operand` of node `node`. */
export interface Place {
  readonly node: number;
  readonly operand: number;
}

export class Segment {
  readonly nodes: readonly Node[];
  /** Every value, in order; its place is its slot. */
  readonly values: Value[] = [];
  /** The node that computes each slot. */
  readonly producer: number[] = [];
  /** For each node and operand the slot it reads, or -1 for what was there before. */
  readonly reads: number[][];
  /** Equal for operands that are the same memory at the same offset. */
  readonly sources: number[][] = [];
  /** The slot of the first result of each node. */
  readonly firstSlot: number[] = [];
  /** For each slot the nodes that read it. */
  readonly readers: number[][] = [];

  constructor(nodes: readonly Node[]) {
    this.nodes = nodes;
    const slots = new Map<unknown, number>();
    const places = new Map<unknown, { readonly offset: number; readonly number: number }[]>();
    let outside = 0;
    this.reads = nodes.map((node, i) => {
      const sources: number[] = [];
      const reads = node.operands.map((operand) => {
        const slot = slots.get(operand.storage) ?? -1;
        if (slot >= 0) {
          sources.push(-1);
          if (this.readers[slot]!.at(-1) !== i) this.readers[slot]!.push(i);
          return slot;
        }
        const known = places.get(operand.storage) ?? [];
        places.set(operand.storage, known);
        const place = known.find(({ offset }) => offset === operand.offset) ?? {
          offset: operand.offset,
          number: outside++,
        };
        if (place.number === outside - 1 && !known.includes(place)) known.push(place);
        sources.push(place.number);
        return -1;
      });
      this.sources.push(sources);
      this.firstSlot.push(this.values.length);
      for (const value of node.values) {
        slots.set(value, this.values.length);
        this.values.push(value);
        this.producer.push(i);
        this.readers.push([]);
      }
      return reads;
    });
  }

  /** The same for segments that compute the same from inputs and numbers of the same kind. */
  key(): Int32Array {
    const words: number[] = [];
    this.nodes.forEach((node, i) => {
      words.push(node.signature, node.scalars.length);
      node.operands.forEach((operand, j) => {
        const slot = this.reads[i]![j]!;
        // Offsets into what was there before are no part of it: a program reads where the operand says.
        if (slot >= 0) words.push(slot, operand.offset);
        else words.push(-1 - this.sources[i]![j]!);
      });
    });
    return Int32Array.from(words);
  }
}
