/**
 * Convolution and its two adjoints as implicit matrix products: the windows are never laid out in memory, the packing
 * of the product's right operand reads them from a zero-padded copy of one sample. The adjoint for the input of a
 * strided convolution is one dense product per residue of the position modulo the stride, so no work is spent on zeros.
 */
import type { NDArray, Sliding } from "../../../backend/backend.ts";
import { rowMajor, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import type { CopyKernels } from "../kernels/index.ts";
import { float32Lanes, float64Lanes, type Lanes } from "../kernels/lanes.ts";
import {
  combinations,
  fillPadded,
  isPlain,
  offsetTable,
  type Padded,
  paddedSize,
  phasesOf,
  sumTable,
} from "./geometry.ts";
import { type Columns, Products } from "./products.ts";
import { type Block, Scratch } from "./scratch.ts";

export class ConvolutionKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly products: Products;

  constructor(engine: Engine, copies: CopyKernels) {
    this.engine = engine;
    this.copies = copies;
    this.products = new Products(engine);
  }

  /** x [N, C, …], weight [O, C / groups, …kernel], float32 or float64: [N, O, …]. */
  forward(x: NDArray, weight: NDArray, sliding: Sliding): NDArray {
    const { stride, dilation, padding, groups } = sliding;
    const kernel = weight.shape.slice(2);
    const [samples, channels] = x.shape;
    const source = x.shape.slice(2);
    const extents = source.map((extent, i) => extent + padding[i][0] + padding[i][1]);
    const out = extents.map((extent, i) => Math.floor((extent - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1);
    const rows = weight.shape[0] / groups;
    const block: Padded = { channels: channels / groups, source, extents, before: padding.map(([before]) => before) };
    return this.within([x, weight], [samples, weight.shape[0], ...out], (run) => {
      const { lanes } = run;
      const spatial = rowMajorBytes(extents, lanes);
      const taps = offsetTable(
        [block.channels, ...kernel],
        [spatial.size, ...spatial.strides.map((bytes, i) => bytes * dilation[i])],
      );
      const columns = columnsOf(
        out,
        spatial.strides.map((bytes, i) => bytes * stride[i]),
      );
      const product = this.products.plan(run.scratch, lanes, rows, taps, columns);
      const padded = isPlain(block) ? undefined : run.scratch.add(paddedSize(block) * lanes.bytes);
      run.start();
      if (padded !== undefined) run.clear(padded);
      const outBytes = sizeOf(out) * lanes.bytes;
      for (let n = 0; n < samples; n++)
        for (let g = 0; g < groups; g++) {
          const at = run.address(0) + (n * channels + g * block.channels) * sizeOf(source) * lanes.bytes;
          product.run(
            { address: run.address(1) + g * rows * taps.length * lanes.bytes, rowStride: taps.length * lanes.bytes },
            run.padded(block, at, padded),
            run.result() + (n * weight.shape[0] + g * rows) * outBytes,
          );
        }
    });
  }

  /** The adjoint for x, whose spatial extents are given: ct [N, O, …], weight [O, C / groups, …kernel]: [N, C, …spatial]. */
  inputAdjoint(ct: NDArray, weight: NDArray, sliding: Sliding, spatial: readonly number[]): NDArray {
    const { stride, dilation, padding, groups } = sliding;
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
    const block: Padded = { channels: perGroup, source, extents, before };
    return this.within([ct, weight], [samples, groups * rows, ...spatial], (run) => {
      const { lanes } = run;
      const layout = rowMajorBytes(extents, lanes);
      const direct = stride.every((step) => step === 1);
      const kernelStrides = rowMajor(kernel);
      const planeStrides = rowMajor(spatial);
      const phases = combinations(axes)
        .filter((choice) => choice.every((phase) => phase.taps.length > 0))
        .map((choice) => {
          const counts = choice.map((phase) => phase.count);
          const taps = sumTable([
            Array.from({ length: perGroup }, (_, o) => o * layout.size),
            ...choice.map((phase, i) => phase.outputs.map((o) => (o + before[i]) * layout.strides[i])),
          ]);
          return {
            taps,
            kernel: sumTable(choice.map((phase, i) => phase.taps.map((t) => t * kernelStrides[i]))),
            places: sumTable(
              choice.map((phase, i) =>
                Array.from({ length: phase.count }, (_, q) => (phase.first + q * stride[i]) * planeStrides[i]),
              ),
            ),
            left: run.scratch.add(groups * rows * taps.length * lanes.bytes),
            target: direct ? undefined : run.scratch.add(rows * sizeOf(counts) * lanes.bytes),
            product: this.products.plan(run.scratch, lanes, rows, taps, columnsOf(counts, layout.strides)),
          };
        });
      const padded = isPlain(block) ? undefined : run.scratch.add(paddedSize(block) * lanes.bytes);
      run.start();
      if (padded !== undefined) run.clear(padded);
      const elements = run.elements();
      for (const phase of phases) {
        const from = run.address(1) / lanes.bytes;
        turnWeights(elements, from, phase.left.address / lanes.bytes, weight.shape, groups, phase.kernel);
      }
      if (!direct || phases.length === 0) run.clearResult();
      const plane = sizeOf(spatial);
      for (let n = 0; n < samples; n++)
        for (let g = 0; g < groups; g++) {
          const at = run.address(0) + (n * outputs + g * perGroup) * sizeOf(source) * lanes.bytes;
          const from = run.padded(block, at, padded);
          const to = run.result() + (n * groups + g) * rows * plane * lanes.bytes;
          for (const { taps, places, left, target, product } of phases) {
            const rowStride = taps.length * lanes.bytes;
            product.run({ address: left.address + g * rows * rowStride, rowStride }, from, target?.address ?? to);
            if (target !== undefined)
              spreadPhase(elements, target.address / lanes.bytes, to / lanes.bytes, rows, places, plane);
          }
        }
    });
  }

  /** The adjoint for the weight, whose kernel extents are given: x [N, C, …], ct [N, O, …]: [O, C / groups, …kernel]. */
  weightAdjoint(x: NDArray, ct: NDArray, sliding: Sliding, kernel: readonly number[]): NDArray {
    const { stride, dilation, padding, groups } = sliding;
    const [samples, channels] = x.shape;
    const source = x.shape.slice(2);
    const out = ct.shape.slice(2);
    const extents = source.map((extent, i) => extent + padding[i][0] + padding[i][1]);
    const rows = ct.shape[1] / groups;
    const block: Padded = { channels: channels / groups, source, extents, before: padding.map(([before]) => before) };
    return this.within([x, ct], [ct.shape[1], block.channels, ...kernel], (run) => {
      const { lanes } = run;
      const spatial = rowMajorBytes(extents, lanes);
      const taps = offsetTable(
        [block.channels, ...kernel],
        [spatial.size, ...spatial.strides.map((bytes, i) => bytes * dilation[i])],
      );
      const positions = columnsOf(
        out,
        spatial.strides.map((bytes, i) => bytes * stride[i]),
      );
      const product = this.products.planAdjoint(run.scratch, lanes, rows, taps, positions);
      const padded = isPlain(block) ? undefined : run.scratch.add(paddedSize(block) * lanes.bytes);
      run.start();
      if (padded !== undefined) run.clear(padded);
      run.clearResult();
      const outBytes = sizeOf(out) * lanes.bytes;
      for (let g = 0; g < groups; g++)
        for (let n = 0; n < samples; n++) {
          const at = run.address(0) + (n * channels + g * block.channels) * sizeOf(source) * lanes.bytes;
          product.run(
            { address: run.address(1) + (n * ct.shape[1] + g * rows) * outBytes, rowStride: outBytes },
            run.padded(block, at, padded),
            run.result() + g * rows * taps.length * lanes.bytes,
          );
        }
    });
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

/** One call: where its operands, result and scratch memory are. */
class Run {
  readonly lanes: Lanes;
  readonly scratch: Scratch;
  private readonly engine: Engine;
  private readonly operands: readonly NDArray[];
  private readonly out: NDArray;
  private addresses: readonly number[] = [];
  private to = 0;

  constructor(engine: Engine, operands: readonly NDArray[], out: NDArray) {
    this.engine = engine;
    this.operands = operands;
    this.out = out;
    this.lanes = out.dtype === "float64" ? float64Lanes : float32Lanes;
    this.scratch = new Scratch(engine);
  }

  /** Takes the scratch memory; addresses hold from here on. */
  start(): void {
    this.scratch.take();
    this.addresses = this.operands.map((x) => this.engine.address(x));
    this.to = this.engine.resultAddress(this.out);
  }

  address = (operand: number): number => this.addresses[operand];
  result = (): number => this.to;

  elements(): Float32Array | Float64Array {
    const { views } = this.engine.arena;
    return this.lanes.count === 4 ? views.float32 : views.float64;
  }

  clear({ address, bytes }: Block): void {
    this.engine.arena.views.uint8.fill(0, address, address + bytes);
  }

  clearResult(): void {
    this.clear({ address: this.to, bytes: sizeOf(this.out.shape) * this.lanes.bytes });
  }

  /** The address of the padded copy of the channels at `at`, or `at` itself where none is needed. */
  padded(block: Padded, at: number, copy: Block | undefined): number {
    if (copy === undefined) return at;
    fillPadded(this.engine.arena.views.uint8, block, this.lanes.bytes, at, copy.address);
    return copy.address;
  }
}

/** Byte strides of the spatial axes of a row-major block of channels, and the bytes of one channel. */
function rowMajorBytes(extents: readonly number[], lanes: Lanes): { strides: number[]; size: number } {
  return { strides: rowMajor(extents).map((stride) => stride * lanes.bytes), size: sizeOf(extents) * lanes.bytes };
}

function columnsOf(extents: readonly number[], strides: readonly number[]): Columns {
  const last = extents.length - 1;
  return { table: offsetTable(extents, strides), width: extents[last], step: strides[last] };
}

/**
 * The weight [O, C / groups, …kernel] with the kernel positions of one phase, as one matrix per group: a row for each
 * input channel, whose columns are the group's output channels and the positions.
 */
function turnWeights(
  elements: Float32Array | Float64Array,
  from: number,
  to: number,
  shape: readonly number[],
  groups: number,
  positions: Int32Array,
): void {
  const [outputs, channels] = shape;
  const perGroup = outputs / groups;
  const kernel = sizeOf(shape.slice(2));
  let at = to;
  for (let g = 0; g < groups; g++)
    for (let c = 0; c < channels; c++)
      for (let o = 0; o < perGroup; o++) {
        const base = from + ((g * perGroup + o) * channels + c) * kernel;
        for (let t = 0; t < positions.length; t++, at++) elements[at] = elements[base + positions[t]];
      }
}

/** Rows of one phase's positions to their places, `stride` apart, in rows of all positions. */
function spreadPhase(
  elements: Float32Array | Float64Array,
  from: number,
  to: number,
  rows: number,
  phase: Int32Array,
  plane: number,
): void {
  for (let row = 0, at = from; row < rows; row++)
    for (let p = 0; p < phase.length; p++, at++) elements[to + row * plane + phase[p]] = elements[at];
}
