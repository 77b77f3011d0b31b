/** Reductions of float32 arrays over any axes: neighbouring axes merge, and each group is one pass along memory. */
import type { NDArray } from "../../../backend/backend.ts";
import { isContiguous, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import type { CopyKernels } from "./copy.ts";
import { type Reduction, type ReductionFunctions, reductionModule } from "./reduction-module.ts";

export class ReductionKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly functions: { sum?: ReductionFunctions; max?: ReductionFunctions; min?: ReductionFunctions } = {};

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
    let from = isContiguous(x) ? x : this.copies.contiguous(x);
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
    this.functions[op] ??= reductionModule(op).instantiate(engine.arena.memory) as unknown as ReductionFunctions;
    const { rows, columns } = this.functions[op] as ReductionFunctions;
    engine.begin(x);
    const out = engine.create(
      "float32",
      x.shape.map((size, axis) => (axis >= first && axis <= last ? 1 : size)),
    );
    const from = engine.address(x);
    const to = engine.resultAddress(out);
    if (inner === 1) rows(from, to, outer, extent * 4);
    else for (let o = 0; o < outer; o++) columns(from + o * extent * inner * 4, to + o * inner * 4, extent, inner * 4);
    return engine.collect(out);
  }
}
