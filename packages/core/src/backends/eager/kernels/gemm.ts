/**
 * One packed product on threads: shares of the result, whose common operand is packed once for all of them where it is
 * not too large.
 */
import type { Engine } from "../engine.ts";
import { guidedShares, shares, type ThreadPool } from "../threads/index.ts";
import { hasRelaxedSimd, type SharedModule } from "../wasm/index.ts";
import { blocks, type TileShape } from "./gemm-module.ts";
import type { Lanes } from "./lanes.ts";

/** With fused multiply-add a tile needs no register for products, and takes two rows more. */
export const tileShape: TileShape = { rows: hasRelaxedSimd() ? 6 : 4, vectors: 2 };

/** Multiplications and additions below which a product is not divided between threads. */
export const worthDividing = 2 ** 21;

/** Most work of any share: a second or two. */
export const mostWork = 2 ** 34;

/** The least rows or columns of a share, and that of one that must pack all of the other operand for itself. */
const leastShare = 24;
const leastShareAlone = 48;

/** Bytes up to which the common operand is packed at once; beyond, the work of a share is far more than its packing. */
const mostShared = 2 ** 23;

/** Elements that are worth a task of packing. */
const worthPacking = 2 ** 14;

/** A matrix in memory: the address of its first element and strides in bytes. */
export interface Matrix {
  readonly address: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

export interface Product {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
}

export interface Workspace {
  /** The product of `a` and `b` to rows `rowBytes` apart, or added to what is there. */
  multiply(a: Matrix, b: Matrix, to: number, product: Product, rowBytes: number, accumulate: boolean): void;
  free(): void;
}

/** For products of at most the extents of `largest`. */
export function gemmWorkspace(engine: Engine, module: SharedModule, lanes: Lanes, largest: Product): Workspace {
  const { pool, arena } = engine;
  const threads = largest.rows * largest.depth * largest.columns < worthDividing ? 1 : pool.threads;
  const perThread = workspaceBytes(lanes, largest);
  const scratch = arena.scratch(perThread * threads);
  const room = threads === 1 ? 0 : commonBytes(lanes, largest);
  const common = room === 0 ? 0 : arena.scratch(room);
  return {
    multiply(a, b, to, product, rowBytes, accumulate) {
      const { rows, depth, columns } = product;
      // Divided at tiles, along the longer side of the result.
      const across = rows < columns;
      const step = across ? columnsOfTile(lanes) : tileShape.rows;
      const extent = across ? columns : rows;
      const most = (mostWork * extent) / (rows * depth * columns);
      const parts = guidedShares(extent, threads, step, room > 0 ? leastShare : leastShareAlone, most);
      const isPacked = room > 0 && parts.length > 1;
      let [left, right] = [a, b];
      if (isPacked && across) left = packWhole(pool, module, "packRows", a, rows, depth, tileShape.rows, lanes, common);
      else if (isPacked)
        right = transposed(
          packWhole(pool, module, "packColumns", transposed(b), columns, depth, columnsOfTile(lanes), lanes, common),
        );
      const tasks = parts.map(({ start, size }) => [
        across ? left.address : left.address + start * left.rowStride,
        left.rowStride,
        left.columnStride,
        across ? right.address + start * right.columnStride : right.address,
        right.rowStride,
        right.columnStride,
        to + start * (across ? lanes.bytes : rowBytes),
        rowBytes,
        across ? rows : size,
        depth,
        across ? size : columns,
        accumulate ? 1 : 0,
        isPacked ? (across ? 1 : 2) : 0,
        scratch,
      ]);
      pool.run(module, "multiply", tasks, perThread);
    },
    free() {
      arena.freeScratch(scratch, perThread * threads);
      if (room > 0) arena.freeScratch(common, room);
    },
  };
}

/**
 * Lays out all `extent` rows of x in panels of `width`, one block of the depth after the other: the form of `packed` in
 * `GemmFunctions`, with its strides.
 */
function packWhole(
  pool: ThreadPool,
  module: SharedModule,
  name: "packRows" | "packColumns",
  x: Matrix,
  extent: number,
  depth: number,
  width: number,
  lanes: Lanes,
  to: number,
): Matrix {
  const depthStep = padded(extent, width) * lanes.bytes;
  const tasks: number[][] = [];
  for (let k = 0; k < depth; k += blocks.depth) {
    const thick = Math.min(blocks.depth, depth - k);
    for (const { start, size } of shares(extent, pool.threads, width, worthPacking / thick)) {
      const from = x.address + start * x.rowStride + k * x.columnStride;
      tasks.push([from, x.rowStride, x.columnStride, size, thick, to + k * depthStep + start * thick * lanes.bytes]);
    }
  }
  pool.run(module, name, tasks);
  return { address: to, rowStride: depthStep, columnStride: 0 };
}

/** Bytes of the operand that all shares of a product read, packed; 0 where it is left to each to pack. */
function commonBytes(lanes: Lanes, { rows, depth, columns }: Product): number {
  // Its last panel may stick out, whichever operand it is.
  const extent = Math.min(rows, columns) + Math.max(tileShape.rows, columnsOfTile(lanes));
  const bytes = extent * depth * lanes.bytes;
  return bytes > mostShared ? 0 : bytes;
}

/** What one thread packs into. A whole cache line at the end keeps what two threads pack apart. */
export function workspaceBytes(lanes: Lanes, { depth, columns }: Product): number {
  const deep = Math.min(depth, blocks.depth);
  const widest = padded(Math.min(columns, blocks.columns), columnsOfTile(lanes));
  const tileBytes = tileShape.rows * tileShape.vectors * 16;
  return padded(tileBytes + (padded(blocks.rows, tileShape.rows) + widest) * deep * lanes.bytes, 64) + 64;
}

const columnsOfTile = (lanes: Lanes): number => tileShape.vectors * lanes.count;

const padded = (extent: number, step: number): number => Math.ceil(extent / step) * step;

export const transposed = (x: Matrix): Matrix => ({
  address: x.address,
  rowStride: x.columnStride,
  columnStride: x.rowStride,
});
