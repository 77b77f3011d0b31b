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
import type { Lanes } from "../kernels/lanes.ts";
import { guidedShares, shares } from "../threads/index.ts";
import { hasRelaxedSimd, type SharedModule } from "../wasm/index.ts";
import { adjointModule } from "./adjoint-module.ts";
import { combinations, layoutOf, offsetsAlong, phasesOf, sumTable } from "./geometry.ts";
import { packPanels } from "./panels.ts";
import { productModule } from "./product-module.ts";
import { type Job, lanesOf, type Product, Run } from "./run.ts";
import { Winograd } from "./winograd/index.ts";

/** Multiplications and additions below which work is not divided, and in a share at the least. */
const worthDividing = 2 ** 19;
const leastWork = 2 ** 18;

/**
 * Partial sums of a weight's adjoint at most, and the bytes that all of them take: the samples are divided in the same
 * way whatever the number of threads, so that sums do not depend on it.
 */
const mostPartials = 16;
const mostPartialBytes = 2 ** 24;

/** Bytes of partial sums that are worth a share. */
const leastTotal = 2 ** 15;

export class ConvolutionKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly modules: { products: Modules; adjoints: Modules } = { products: {}, adjoints: {} };
  private readonly winograd: Winograd;

  constructor(engine: Engine, copies: CopyKernels) {
    this.engine = engine;
    this.copies = copies;
    this.winograd = new Winograd(engine);
  }

  /** x [N, C, …], weight [O, C / groups, …kernel], float32 or float64: [N, O, …]. */
  forward(x: NDArray, weight: NDArray, sliding: Sliding): NDArray {
    const [rows, , ...kernel] = weight.shape;
    const outer = outerExtents(x, kernel, sliding);
    const shape = [x.shape[0], rows, ...outer];
    if (this.winograd.serves(x, rows, outer, kernel, sliding))
      return this.into([x, weight], shape, ([source, own], out) => {
        this.winograd.forward(source, own, out, sliding.padding);
      });
    const job = slidingJob(x, rows, kernel, sliding, lanesOf(x));
    return this.within([x, weight], shape, (run) => {
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
    if (this.winograd.serves(ct, weight.shape[1], spatial, kernel, sliding))
      return this.into([ct, weight], [samples, weight.shape[1], ...spatial], ([source, own], out) => {
        this.winograd.inputAdjoint(source, own, out, padding);
      });
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
    const [channels, outputs] = [x.shape[1], ct.shape[1]];
    if (
      this.winograd.serves(x, outputs, ct.shape.slice(2), kernel, sliding) &&
      this.winograd.servesWeight(channels, outputs)
    )
      return this.into([x, ct], [outputs, channels, ...kernel], ([source, own], out) => {
        this.winograd.weightAdjoint(source, own, out, sliding.padding);
      });
    const job = slidingJob(x, outputs, kernel, sliding, lanes);
    const { samples, groups, rows } = job;
    const { taps, rowTable, width } = job.products[0];
    return this.within([x, ct], [outputs, job.channels, ...kernel], (run) => {
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
      pool.divide(module, "total", partialBytes, 64, leastTotal, (start, size) => [
        ...[partials.address + start, stride, chunks.length, run.result() + start, size],
      ]);
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
    // Rows of one sample are divided where there are few samples.
    const bySample = guidedShares(samples, parts, 1, (leastWork * samples) / work);
    const byRow = shares(rowCount, products.length === 1 && samples < parts ? Math.ceil(parts / samples) : 1);
    const tasks = bySample.flatMap((sample) => byRow.map((row) => ({ sample, row })));
    const panels = products.map(({ columns }) => run.scratch.add(groups * rows * columns.length * lanes.bytes));
    const { words, copies } = run.prepare(job, parts);
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
      tasks.map(({ sample, row }) => [
        ...[words.address, sample.start, sample.start + sample.size, row.start, row.start + row.size],
        copies[0].address,
      ]),
      parts > 1 ? copies[1].address - copies[0].address : 0,
    );
  }

  private module(modules: Modules, make: typeof productModule, lanes: Lanes): SharedModule {
    modules[lanes.dtype] ??= make(lanes, hasRelaxedSimd()).share(this.engine.arena.memory);
    return modules[lanes.dtype] as SharedModule;
  }

  /** As `into`, with a plan of its own; gives back all scratch memory at the end. */
  private within(operands: readonly [NDArray, NDArray], shape: readonly number[], work: (run: Run) => void): NDArray {
    return this.into(operands, shape, (dense, out) => {
      const run = new Run(this.engine, dense, out);
      try {
        work(run);
      } finally {
        run.scratch.free();
      }
    });
  }

  /** Makes the operands contiguous and creates the result, which `work` fills where there is anything to compute. */
  private into(
    operands: readonly [NDArray, NDArray],
    shape: readonly number[],
    work: (dense: readonly [NDArray, NDArray], out: NDArray) => void,
  ): NDArray {
    const { engine } = this;
    const dense = [this.copies.dense(operands[0]), this.copies.dense(operands[1])] as const;
    engine.begin(dense[0], dense[1]);
    const out = engine.create(dense[0].dtype, shape);
    if (operands.some((x) => sizeOf(x.shape) === 0)) engine.window(out).fill(0);
    else if (sizeOf(shape) > 0) {
      work(dense, out);
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
