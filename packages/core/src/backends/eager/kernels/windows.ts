/** The positions of maxima in pooling windows, in generated code for float32. */
import type { NDArray, WindowAxis } from "../../../backend/backend.ts";
import { sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import * as plain from "../plain/index.ts";
import type { SharedModule } from "../wasm/index.ts";
import type { CopyKernels } from "./copy.ts";
import { windowModule } from "./window-module.ts";

/** Elements below which a thread's share of the planes is not worth its while. */
const leastElements = 2 ** 14;

export class WindowKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private module: SharedModule | undefined;

  constructor(engine: Engine, copies: CopyKernels) {
    this.engine = engine;
    this.copies = copies;
  }

  /** Whether the kernel applies; if not, the plain one serves. */
  serves(x: NDArray): boolean {
    return x.dtype === "float32" && sizeOf(x.shape) > 0;
  }

  /** x [N, C, …spatial] to int32 positions [N, C, …cells]. */
  argmax(x: NDArray, windows: readonly WindowAxis[]): NDArray {
    const { engine } = this;
    this.module ??= windowModule().share(engine.arena.memory);
    const dense = this.copies.dense(x);
    engine.begin(dense);
    const cellShape = windows.map((axis) => axis.start.length);
    const out = engine.create("int32", [x.shape[0], x.shape[1], ...cellShape]);
    const rows = plain.cellRows(x.shape.slice(2), windows).flatMap((starts) => [starts.length, ...starts]);
    const { start, count, step } = windows[windows.length - 1];
    const cells = start.flatMap((first, cell) => [first, count[cell]]);
    const tableBytes = (rows.length + cells.length) * 4;
    const table = engine.arena.scratch(tableBytes);
    engine.arena.views.int32.set([...rows, ...cells], table / 4);
    const from = engine.address(dense);
    const to = engine.resultAddress(out);
    const planes = x.shape[0] * x.shape[1];
    const planeBytes = sizeOf(x.shape.slice(2)) * 4;
    const perPlane = sizeOf(cellShape);
    const isPairs =
      step === 1 && start.length >= 4 && start.every((at, i) => at === start[0] + 2 * i && count[i] === count[0]);
    const rest = isPairs
      ? [planeBytes, table, perPlane / start.length, start[0], start.length, count[0]]
      : [planeBytes, table, perPlane / start.length, table + rows.length * 4, start.length, step];
    engine.pool.divide(
      this.module,
      isPairs ? "argmaxPairs" : "argmax",
      planes,
      1,
      (4 * leastElements) / planeBytes,
      (first, size) => [from + first * planeBytes, to + first * perPlane * 4, size, ...rest],
    );
    engine.arena.freeScratch(table, tableBytes);
    engine.discard(dense, x);
    return engine.collect(out);
  }
}
