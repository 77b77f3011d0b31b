/** Copies that make strided arrays contiguous. 32-bit elements go through generated code, others through JavaScript. */
import type { NDArray } from "../../../backend/backend.ts";
import { elementBytes, rowMajor, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { innermost, nestOf, walkBlocks } from "../layout.ts";
import { contiguous as plainContiguous } from "../plain/index.ts";
import { type CopyFunctions, copyModule } from "./copy-module.ts";

/** Fewer elements than this are copied as fast in JavaScript. */
const worthwhile = 64;

export class CopyKernels {
  private readonly engine: Engine;
  private functions: CopyFunctions | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  contiguous(x: NDArray): NDArray {
    const size = sizeOf(x.shape);
    if (elementBytes[x.dtype] !== 4 || size < worthwhile) return plainContiguous(this.engine, x);
    this.engine.begin(x);
    const out = this.engine.createSized(x.dtype, x.shape, size);
    this.copyTo(x, this.engine.resultAddress(out), rowMajor(x.shape));
    return this.engine.collect(out);
  }

  /** Copies 32-bit elements to the array at `address` with the given strides in elements, the last of them 1. */
  copyTo(x: NDArray, address: number, strides: readonly number[]): void {
    if (sizeOf(x.shape) === 0) return;
    this.functions ??= copyModule().instantiate(this.engine.arena.memory) as unknown as CopyFunctions;
    const { rows, transposed } = this.functions;
    const target: NDArray = { storage: x.storage, dtype: x.dtype, shape: x.shape, strides, offset: 0 };
    const nest = nestOf(x.shape, [x, target]);
    const inner = innermost(nest);
    const from = this.engine.address(x);
    const squares = inner.row[0] === 1 && inner.rows >= 4 && inner.columns >= 4 && inner.column[1] === 1;
    const copy = squares ? transposed : rows;
    walkBlocks(nest, (offsets) => {
      copy(
        from + offsets[0] * 4,
        address + offsets[1] * 4,
        inner.rows,
        inner.columns,
        inner.row[0] * 4,
        inner.column[0] * 4,
        inner.row[1] * 4,
      );
    });
  }
}
