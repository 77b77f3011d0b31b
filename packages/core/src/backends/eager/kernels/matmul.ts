/**
 * Matrix products of float32 and float64 arrays of any layout: blocks sized for the caches, packed, multiplied in
 * register tiles; products with few rows (or columns) read the matrix in place.
 */
import type { NDArray } from "../../../backend/backend.ts";
import { sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { swapLast } from "../plain/matmul.ts";
import { hasRelaxedSimd } from "../wasm/index.ts";
import { type GemmFunctions, gemmModule, type TileShape } from "./gemm-module.ts";
import { float32Lanes, float64Lanes, type Lanes } from "./lanes.ts";
import { type MatvecFunctions, matvecModule } from "./matvec-module.ts";

/**
 * A packed block of A stays in the second-level cache, a panel of B in the first, a block of B in the third. The rows
 * are a multiple of every tile's.
 */
const rowBlock = 120;
const depthBlock = 256;
const columnBlock = 1024;
/** Up to here packing B costs more than reading it once per row. */
const fewRows = 3;

/** With fused multiply-add a tile needs no register for products, and takes two rows more. */
const tileShape: TileShape = { rows: hasRelaxedSimd() ? 6 : 4, vectors: 2 };

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

export class MatmulKernels {
  private readonly engine: Engine;
  private readonly gemm: { float32?: GemmFunctions; float64?: GemmFunctions } = {};
  private matvec: MatvecFunctions | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** `a` and `b` are float32 or float64, of one dtype, with equal leading axes. */
  run(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray {
    const engine = this.engine;
    const lanes = a.dtype === "float64" ? float64Lanes : float32Lanes;
    const left = transposeA ? swapLast(a) : a;
    const right = transposeB ? swapLast(b) : b;
    const rank = left.shape.length;
    const product = { rows: left.shape[rank - 2], depth: left.shape[rank - 1], columns: right.shape[rank - 1] };
    engine.begin(a, b);
    const shape = left.shape.slice(0, -1);
    shape.push(product.columns);
    const out = engine.create(a.dtype, shape);
    const batches = sizeOf(left.shape.slice(0, -2));
    if (batches * product.rows * product.columns === 0) return out;
    if (product.depth === 0) {
      engine.window(out).fill(0);
      return out;
    }
    const leftStrides = batchStrides(left);
    const rightStrides = batchStrides(right);
    const work = this.workspace(lanes, product, left, right);
    const x = matrixOf(left, engine.address(left), lanes);
    const y = matrixOf(right, engine.address(right), lanes);
    const to = engine.resultAddress(out);
    const tileBytes = product.rows * product.columns * lanes.bytes;
    for (let batch = 0; batch < batches; batch++) {
      work.multiply(
        shifted(x, batchOffset(left.shape, leftStrides, batch) * lanes.bytes),
        shifted(y, batchOffset(left.shape, rightStrides, batch) * lanes.bytes),
        to + batch * tileBytes,
        product,
        product.columns * lanes.bytes,
        false,
      );
    }
    work.free();
    engine.collect(out);
    return out;
  }

  /** For float32 products up to the given extents, many of them with one workspace. */
  blocked(largest: Product): Workspace {
    return gemmWorkspace(this.engine, this.gemmFunctions(float32Lanes), float32Lanes, largest);
  }

  /** Chooses a kernel for the product and takes the memory it needs. */
  private workspace(lanes: Lanes, product: Product, a: NDArray, b: NDArray): Workspace {
    const memory = this.engine.arena.memory;
    const thin = product.rows <= fewRows ? b : product.columns === 1 ? a : undefined;
    if (thin !== undefined && lanes === float32Lanes && thin.strides.slice(-2).includes(1)) {
      this.matvec ??= matvecModule().instantiate(memory) as unknown as MatvecFunctions;
      return matvecWorkspace(this.engine, this.matvec, product);
    }
    return gemmWorkspace(this.engine, this.gemmFunctions(lanes), lanes, product);
  }

  private gemmFunctions(lanes: Lanes): GemmFunctions {
    this.gemm[lanes.dtype] ??= gemmModule(lanes, tileShape, hasRelaxedSimd()).instantiate(
      this.engine.arena.memory,
    ) as unknown as GemmFunctions;
    return this.gemm[lanes.dtype] as GemmFunctions;
  }
}

export interface Workspace {
  /** The product of `a` and `b` to rows `rowBytes` apart, or added to what is there. */
  multiply(a: Matrix, b: Matrix, to: number, product: Product, rowBytes: number, accumulate: boolean): void;
  free(): void;
}

function gemmWorkspace(engine: Engine, functions: GemmFunctions, lanes: Lanes, largest: Product): Workspace {
  const { rows, depth, columns } = largest;
  const tileColumns = tileShape.vectors * lanes.count;
  const deep = Math.min(depth, depthBlock);
  const aBytes = padded(Math.min(rows, rowBlock), tileShape.rows) * deep * lanes.bytes;
  const bBytes = padded(Math.min(columns, columnBlock), tileColumns) * deep * lanes.bytes;
  const tileBytes = tileShape.rows * tileShape.vectors * 16;
  const total = tileBytes + aBytes + bBytes;
  const scratch = engine.arena.scratch(total);
  const packedA = scratch + tileBytes;
  const packedB = packedA + aBytes;
  return {
    multiply(a, b, to, { rows, depth, columns }, rowBytes, accumulate) {
      for (let j = 0; j < columns; j += columnBlock) {
        const width = Math.min(columnBlock, columns - j);
        for (let k = 0; k < depth; k += depthBlock) {
          const thick = Math.min(depthBlock, depth - k);
          const fromB = b.address + k * b.rowStride + j * b.columnStride;
          functions.packColumns(fromB, b.columnStride, b.rowStride, width, thick, packedB);
          for (let i = 0; i < rows; i += rowBlock) {
            const high = Math.min(rowBlock, rows - i);
            const fromA = a.address + i * a.rowStride + k * a.columnStride;
            functions.packRows(fromA, a.rowStride, a.columnStride, high, thick, packedA);
            const target = to + i * rowBytes + j * lanes.bytes;
            functions.block(
              packedA,
              packedB,
              target,
              rowBytes,
              high,
              width,
              thick,
              accumulate || k > 0 ? 1 : 0,
              scratch,
            );
          }
        }
      }
    },
    free: () => engine.arena.freeScratch(scratch, total),
  };
}

/** One operand is a few vectors; the other has a stride of one element. */
function matvecWorkspace(engine: Engine, kernels: MatvecFunctions, product: Product): Workspace {
  const vectorBytes = product.depth * 4;
  const scratch = engine.arena.scratch(vectorBytes);
  const multiply = (a: Matrix, b: Matrix, rows: number, columns: number, to: number): void => {
    const kernel = b.columnStride === 4 ? kernels.columns : kernels.dots;
    const along = b.columnStride === 4 ? b.rowStride : b.columnStride;
    for (let i = 0; i < rows; i++) {
      const row = a.address + i * a.rowStride;
      const x = a.columnStride === 4 ? row : gatherVector(engine, row, a.columnStride, product.depth, scratch);
      // In blocks, so that the rounding error grows with the number of blocks and not with the depth.
      for (let k = 0; k < product.depth; k += depthBlock) {
        const thick = Math.min(depthBlock, product.depth - k);
        kernel(x + k * 4, b.address + k * b.rowStride, along, thick, columns, to + i * columns * 4, k > 0 ? 1 : 0);
      }
    }
  };
  return {
    multiply(a, b, to) {
      if (product.rows <= fewRows) multiply(a, b, product.rows, product.columns, to);
      else multiply(transposed(b), transposed(a), 1, product.rows, to);
    },
    free: () => engine.arena.freeScratch(scratch, vectorBytes),
  };
}

function gatherVector(engine: Engine, address: number, stride: number, count: number, to: number): number {
  const elements = engine.arena.views.float32;
  for (let i = 0, from = address / 4; i < count; i++, from += stride / 4) elements[to / 4 + i] = elements[from];
  return to;
}

const padded = (extent: number, step: number): number => Math.ceil(extent / step) * step;

function matrixOf(x: NDArray, address: number, lanes: Lanes): Matrix {
  const rank = x.shape.length;
  return {
    address,
    rowStride: x.strides[rank - 2] * lanes.bytes,
    columnStride: x.strides[rank - 1] * lanes.bytes,
  };
}

const transposed = (x: Matrix): Matrix => ({
  address: x.address,
  rowStride: x.columnStride,
  columnStride: x.rowStride,
});

const shifted = (x: Matrix, bytes: number): Matrix =>
  bytes === 0 ? x : { address: x.address + bytes, rowStride: x.rowStride, columnStride: x.columnStride };

const batchStrides = (x: NDArray): readonly number[] => x.strides.slice(0, -2);

/** The element offset of a batch, counted in row-major order over the leading axes. */
function batchOffset(shape: readonly number[], strides: readonly number[], batch: number): number {
  let offset = 0;
  let rest = batch;
  for (let axis = strides.length - 1; axis >= 0; axis--) {
    offset += (rest % shape[axis]) * strides[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return offset;
}
