/**
 * Convolution of planes with 3 × 3 taps by Winograd's tiles of 4 × 4 outputs: its adjoint for the input is one, too, and
 * its adjoint for the weight is the adjoint of the tiles. A quarter of the multiplications of the definition.
 *
 * Its rounding error is two to three times that of the definition, up to six for small planes, relative to what a tile
 * meets (see transforms.ts); integers give no exact integers. What is infinite or NaN in one place makes the 4 × 4 results
 * of each tile NaN that meets it.
 */
import type { NDArray, Sliding } from "../../../../backend/backend.ts";
import { sizeOf } from "../../arrays.ts";
import type { Engine } from "../../engine.ts";
import { float32Lanes } from "../../kernels/lanes.ts";
import { guidedShares, shares } from "../../threads/index.ts";
import { hasRelaxedSimd, type SharedModule } from "../../wasm/index.ts";
import { type Block, Scratch } from "../scratch.ts";
import { group, plan, pointBytes, pointCount, room, tile, wide } from "./layout.ts";
import { winogradModule } from "./module.ts";
import { outputs } from "./transforms.ts";

/** Channels on either side from which on the transformations are worth their while. */
const leastChannels = 8;

/** Most channels: float32 sums over them are not divided. */
const mostChannels = 512;

/** Multiplications of the definition below which work is not divided, and in a share at the least. */
const worthDividing = 2 ** 21;
const leastWork = 2 ** 20;

/** Planes of 3 × 3 taps to and from points, and bytes of partial sums, that are worth a share. */
const leastTransformed = 1024;
const leastTotal = 2 ** 15;

/** What the points of a task's inputs and products may take: they stay in the second-level cache. */
const pointBudget = 320 * 1024;
const mostTiles = 64;

/** Partial sums of the adjoint for the weight, and the bytes of all of them, by the shape alone. */
const fewestPartials = 4;
const mostPartials = 16;
const partialBudget = 2 ** 22;
const mostPartialBytes = 2 ** 26;

const padded = (extent: number, step: number): number => Math.ceil(extent / step) * step;

export class Winograd {
  private readonly engine: Engine;
  private module: SharedModule | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Whether windows of `source` [N, C, H, W] that reach `rows` channels at so many positions are faster here. */
  serves(
    source: NDArray,
    rows: number,
    positions: readonly number[],
    kernel: readonly number[],
    sliding: Sliding,
  ): boolean {
    const { stride, dilation, padding, groups } = sliding;
    const inputs = source.shape[1];
    const tiles = positions.reduce((all, extent) => all * Math.ceil(extent / outputs), 1);
    return (
      source.dtype === "float32" &&
      groups === 1 &&
      kernel.length === 2 &&
      kernel.every((taps) => taps === 3) &&
      stride.every((step) => step === 1) &&
      dilation.every((step) => step === 1) &&
      padding.every((sides) => sides.every((zeros) => zeros >= 0 && zeros <= 2)) &&
      Math.min(inputs, rows) >= leastChannels &&
      Math.max(inputs, rows) <= mostChannels &&
      // Not where most of the tiles' outputs lie outside.
      2 * pointCount * tiles <= 9 * sizeOf(positions)
    );
  }

  /** Whether its adjoint for the weight is, too. */
  servesWeight(inputs: number, rows: number): boolean {
    return inputs % 4 === 0 && rows % 4 === 0 && fewestPartials * this.productBytes(inputs, rows) <= mostPartialBytes;
  }

  /** `x` [N, C, H, W] and `weight` [O, C, 3, 3], dense; to `out` [N, O, …], padded in front as given. */
  forward(x: NDArray, weight: NDArray, out: NDArray, padding: Sliding["padding"]): void {
    const channels = x.shape[1];
    this.slide(x, out, padding, weight, { row: 36 * channels, channel: 36, first: 0, tap: 4 });
  }

  /** `ct` [N, O, …] and `weight` [O, C, 3, 3], dense; to `out` [N, C, H, W]: turned windows over the cotangents. */
  inputAdjoint(ct: NDArray, weight: NDArray, out: NDArray, padding: Sliding["padding"]): void {
    const turned = padding.map(([before, after]) => [2 - before, 2 - after] as const);
    this.slide(ct, out, turned, weight, { row: 36, channel: 36 * out.shape[1], first: 32, tap: -4 });
  }

