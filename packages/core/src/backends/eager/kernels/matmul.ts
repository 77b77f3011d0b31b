/**
 * Matrix products of float32 and float64 arrays of any layout: blocks sized for the caches, packed, multiplied in
 * register tiles; products with few rows (or columns) read the matrix in place.
 */
import type { NDArray } from "../../../backend/backend.ts";
import { sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { swapLast } from "../plain/matmul.ts";
import { guidedShares } from "../threads/index.ts";
import { hasRelaxedSimd, type SharedModule } from "../wasm/index.ts";
import {
  gemmWorkspace,
  type Matrix,
  type Product,
  tileShape,
  transposed,
  type Workspace,
  workspaceBytes,
  worthDividing,
} from "./gemm.ts";
import { blocks, gemmModule } from "./gemm-module.ts";
import { float32Lanes, float64Lanes, type Lanes } from "./lanes.ts";
import { type MatvecFunctions, matvecModule } from "./matvec-module.ts";

/** Up to here packing B costs more than reading it once per row. */
const fewRows = 3;

/** Least work of a share of many small products. */
const leastWork = 2 ** 19;

export class MatmulKernels {
  private readonly engine: Engine;
  private readonly gemm: { float32?: SharedModule; float64?: SharedModule } = {};
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
    if (batches > 1 && !isThin(product) && product.rows * product.depth * product.columns < 2 * worthDividing)
      return this.runEach(lanes, product, batches, left, right, out);
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

  /** Many small products, each by one thread. */
  private runEach(
    lanes: Lanes,
    product: Product,
    batches: number,
    left: NDArray,
    right: NDArray,
    out: NDArray,
  ): NDArray {
    const { engine } = this;
    const { rows, depth, columns } = product;
    const { threads } = engine.pool;
    const work = rows * depth * columns;
    const tasks = guidedShares(batches, batches * work < worthDividing ? 1 : threads, 1, Math.ceil(leastWork / work));
    const perThread = workspaceBytes(lanes, product);
    const tableBytes = batches * 12;
    const table = engine.arena.scratch(tableBytes);
    const scratch = engine.arena.scratch(perThread * threads);
    const x = matrixOf(left, engine.address(left), lanes);
    const y = matrixOf(right, engine.address(right), lanes);
    const to = engine.resultAddress(out);
    const words = engine.arena.views.int32;
    const rowBytes = columns * lanes.bytes;
    for (let batch = 0, at = table / 4; batch < batches; batch++) {
      words[at++] = x.address + batchOffset(left.shape, batchStrides(left), batch) * lanes.bytes;
      words[at++] = y.address + batchOffset(left.shape, batchStrides(right), batch) * lanes.bytes;
      words[at++] = to + batch * rows * rowBytes;
    }
    const layout = [x.rowStride, x.columnStride, y.rowStride, y.columnStride, rowBytes, rows, depth, columns];
    engine.pool.run(
      this.gemmFunctions(lanes),
      "multiplyEach",
      tasks.map(({ start, size }) => [table + start * 12, size, ...layout, scratch]),
      perThread,
    );
    engine.arena.freeScratch(scratch, perThread * threads);
    engine.arena.freeScratch(table, tableBytes);
    return engine.collect(out);
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

  private gemmFunctions(lanes: Lanes): SharedModule {
    this.gemm[lanes.dtype] ??= gemmModule(lanes, tileShape, hasRelaxedSimd()).share(this.engine.arena.memory);
    return this.gemm[lanes.dtype] as SharedModule;
  }
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
      for (let k = 0; k < product.depth; k += blocks.depth) {
        const thick = Math.min(blocks.depth, product.depth - k);
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

/** Whether one operand may be a few vectors. */
const isThin = (product: Product): boolean => product.rows <= fewRows || product.columns === 1;

function matrixOf(x: NDArray, address: number, lanes: Lanes): Matrix {
  const rank = x.shape.length;
  return {
    address,
    rowStride: x.strides[rank - 2] * lanes.bytes,
    columnStride: x.strides[rank - 1] * lanes.bytes,
  };
}

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
