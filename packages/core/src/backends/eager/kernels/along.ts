/** `takeAlongAxis` and `scatterAdd` of 32-bit elements: generated code, shared between threads by what lies before the axis. */
import type { NDArray } from "../../../backend/backend.ts";
import { around, elementBytes, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import * as plain from "../plain/index.ts";
import type { SharedModule } from "../wasm/index.ts";
import { alongModule } from "./along-module.ts";
import type { CopyKernels } from "./copy.ts";

/** Fewer elements than this are moved as fast in JavaScript. */
const worthwhile = 64;

/** Elements below which a thread's share is not worth its while. */
const leastElements = 2 ** 14;

/** A word that kernels set. */
const flagBytes = 64;

export class AlongKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private module: SharedModule | undefined;

  constructor(engine: Engine, copies: CopyKernels) {
    this.engine = engine;
    this.copies = copies;
  }

  takeAlongAxis(x: NDArray, indices: NDArray, axis: number): NDArray {
    if (elementBytes[x.dtype] !== 4 || sizeOf(indices.shape) < worthwhile || sizeOf(x.shape) === 0)
      return plain.takeAlongAxis(this.engine, x, indices, axis);
    const { engine } = this;
    const [source, at] = [this.copies.dense(x), this.copies.dense(indices)];
    engine.begin(source, at);
    const out = engine.create(x.dtype, indices.shape);
    const isInside = this.run("take", source, at, out, axis, engine.address(source), engine.resultAddress(out));
    engine.discard(source, x);
    engine.discard(at, indices);
    // The plain loop finds out which index it is, and says so.
    return isInside ? engine.collect(out) : plain.takeAlongAxis(engine, x, indices, axis);
  }

  scatterAdd(x: NDArray, indices: NDArray, source: NDArray, axis: number): NDArray {
    if (x.dtype !== "float32" || sizeOf(indices.shape) < worthwhile || sizeOf(x.shape) < worthwhile)
      return plain.scatterAdd(this.engine, x, indices, source, axis);
    const { engine } = this;
    const out = this.copies.contiguous(x);
    const [from, at] = [this.copies.dense(source), this.copies.dense(indices)];
    engine.begin(out, from, at);
    const isInside = this.run("add", out, at, from, axis, engine.address(from), engine.address(out));
    engine.discard(from, source);
    engine.discard(at, indices);
    if (isInside) return out;
    engine.discard(out, x);
    return plain.scatterAdd(engine, x, indices, source, axis);
  }

  /** Runs one of the kernels over `table`, which has all elements of the axis, and `cells`, which has those of the indices. */
  private run(
    name: "take" | "add",
    table: NDArray,
    indices: NDArray,
    cells: NDArray,
    axis: number,
    from: number,
    to: number,
  ): boolean {
    const { engine } = this;
    this.module ??= alongModule().share(engine.arena.memory);
    const { outer, extent, inner } = around(table.shape, axis);
    const count = cells.shape[axis];
    const bad = engine.arena.scratch(flagBytes);
    const words = engine.arena.views.int32;
    words[bad / 4] = 0;
    const at = engine.address(indices);
    const [whole, part] = [extent * inner * 4, count * inner * 4];
    const [fromStep, toStep] = name === "take" ? [whole, part] : [part, whole];
    engine.pool.divide(this.module, name, outer, 1, (4 * leastElements) / part, (first, size) => [
      from + first * fromStep,
      at + first * part,
      to + first * toStep,
      size,
      extent,
      count,
      inner,
      bad,
    ]);
    const isInside = words[bad / 4] === 0;
    engine.arena.freeScratch(bad, flagBytes);
    return isInside;
  }
}
