/**
 * Convolution and its two adjoints. The windows are never laid out in memory: one group of a sample's channels at a time
 * is copied between zeros where the padding or the stride ask for it, and a tap is an offset into that. Threads share the
 * samples. The adjoint for the input of a strided convolution is one dense product per residue of the position modulo
 * the stride, so no work is spent on zeros.
 */
import type { NDArray, Sliding } from "../../../backend/backend.ts";
import { rowMajor, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import type { CopyKernels } from "../kernels/index.ts";
import { float32Lanes, float64Lanes, type Lanes } from "../kernels/lanes.ts";
import { shares } from "../threads/index.ts";
import { hasRelaxedSimd, type SharedModule } from "../wasm/index.ts";
import { adjointModule } from "./adjoint-module.ts";
import {
  combinations,
  copyTables,
  isPlain,
  type Layout,
  layoutOf,
  offsetsAlong,
  phasesOf,
  sumTable,
} from "./geometry.ts";
import { plan, product } from "./layout.ts";
import { packPanels } from "./panels.ts";
import { productModule } from "./product-module.ts";
import { type Block, Scratch } from "./scratch.ts";

/** Multiplications and additions below which work is not divided. */
const worthDividing = 2 ** 19;

/**
 * Partial sums of a weight's adjoint at most, and the bytes that all of them take: the samples are divided in the same
 * way whatever the number of threads, so that sums do not depend on it.
 */
const mostPartials = 16;
const mostPartialBytes = 2 ** 24;

/** One product with its tables; see `product` in layout.ts. */
interface Product {
  readonly taps: Int32Array;
  readonly rowTable: Int32Array;
  readonly outTable: Int32Array;
  readonly width: number;
  readonly toStep: number;
  /** Element offsets of a row's weights, in the order of the taps. */
  readonly columns: Int32Array;
}

/** A product per group and sample, over one layout of the source. */
interface Job {
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

export class ConvolutionKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly modules: { products: Modules; adjoints: Modules } = { products: {}, adjoints: {} };

  constructor(engine: Engine, copies: CopyKernels) {
    this.engine = engine;
    this.copies = copies;
  }

  /** x [N, C, …], weight [O, C / groups, …kernel], float32 or float64: [N, O, …]. */
  forward(x: NDArray, weight: NDArray, sliding: Sliding): NDArray {
    const lanes = lanesOf(x);
    const job = slidingJob(x, weight.shape[0], weight.shape.slice(2), sliding, lanes);
    const outer = outerExtents(x, weight.shape.slice(2), sliding);
    return this.within([x, weight], [x.shape[0], weight.shape[0], ...outer], (run) => {
      this.multiply(run, job, {
        group: job.rows * job.products[0].columns.length,
        row: job.products[0].columns.length,
      });
    });
  }

  /** The adjoint for x, whose spatial extents are given: ct [N, O, …], weight [O, C / groups, …kernel]: [N, C, …spatial]. */
  inputAdjoint(ct: NDArray, weight: NDArray, sliding: Sliding, spatial: readonly number[]): NDArray {
    const { stride, dilation, padding, groups } = sliding;
    const lanes = lanesOf(ct);
    const kernel = weight.shape.slice(2);
    const [samples, outputs] = ct.shape;
    const source = ct.shape.slice(2);
    const rows = weight.shape[1];
    const perGroup = outputs / groups;
    const axes = spatial.map((extent, i) => phasesOf(extent, kernel[i], stride[i], dilation[i], padding[i][0]));
    // Room in front of and behind the cotangents, so that every tap of every phase finds a zero there.
    const before = axes.map((phases) => Math.max(0, ...phases.flatMap((phase) => phase.outputs.map((o) => -o))));
    const after = axes.map((phases, i) =>
      Math.max(0, ...phases.flatMap((phase) => phase.outputs.map((o) => o + phase.count - source[i]))),
    );
    const extents = source.map((extent, i) => before[i] + extent + after[i]);
    const layout = layoutOf(source, extents, before, 1, lanes.bytes);
    const kernelStrides = rowMajor(kernel);
    const planeStrides = rowMajor(spatial).map((elements) => elements * lanes.bytes);
    const last = spatial.length - 1;
    const taken = (extent: number, by: number) => Array.from({ length: extent }, (_, i) => i * by);
    const products = combinations(axes)
      .filter((choice) => choice.every((phase) => phase.taps.length > 0))
      .map((choice): Product => {
        const outer = choice.slice(0, last);
        return {
          taps: sumTable([
            taken(perGroup, layout.channel),
            ...choice.map((phase, i) => phase.outputs.map((o) => (o + before[i]) * layout.strides[i])),
          ]),
          rowTable: sumTable(outer.map((phase, i) => taken(phase.count, layout.strides[i]))),
          outTable: sumTable([
            [choice[last].first * lanes.bytes],
            ...outer.map((phase, i) =>
              Array.from({ length: phase.count }, (_, q) => (phase.first + q * stride[i]) * planeStrides[i]),
            ),
          ]),
          width: choice[last].count,
          toStep: stride[last] * lanes.bytes,
          columns: sumTable([
            taken(perGroup, rows * sizeOf(kernel)),
            ...choice.map((phase, i) => phase.taps.map((t) => t * kernelStrides[i])),
          ]),
        };
      });
    const hasGaps = products.length < axes.reduce((all, phases) => all * phases.length, 1);
    const job: Job = { samples, groups, channels: perGroup, rows, layout, products, hasGaps };
    return this.within([ct, weight], [samples, groups * rows, ...spatial], (run) => {
      this.multiply(run, job, { group: perGroup * rows * sizeOf(kernel), row: sizeOf(kernel) });
    });
  }

  /** The adjoint for the weight, whose kernel extents are given: x [N, C, …], ct [N, O, …]: [O, C / groups, …kernel]. */
  weightAdjoint(x: NDArray, ct: NDArray, sliding: Sliding, kernel: readonly number[]): NDArray {
    const lanes = lanesOf(x);
    const job = slidingJob(x, ct.shape[1], kernel, sliding, lanes);
    const { samples, groups, rows } = job;
    const { taps, rowTable, width } = job.products[0];
    return this.within([x, ct], [ct.shape[1], job.channels, ...kernel], (run) => {
      const { pool } = this.engine;
      const partialBytes = groups * rows * taps.length * lanes.bytes;
      const stride = Math.ceil(partialBytes / 64) * 64 + 64;
      const chunks = shares(samples, Math.max(1, Math.min(mostPartials, Math.floor(mostPartialBytes / partialBytes))));
      const work = groups * rows * taps.length * rowTable.length * width * samples;
      const pieces = work < worthDividing ? 1 : Math.ceil(pool.threads / chunks.length);
      const tasks = chunks.flatMap((chunk, c) => shares(rows, pieces, 4).map((piece) => ({ chunk, piece, c })));
      const partials = run.scratch.add(stride * chunks.length);
      const packed = tasks.map(() => run.scratch.add(4 * rowTable.length * Math.ceil(width / lanes.count) * 16));
      const { words, copies } = run.prepare(job, tasks.length);
      run.clear(partials);
      const plane = rowTable.length * width * lanes.bytes;
      run.write(words, job, { sample: groups * rows * plane, group: rows * plane, row: plane }, []);
      const module = this.module(this.modules.adjoints, adjointModule, lanes);
      const parameters = tasks.map(({ chunk, piece, c }, t) => [
        words.address,
        chunk.start,
        chunk.start + chunk.size,
        piece.start,
        piece.start + piece.size,
        copies[t].address,
        packed[t].address,
        partials.address + c * stride,
      ]);
      if (work < worthDividing) for (const task of parameters) module.functions.run(...task);
      else pool.run(module, "run", parameters);
      module.functions.total(partials.address, stride, chunks.length, run.result(), partialBytes);
    });
  }

  /** Runs a job whose left operand, operand 1, has its groups and rows so many elements apart. */
  private multiply(run: Run, job: Job, other: { readonly group: number; readonly row: number }): void {
    const { pool } = this.engine;
    const { lanes } = run;
    const { samples, groups, rows, products } = job;
    const work = products.reduce(
      (sum, { taps, rowTable, width }) => sum + samples * groups * rows * taps.length * rowTable.length * width,
      0,
    );
    const parts = work < worthDividing ? 1 : pool.threads;
    const rowCount = Math.max(0, ...products.map(({ rowTable }) => rowTable.length));
    // More shares than threads, so that one that comes late holds nobody up; rows of one sample where there are few.
    const bySample = shares(samples, 4 * parts);
    const byRow = shares(rowCount, products.length === 1 && samples < parts ? Math.ceil(parts / samples) : 1);
    const tasks = (parts === 1 ? shares(samples, 1) : bySample).flatMap((sample) =>
      byRow.map((row) => ({ sample, row })),
    );
    const panels = products.map(({ columns }) => run.scratch.add(groups * rows * columns.length * lanes.bytes));
    const { words, copies } = run.prepare(job, tasks.length);
    if (job.hasGaps) run.clearResult();
    const plane = sizeOf(run.outExtents()) * lanes.bytes;
    run.write(words, job, { sample: 0, group: 0, row: plane }, panels);
    const elements = run.elements();
    products.forEach(({ columns }, p) => {
      for (let g = 0; g < groups; g++) {
        const from = run.address(1) / lanes.bytes + g * other.group;
        const to = panels[p].address / lanes.bytes + g * rows * columns.length;
        packPanels(elements, from, other.row, rows, columns, to);
      }
    });
    pool.run(
      this.module(this.modules.products, productModule, lanes),
      "run",
      tasks.map(({ sample, row }, t) => [
        words.address,
        sample.start,
        sample.start + sample.size,
        row.start,
        row.start + row.size,
        copies[t].address,
      ]),
    );
  }

  private module(modules: Modules, make: typeof productModule, lanes: Lanes): SharedModule {
    modules[lanes.dtype] ??= make(lanes, hasRelaxedSimd()).share(this.engine.arena.memory);
    return modules[lanes.dtype] as SharedModule;
  }

  /** Makes the operands contiguous, creates the result, and gives back all scratch memory at the end. */
  private within(operands: readonly [NDArray, NDArray], shape: readonly number[], work: (run: Run) => void): NDArray {
    const { engine } = this;
    const dense = operands.map((x) => this.copies.contiguous(x));
    engine.begin(dense[0], dense[1]);
    const out = engine.create(dense[0].dtype, shape);
    if (operands.some((x) => sizeOf(x.shape) === 0)) engine.window(out).fill(0);
    else if (sizeOf(shape) > 0) {
      const run = new Run(engine, dense, out);
      try {
        work(run);
      } finally {
        run.scratch.free();
      }
      engine.collect(out);
    }
    dense.forEach((x, i) => {
      engine.discard(x, operands[i]);
    });
    return out;
  }
}

interface Modules {
  float32?: SharedModule;
  float64?: SharedModule;
}

const lanesOf = (x: NDArray): Lanes => (x.dtype === "float64" ? float64Lanes : float32Lanes);

/** The spatial extents of a convolution's result. */
function outerExtents(x: NDArray, kernel: readonly number[], { stride, dilation, padding }: Sliding): number[] {
  return kernel.map((taps, i) => {
    const room = x.shape[i + 2] + padding[i][0] + padding[i][1] - dilation[i] * (taps - 1) - 1;
    return Math.floor(room / stride[i]) + 1;
  });
}

/** The one product of windows that slide over x. */
function slidingJob(x: NDArray, outputs: number, kernel: readonly number[], sliding: Sliding, lanes: Lanes): Job {
  const { stride, dilation, padding, groups } = sliding;
  const [samples, channels] = x.shape;
  const source = x.shape.slice(2);
  const last = source.length - 1;
  const extents = source.map((extent, i) => extent + padding[i][0] + padding[i][1]);
  const before = padding.map(([zeros]) => zeros);
  const layout = layoutOf(source, extents, before, stride[last], lanes.bytes);
  const out = outerExtents(x, kernel, sliding);
  const perGroup = channels / groups;
  const rowTable = sumTable(out.slice(0, last).map((extent, i) => offsetsAlong(layout, i, extent, stride[i])));
  const width = out[last];
  const taps = sumTable([
    Array.from({ length: perGroup }, (_, c) => c * layout.channel),
    ...kernel.map((extent, i) => offsetsAlong(layout, i, extent, dilation[i])),
  ]);
  const only: Product = {
    taps,
    rowTable,
    outTable: Int32Array.from(rowTable, (_, row) => row * width * lanes.bytes),
    width,
    toStep: lanes.bytes,
    columns: Int32Array.from(taps, (_, k) => k),
  };
  return { samples, groups, channels: perGroup, rows: outputs / groups, layout, products: [only], hasGaps: false };
}

/** One call: where its operands, result, tables and scratch memory are. */
class Run {
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

  /** Takes the scratch memory: for a plan, its tables, and a copy of the source for each task. Addresses hold from here on. */
  prepare(job: Job, tasks: number): { words: Block; copies: readonly Block[] } {
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
    const copies = Array.from({ length: tasks }, () => scratch.add(isCopied ? job.channels * job.layout.channel : 0));
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
