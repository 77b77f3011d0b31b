/** One call of a convolution kernel: the plan that its code reads, and the memory that it takes. */
import type { NDArray } from "../../../backend/backend.ts";
import { sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { float32Lanes, float64Lanes, type Lanes } from "../kernels/lanes.ts";
import { copyTables, isPlain, type Layout } from "./geometry.ts";
import { plan, product } from "./layout.ts";
import { type Block, Scratch } from "./scratch.ts";

/** One product with its tables; see `product` in layout.ts. */
export interface Product {
  readonly taps: Int32Array;
  readonly rowTable: Int32Array;
  readonly outTable: Int32Array;
  readonly width: number;
  readonly toStep: number;
  /** Element offsets of a row's weights, in the order of the taps. */
  readonly columns: Int32Array;
}

/** A product per group and sample, over one layout of the source. */
export interface Job {
  readonly samples: number;
  readonly groups: number;
  /** Channels of the source and rows of the left operand, in a group. */
  readonly channels: number;
  readonly rows: number;
  readonly layout: Layout;
  /** None of a strided adjoint's where no window reaches a position. */
  readonly products: readonly Product[];
  /** Whether there are positions that no product computes: they are zero. */
  readonly hasGaps: boolean;
}

export const lanesOf = (x: NDArray): Lanes => (x.dtype === "float64" ? float64Lanes : float32Lanes);

/** One call: where its operands, result, tables and scratch memory are. */
export class Run {
  readonly lanes: Lanes;
  readonly scratch: Scratch;
  private readonly engine: Engine;
  private readonly operands: readonly NDArray[];
  private readonly out: NDArray;
  private addresses: readonly number[] = [];
  private to = 0;
  private tables: readonly Readonly<Record<"taps" | "rowTable" | "outTable", Block>>[] = [];
  private moves: Readonly<Record<"rowPairs" | "phases", Block>> | undefined;

  constructor(engine: Engine, operands: readonly NDArray[], out: NDArray) {
    this.engine = engine;
    this.operands = operands;
    this.out = out;
    this.lanes = lanesOf(out);
    this.scratch = new Scratch(engine);
  }

  /** Takes the scratch memory: for a plan, its tables, and so many copies of the source, equally far apart. Addresses hold from here on. */
  prepare(job: Job, count: number): { words: Block; copies: readonly Block[] } {
    const { scratch } = this;
    const words = scratch.add(4 * (plan.products + product.words * job.products.length));
    this.tables = job.products.map(({ taps, rowTable, outTable }) => ({
      taps: scratch.table(taps),
      rowTable: scratch.table(rowTable),
      outTable: scratch.table(outTable),
    }));
    const isCopied = !isPlain(job.layout);
    if (isCopied) {
      const { rowPairs, phases } = copyTables(job.layout);
      this.moves = { rowPairs: scratch.table(rowPairs), phases: scratch.table(phases) };
    }
    const copies = Array.from({ length: count }, () => scratch.add(isCopied ? job.channels * job.layout.channel : 0));
    scratch.take();
    this.addresses = this.operands.map((x) => this.engine.address(x));
    this.to = this.engine.resultAddress(this.out);
    if (isCopied) for (const copy of copies) this.clear(copy);
    return { words, copies };
  }

  /** Writes the plan: `left` says how far apart samples, groups and rows of operand 1, or of the result, are in bytes. */
  write(
    words: Block,
    { groups, channels, rows, layout, products }: Job,
    left: { readonly sample: number; readonly group: number; readonly row: number },
    panels: readonly Block[],
  ): void {
    const { bytes } = this.lanes;
    const plane = sizeOf(layout.source) * bytes;
    const outPlane = sizeOf(this.outExtents()) * bytes;
    const entries: Record<Exclude<keyof typeof plan, "products">, number> = {
      groups,
      source: this.addresses[0],
      sourceSample: groups * channels * plane,
      sourceGroup: channels * plane,
      isCopied: this.moves === undefined ? 0 : 1,
      channels,
      fromChannel: plane,
      toChannel: layout.channel,
      rowPairs: this.moves?.rowPairs.address ?? 0,
      rowCount: (this.moves?.rowPairs.bytes ?? 0) / 8,
      phases: this.moves?.phases.address ?? 0,
      phaseCount: (this.moves?.phases.bytes ?? 0) / 12,
      fromStep: layout.step * bytes,
      other: panels.length > 0 ? 0 : this.addresses[1],
      otherSample: left.sample,
      otherGroup: left.group,
      to: this.to,
      toSample: groups * rows * outPlane,
      toGroup: rows * outPlane,
      toRow: left.row,
      rows,
      productCount: products.length,
    };
    const { int32 } = this.engine.arena.views;
    const first = words.address / 4;
    for (const [name, value] of Object.entries(entries)) int32[first + plan[name as keyof typeof plan]] = value;
    products.forEach(({ taps, rowTable, width, toStep, columns }, p) => {
      const table = this.tables[p];
      const own: Record<Exclude<keyof typeof product, "words">, number> = {
        panels: panels[p]?.address ?? 0,
        panelsGroup: rows * columns.length * bytes,
        depth: taps.length,
        taps: table.taps.address,
        rowTable: table.rowTable.address,
        outTable: table.outTable.address,
        rowCount: rowTable.length,
        width,
        toStep,
      };
      const at = first + plan.products + p * product.words;
      for (const [name, value] of Object.entries(own)) int32[at + product[name as keyof typeof product]] = value;
    });
  }

  address = (operand: number): number => this.addresses[operand];
  result = (): number => this.to;

  outExtents(): readonly number[] {
    return this.out.shape.slice(2);
  }

  elements(): Float32Array | Float64Array {
    const { views } = this.engine.arena;
    return this.lanes.count === 4 ? views.float32 : views.float64;
  }

  clear({ address, bytes }: Block): void {
    this.engine.clear(address, bytes);
  }

  clearResult(): void {
    this.clear({ address: this.to, bytes: sizeOf(this.out.shape) * this.lanes.bytes });
  }
}
