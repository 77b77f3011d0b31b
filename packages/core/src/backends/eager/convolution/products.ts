/** Matrix products whose right operand is given by two tables of byte offsets into a source. */
import type { Engine } from "../engine.ts";
import { type GemmFunctions, gemmModule, type TileShape } from "../kernels/gemm-module.ts";
import type { Lanes } from "../kernels/lanes.ts";
import { hasRelaxedSimd } from "../wasm/index.ts";
import type { Scratch } from "./scratch.ts";
import { type SlidingFunctions, slidingModule } from "./sliding-module.ts";

const tile: TileShape = { rows: 4, vectors: 2 };
/** As in the dense product: a packed block of A stays in the second-level cache, a panel of B in the first. */
const rowBlock = 128;
const depthBlock = 256;
const columnBlock = 1024;
/** Up to here a packed panel would be read too seldom to pay for the packing. */
const fewRows = 2;

/** Positions of windows: byte offsets in row-major order, in rows of `width` that are `step` bytes apart. */
export interface Columns {
  readonly table: Int32Array;
  readonly width: number;
  readonly step: number;
}

/** The left operand: rows of contiguous elements. */
export interface LeftMatrix {
  readonly address: number;
  readonly rowStride: number;
}

export interface Product {
  /** Writes (or adds, for adjoints) the product to `to`, row by row without gaps. */
  run(left: LeftMatrix, source: number, to: number): void;
}

interface Functions {
  readonly gemm: GemmFunctions;
  readonly sliding: SlidingFunctions;
}

export class Products {
  private readonly engine: Engine;
  private readonly functions: { float32?: Functions; float64?: Functions } = {};

  constructor(engine: Engine) {
    this.engine = engine;
  }

  private functionsOf(lanes: Lanes): Functions {
    const { memory } = this.engine.arena;
    this.functions[lanes.dtype] ??= {
      gemm: gemmModule(lanes, tile, hasRelaxedSimd()).instantiate(memory) as unknown as GemmFunctions,
      sliding: slidingModule(lanes, tile.vectors * lanes.count).instantiate(memory) as unknown as SlidingFunctions,
    };
    return this.functions[lanes.dtype] as Functions;
  }

  /** to[i, p] = Σ_k left[i, k] · source[taps[k] + columns[p]]. */
  plan(scratch: Scratch, lanes: Lanes, rows: number, taps: Int32Array, columns: Columns): Product {
    if (rows > fewRows) return this.planDense(scratch, lanes, rows, taps, columns.table, false);
    const { sliding } = this.functionsOf(lanes);
    const table = scratch.table(taps);
    const rowBytes = columns.table.length * lanes.bytes;
    return {
      run(left, source, to) {
        for (let i = 0; i < rows; i++)
          for (let p = 0; p < columns.table.length; p += columns.width)
            sliding.slide(
              source + columns.table[p],
              table.address,
              left.address + i * left.rowStride,
              taps.length,
              to + i * rowBytes + p * lanes.bytes,
              columns.width,
              columns.step,
            );
      },
    };
  }

  /** to[i, k] += Σ_p left[i, p] · source[taps[k] + positions[p]]. */
  planAdjoint(scratch: Scratch, lanes: Lanes, rows: number, taps: Int32Array, positions: Columns): Product {
    if (rows > fewRows) return this.planDense(scratch, lanes, rows, positions.table, taps, true);
    const { sliding } = this.functionsOf(lanes);
    const table = scratch.table(taps);
    const sums = scratch.add(taps.length * lanes.bytes);
    return {
      run: (left, source, to) => {
        const elements = lanes.count === 4 ? this.engine.arena.views.float32 : this.engine.arena.views.float64;
        const at = sums.address / lanes.bytes;
        for (let i = 0; i < rows; i++) {
          elements.fill(0, at, at + taps.length);
          for (let p = 0; p < positions.table.length; p += positions.width)
            sliding.correlate(
              source + positions.table[p],
              table.address,
              left.address + i * left.rowStride + p * lanes.bytes,
              taps.length,
              sums.address,
              positions.width,
              positions.step,
            );
          const row = to / lanes.bytes + i * taps.length;
          for (let k = 0; k < taps.length; k++) elements[row + k] += elements[at + k];
        }
      },
    };
  }

  private planDense(
    scratch: Scratch,
    lanes: Lanes,
    rows: number,
    depths: Int32Array,
    columns: Int32Array,
    accumulate: boolean,
  ): Product {
    const { gemm, sliding } = this.functionsOf(lanes);
    const deep = Math.min(depths.length, depthBlock);
    const tileColumns = tile.vectors * lanes.count;
    const partial = scratch.add(tile.rows * tileColumns * lanes.bytes);
    const packedRows = scratch.add(padded(Math.min(rows, rowBlock), tile.rows) * deep * lanes.bytes);
    const packedColumns = scratch.add(padded(Math.min(columns.length, columnBlock), tileColumns) * deep * lanes.bytes);
    const depthTable = scratch.table(depths);
    const columnTable = scratch.table(columns);
    const rowBytes = columns.length * lanes.bytes;
    return {
      run(left, source, to) {
        for (let j = 0; j < columns.length; j += columnBlock) {
          const width = Math.min(columnBlock, columns.length - j);
          for (let k = 0; k < depths.length; k += depthBlock) {
            const thick = Math.min(depthBlock, depths.length - k);
            const column = columnTable.address + j * 4;
            sliding.pack(source, column, depthTable.address + k * 4, width, thick, packedColumns.address);
            for (let i = 0; i < rows; i += rowBlock) {
              const high = Math.min(rowBlock, rows - i);
              const from = left.address + i * left.rowStride + k * lanes.bytes;
              gemm.packRows(from, left.rowStride, lanes.bytes, high, thick, packedRows.address);
              gemm.block(
                packedRows.address,
                packedColumns.address,
                to + i * rowBytes + j * lanes.bytes,
                rowBytes,
                high,
                width,
                thick,
                accumulate || k > 0 ? 1 : 0,
                partial.address,
              );
            }
          }
        }
      },
    };
  }
}

const padded = (extent: number, step: number): number => Math.ceil(extent / step) * step;