  private slide(
    x: NDArray,
    out: NDArray,
    padding: Sliding["padding"],
    weight: NDArray,
    taps: { readonly row: number; readonly channel: number; readonly first: number; readonly tap: number },
  ): void {
    const { engine } = this;
    const { pool } = engine;
    const scratch = new Scratch(engine);
    const [samples, channels] = x.shape;
    const rows = out.shape[1];
    const job = tiling(x, out, padding, channels + rows, false);
    const work = 9 * channels * sizeOf(out.shape);
    const parts = work < worthDividing ? 1 : pool.threads;
    // Tiles of one sample are divided where there are few samples.
    const bySample = guidedShares(samples, parts, job.samplesAtOnce, (leastWork * samples) / work);
    const byTile = shares(job.tiles, samples < parts ? Math.ceil(parts / samples) : 1, job.tilesAtOnce);
    const tasks = bySample.flatMap((sample) => byTile.map((tiles) => ({ sample, tiles })));
    const words = scratch.add(4 * plan.words);
    const groups = scratch.table(job.groups);
    const weights = scratch.add(pointCount * pointBytes(channels * padded(rows, tile.rows)));
    const rooms = scratch.add(room.copies * pool.threads);
    const inputs = job.copyBytes;
    const products = inputs + pointCount * pointBytes(channels * job.tilesAtOnce);
    const ownBytes = padded(
      room.copies + products + pointCount * pointBytes(padded(rows, tile.rows) * job.tilesAtOnce),
      64,
    );
    const own = scratch.add(ownBytes * parts);
    scratch.take();
    try {
      const module = this.shared();
      this.write(words, {
        ...job.words,
        channels,
        rows,
        groups: groups.address,
        source: engine.address(x),
        other: engine.resultAddress(out),
        weights: weights.address,
        weightsPoint: pointBytes(channels * padded(rows, tile.rows)),
        inputs: room.copies + inputs,
        inputsPoint: pointBytes(channels * job.tilesAtOnce),
        products: room.copies + products,
        productsPoint: pointBytes(padded(rows, tile.rows) * job.tilesAtOnce),
      });
      for (let t = 0; t < parts; t++) engine.clear(own.address + t * ownBytes + room.copies, job.copyBytes);
      const [from, toPoint] = [engine.address(weight) + taps.first, pointBytes(channels * padded(rows, tile.rows))];
      pool.divide(
        module,
        "weights",
        rows,
        tile.rows,
        leastTransformed / channels,
        (start, size) => [
          ...[from + start * taps.row, taps.row, taps.channel, 3 * taps.tap, taps.tap, size, channels],
          ...[weights.address + start * channels * 4, toPoint, rooms.address],
        ],
        room.copies,
      );
      pool.run(
        module,
        "forward",
        tasks.map(({ sample, tiles }) => [
          ...[words.address, sample.start, sample.start + sample.size, tiles.start, tiles.start + tiles.size],
          own.address,
        ]),
        ownBytes,
      );
    } finally {
      scratch.free();
    }
  }

  /** `x` [N, C, H, W] and `ct` [N, O, …], dense; to `out` [O, C, 3, 3]. */
  weightAdjoint(x: NDArray, ct: NDArray, out: NDArray, padding: Sliding["padding"]): void {
    const { engine } = this;
    const { pool } = engine;
    const scratch = new Scratch(engine);
    const [samples, channels] = x.shape;
    const rows = ct.shape[1];
    const columns = padded(channels, wide);
    const job = tiling(x, ct, padding, columns + rows, true);
    const partialBytes = this.productBytes(channels, rows);
    const partialCount = Math.min(mostPartials, Math.max(fewestPartials, Math.floor(partialBudget / partialBytes)));
    const tasks = shares(samples, partialCount);
    const words = scratch.add(4 * plan.words);
    const groups = scratch.table(job.groups);
    const partials = scratch.add(partialBytes * tasks.length);
    const rooms = scratch.add(room.copies * pool.threads);
    const inputs = job.copyBytes;
    const products = inputs + pointCount * pointBytes(columns * job.tilesAtOnce);
    const ownBytes = padded(room.copies + products + pointCount * pointBytes(rows * job.tilesAtOnce), 64);
    const parts = 9 * channels * sizeOf(ct.shape) < worthDividing ? 1 : pool.threads;
    const own = scratch.add(ownBytes * parts);
    scratch.take();
    try {
      const module = this.shared();
      this.write(words, {
        ...job.words,
        channels,
        rows,
        groups: groups.address,
        source: engine.address(x),
        other: engine.address(ct),
        weights: 0,
        weightsPoint: 0,
        inputs: room.copies + inputs,
        inputsPoint: pointBytes(columns * job.tilesAtOnce),
        products: room.copies + products,
        productsPoint: pointBytes(rows * job.tilesAtOnce),
      });
      engine.clear(partials.address, partials.bytes);
      for (let t = 0; t < parts; t++) engine.clear(own.address + t * ownBytes + room.copies, job.copyBytes);
      const parameters = tasks.map(({ start, size }, t) => [
        ...[words.address, start, start + size, partials.address + t * partialBytes],
        own.address,
      ]);
      if (parts === 1) for (const task of parameters) module.functions.adjoint(...task);
      else pool.run(module, "adjoint", parameters, ownBytes);
      const { address } = partials;
      if (tasks.length > 1)
        pool.divide(module, "total", partialBytes, 64, leastTotal, (start, size) => [
          ...[address + start, partialBytes, tasks.length, address + start, size],
        ]);
      const result = engine.resultAddress(out);
      pool.divide(
        module,
        "gradient",
        rows,
        1,
        leastTransformed / channels,
        (start, size) => [
          ...[address + start * columns * 4, pointBytes(columns * rows), columns * 4, size, channels],
          ...[result + start * channels * 36, rooms.address],
        ],
        room.copies,
      );
    } finally {
      scratch.free();
    }
  }

