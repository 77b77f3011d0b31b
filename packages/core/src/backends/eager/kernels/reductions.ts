/** Reductions of float32 arrays over any axes: neighbouring axes merge, and each group is one pass along memory. */
import type { NDArray } from "../../../backend/backend.ts";
import { sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { shares } from "../threads/index.ts";
import type { SharedModule } from "../wasm/index.ts";
import type { CopyKernels } from "./copy.ts";
import { type Reduction, reductionModule } from "./reduction-module.ts";

/** Elements below which a thread's share is not worth its while. */
const leastElements = 2 ** 15;

export class ReductionKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly modules: { sum?: SharedModule; max?: SharedModule; min?: SharedModule } = {};

  constructor(engine: Engine, copies: CopyKernels) {
    this.engine = engine;
    this.copies = copies;
  }

  /** Whether the kernels apply; if not, the plain ones serve. */
  serves(x: NDArray): boolean {
    return x.dtype === "float32" && sizeOf(x.shape) > 0;
  }

  /** `axes` are sorted; the result keeps them with extent 1. */
  reduce(op: Reduction, x: NDArray, axes: readonly number[]): NDArray {
    let from = this.copies.dense(x);
    if (axes.length === 0) return this.copies.contiguous(from);
    for (let last = axes.length - 1; last >= 0; ) {
      let first = last;
      while (first > 0 && axes[first - 1] === axes[first] - 1) first--;
      const next = this.reduceGroup(op, from, axes[first], axes[last]);
      this.engine.discard(from, x);
      from = next;
      last = first - 1;
    }
    return from;
  }

  /** One group of neighbouring axes, `first` to `last`, of a contiguous array. */
  private reduceGroup(op: Reduction, x: NDArray, first: number, last: number): NDArray {
    const engine = this.engine;
    const outer = sizeOf(x.shape.slice(0, first));
    const extent = sizeOf(x.shape.slice(first, last + 1));
    const inner = sizeOf(x.shape.slice(last + 1));
    this.modules[op] ??= reductionModule(op).share(engine.arena.memory);
    const module = this.modules[op];
    engine.begin(x);
    const out = engine.create(
      "float32",
      x.shape.map((size, axis) => (axis >= first && axis <= last ? 1 : size)),
    );
    const from = engine.address(x);
    const to = engine.resultAddress(out);
    const { pool } = engine;
    if (inner === 1)
      pool.divide(module, "rows", outer, 16, leastElements / extent, (start, size) => [
        from + start * extent * 4,
        to + start * 4,
        size,
        extent * 4,
      ]);
    else {
      const parts = outer === 1 ? pool.threads : 1;
      const strips = shares(inner * 4, parts, 64, (4 * leastElements) / extent);
      const tasks = Array.from({ length: outer }, (_, o) =>
        strips.map(({ start, size }) => {
          const at = o * extent * inner * 4 + start;
          return [from + at, to + o * inner * 4 + start, extent, size, inner * 4];
        }),
      ).flat();
      // Rows of results that are no whole vectors write into the next, which must then come later.
      const isFree = inner % 4 === 0 || outer === 1;
      if (isFree && outer * extent * inner >= 2 * leastElements) pool.run(module, "columns", tasks);
      else for (const task of tasks) module.functions.columns(...task);
    }
    return engine.collect(out);
  }
}
