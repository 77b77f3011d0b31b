/** Copies of whole arrays and of runs. 32-bit elements go through generated code, others through JavaScript. */
import type { NDArray } from "../../../backend/backend.ts";
import { around, elementBytes, isContiguous, rowMajor, sizeOf } from "../arrays.ts";
import { type Engine, localBytes } from "../engine.ts";
import { innermost, nestOf, walkBlocks } from "../layout.ts";
import * as plain from "../plain/index.ts";
import { shares } from "../threads/index.ts";
import type { SharedModule } from "../wasm/index.ts";
import { copyModule } from "./copy-module.ts";

/** Fewer elements than this are copied as fast in JavaScript. */
const worthwhile = 64;

/** Elements below which a thread's share of a copy is not worth its while. */
const leastElements = 2 ** 15;

/** Runs of this many bytes move faster by `copyWithin` than element by element. */
const longRun = 2 * localBytes;

export class CopyKernels {
  private readonly engine: Engine;
  private module: SharedModule | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** `x` itself where it is contiguous, else a copy; `engine.discard(dense, x)` afterwards. */
  dense(x: NDArray): NDArray {
    return isContiguous(x) ? x : this.contiguous(x);
  }

  contiguous(x: NDArray): NDArray {
    const size = sizeOf(x.shape);
    if (elementBytes[x.dtype] !== 4 || size < worthwhile) return plain.contiguous(this.engine, x);
    this.engine.begin(x);
    const out = this.engine.createSized(x.dtype, x.shape, size);
    this.copyTo(x, this.engine.resultAddress(out), rowMajor(x.shape));
    return this.engine.collect(out);
  }

  concatenate(xs: readonly NDArray[], axis: number): NDArray {
    const total = xs.reduce((size, x) => size + sizeOf(x.shape), 0);
    // Each small array takes a staging slot, of which there are few.
    const staged = xs.filter((x) => x.storage.byteLength <= localBytes).length;
    if (elementBytes[xs[0].dtype] !== 4 || total < worthwhile || staged > 16) {
      return plain.concatenate(this.engine, xs, axis);
    }
    this.engine.begin();
    for (const x of xs) this.engine.use(x);
    const shape = [...xs[0].shape];
    shape[axis] = xs.reduce((extent, x) => extent + x.shape[axis], 0);
    const out = this.engine.createSized(xs[0].dtype, shape, total);
    let to = this.engine.resultAddress(out);
    for (const x of xs) {
      this.copyTo(x, to, out.strides);
      to += x.shape[axis] * out.strides[axis] * 4;
    }
    return out;
  }

  pad(x: NDArray, widths: readonly (readonly [number, number])[], value: number): NDArray {
    const shape = x.shape.map((extent, axis) => extent + widths[axis][0] + widths[axis][1]);
    const size = sizeOf(shape);
    if (elementBytes[x.dtype] !== 4 || size < worthwhile) return plain.pad(this.engine, x, widths, value);
    this.engine.begin(x);
    const out = this.engine.createSized(x.dtype, shape, size);
    this.engine.window(out).fill(value);
    const start = widths.reduce((at, [before], axis) => at + before * out.strides[axis], 0);
    this.copyTo(x, this.engine.resultAddress(out) + start * 4, out.strides);
    return out;
  }

  /** NumPy's take, by moving whole runs where they are long. Throws IndexError. */
  gather(x: NDArray, indices: NDArray, axis: number): NDArray {
    const { outer, extent, inner } = around(x.shape, axis);
    const bytes = inner * elementBytes[x.dtype];
    const count = sizeOf(indices.shape);
    if (bytes < longRun || count === 0 || outer === 0 || !isContiguous(x)) {
      return plain.gather(this.engine, x, indices, axis);
    }
    const engine = this.engine;
    engine.begin(x, indices);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    const out = engine.create(x.dtype, shape);
    const at = engine.dense(indices);
    const memory = engine.arena.views.uint8;
    const from = engine.address(x);
    const to = engine.resultAddress(out);
    for (let i = 0; i < count; i++) {
      const index = plain.resolveIndex(at[i], extent, "gather");
      for (let o = 0; o < outer; o++) {
        const start = from + (o * extent + index) * bytes;
        memory.copyWithin(to + (o * count + i) * bytes, start, start + bytes);
      }
    }
    return out;
  }

  /** Copies 32-bit elements to the array at `address` with the given strides in elements, the last of them 1. */
  copyTo(x: NDArray, address: number, strides: readonly number[]): void {
    if (sizeOf(x.shape) === 0) return;
    this.module ??= copyModule().share(this.engine.arena.memory);
    const target: NDArray = { storage: x.storage, dtype: x.dtype, shape: x.shape, strides, offset: 0 };
    const nest = nestOf(x.shape, [x, target]);
    if (nest.strides[1].length > 0 && nest.strides[1][nest.shape.length - 1] !== 1) {
      // The target's last axis has extent 1 and has merged away: rows of one element.
      nest.shape.push(1);
      for (const own of nest.strides) own.push(1);
    }
    const { blocks, rows, columns, block, row, column } = innermost(nest);
    const from = this.engine.address(x);
    const squares = row[0] === 1 && rows >= 4 && columns >= 4 && column[1] === 1;
    const { pool } = this.engine;
    const parts = shares(rows, blocks === 1 ? pool.threads : 1, 4, leastElements / columns);
    const tasks: number[][] = [];
    walkBlocks(nest, (offsets) => {
      for (let b = 0; b < blocks; b++)
        for (const { start, size } of parts)
          tasks.push([
            from + (offsets[0] + b * block[0] + start * row[0]) * 4,
            address + (offsets[1] + b * block[1] + start * row[1]) * 4,
            size,
            columns,
            row[0] * 4,
            column[0] * 4,
            row[1] * 4,
          ]);
    });
    const name = squares ? "transposed" : "rows";
    if (sizeOf(x.shape) >= 2 * leastElements) pool.run(this.module, name, tasks);
    else for (const task of tasks) this.module.functions[name](...task);
  }
}