  /** The bytes of products for all points, of which each share of the samples has its own. */
  private productBytes(channels: number, rows: number): number {
    return pointCount * pointBytes(padded(channels, wide) * rows);
  }

  private shared(): SharedModule {
    this.module ??= winogradModule(float32Lanes, hasRelaxedSimd()).share(this.engine.arena.memory);
    return this.module;
  }

  private write({ address }: Block, entries: Record<Exclude<keyof typeof plan, "words">, number>): void {
    const { int32 } = this.engine.arena.views;
    for (const [name, value] of Object.entries(entries)) int32[address / 4 + plan[name as keyof typeof plan]] = value;
  }
}

/**
 * How the positions of `result`, [N, …, H, W], are divided into tiles, over a copy of `source` between zeros; and, where
 * `isAdjoint`, over a copy of `result` itself where it has rows or columns that are no whole tiles.
 */
function tiling(
  source: NDArray,
  result: NDArray,
  padding: Sliding["padding"],
  channelsInAll: number,
  isAdjoint: boolean,
) {
  const [samples, channels, height, width] = source.shape;
  const [, rows, outHeight, outWidth] = result.shape;
  const [down, across] = [Math.ceil(outHeight / outputs), Math.ceil(outWidth / outputs)];
  const tilesPerSample = down * across;
  const tilesAtOnce = Math.max(8, Math.min(mostTiles, Math.floor(pointBudget / (pointCount * 4 * channelsInAll))) & -8);
  const samplesAtOnce = Math.max(1, Math.min(samples, Math.floor(tilesAtOnce / tilesPerSample)));
  const copyRow = 4 * (outputs * across + 2);
  const copyChannel = copyRow * (outputs * down + 2);
  const copySample = copyChannel * channels;
  const otherIsCopied = isAdjoint && (outHeight % outputs !== 0 || outWidth % outputs !== 0);
  const otherCopyRow = 4 * outputs * across;
  const otherCopyChannel = otherCopyRow * outputs * down;
  const otherCopySample = otherCopyChannel * rows;
  // Six columns are read as eight.
  const otherCopy = padded(copySample * samplesAtOnce + 16, 64);
  const otherSample = 4 * rows * outHeight * outWidth;
  const [otherRow, eachSample] = otherIsCopied ? [otherCopyRow, otherCopySample] : [4 * outWidth, otherSample];

  const tiles = samplesAtOnce * tilesPerSample;
  const groups = new Int32Array(Math.ceil(tiles / 4) * group.words);
  for (let t = 0; t < tiles; t++) {
    const [sample, y, x] = [Math.floor(t / tilesPerSample), Math.floor(t / across) % down, t % across];
    const at = (t >> 2) * group.words + (t & 3);
    groups[at + group.source] = sample * copySample + outputs * (y * copyRow + x * 4);
    groups[at + group.other] = sample * eachSample + outputs * (y * otherRow + x * 4);
    const [highest, widest] = [Math.min(outputs, outHeight - outputs * y), Math.min(outputs, outWidth - outputs * x)];
    groups[at + group.inside] = (highest << 8) | widest;
  }
  const whole = (outputs << 8) | outputs;
  for (let at = 0; at < groups.length; at += group.words)
    groups[at + group.isWhole] = groups.subarray(at + group.inside, at + group.words).every((i) => i === whole) ? 1 : 0;

  return {
    tiles,
    tilesAtOnce,
    samplesAtOnce,
    groups,
    copyBytes: otherCopy + (otherIsCopied ? padded(otherCopySample * samplesAtOnce, 64) : 0),
    words: {
      samplesAtOnce,
      tilesPerSample,
      tilesAtOnce,
      sourceSample: 4 * channels * height * width,
      sourceChannel: 4 * height * width,
      sourceRow: 4 * width,
      sourceRows: height,
      sourceColumns: width,
      copy: room.copies,
      copySample,
      copyChannel,
      copyRow,
      copyStart: padding[0][0] * copyRow + 4 * padding[1][0],
      otherSample,
      otherChannel: 4 * outHeight * outWidth,
      otherRow: 4 * outWidth,
      otherIsCopied: otherIsCopied ? 1 : 0,
      otherRows: outHeight,
      otherColumns: outWidth,
      otherCopy: room.copies + otherCopy,
      otherCopySample,
      otherCopyChannel,
      otherCopyRow,
    },
  };
}
