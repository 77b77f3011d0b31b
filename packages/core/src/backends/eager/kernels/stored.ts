/** Matrix products, casts and lookups that read float16, bfloat16 and quantised weights as they are stored. */
import type { NDArray } from "../../../backend/backend.ts";
import { isQuantised, quantisedRowBytes } from "../../../dtype.ts";
import { DTypeError } from "../../../errors.ts";
import { isContiguous, isHalf, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import type { Handle } from "../memory/index.ts";
import * as plain from "../plain/index.ts";
import { swapLast } from "../plain/matmul.ts";
import { shares } from "../threads/index.ts";
import type { SharedModule } from "../wasm/index.ts";
import { integerDotsModule, roundedBytes } from "./integer-dots-module.ts";
import type { MatmulKernels } from "./matmul.ts";
import { roundOf, type StoredDType, type StoredFunctions, storedModule } from "./stored-module.ts";

/** Up to so many rows on the left the weights are read once per row; beyond, they are decoded once. */
const fewRows = 4;

/** Rows of weights that are decoded at a time: of usual length, about what the second-level cache holds. */
const decodedRows = 64;

/** Rows of weights from which a vector is rounded for products in integers. */
const leastIntegerRows = 16;

/** Bytes of weights below which one thread reads them all. */
const worthDividing = 2 ** 20;

/** A stored matrix with contiguous rows; `transposed` when its rows are the columns of the operand. */
interface StoredMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly rowBytes: number;
  readonly offset: number;
  readonly transposed: boolean;
}

export class StoredKernels {
  private readonly engine: Engine;
  private readonly products: MatmulKernels;
  private readonly modules: Partial<Record<StoredDType, SharedModule>> = {};
  private readonly integers: Partial<Record<StoredDType, SharedModule>> = {};

  constructor(engine: Engine, products: MatmulKernels) {
    this.engine = engine;
    this.products = products;
  }

  /** `a` float32 [rows, depth] times a stored matrix, in float32; undefined where its layout cannot be read. */
  matmul(a: NDArray, b: NDArray, transposeA: boolean, transposeB: boolean): NDArray | undefined {
    const matrix = matrixOf(transposeB ? swapLast(b) : b);
    const left = transposeA ? swapLast(a) : a;
    if (matrix === undefined || left.shape.length !== 2 || sizeOf(left.shape) === 0 || matrix.rows === 0)
      return undefined;
    const [rows, depth] = left.shape;
    if (matrix.transposed && rows <= fewRows && depth % roundOf[b.dtype as StoredDType] === 0 && left.strides[1] === 1)
      return this.dots(left, b, matrix);
    const { engine } = this;
    const columns = matrix.transposed ? matrix.rows : matrix.columns;
    engine.begin(a, b);
    const out = engine.create("float32", [rows, columns]);
    const chunk = Math.min(decodedRows, matrix.rows);
    const rowBytes = matrix.columns * 4;
    const scratchBytes = chunk * rowBytes + 64;
    const scratch = engine.arena.scratch(scratchBytes);
    const work = this.products.blocked(
      matrix.transposed ? { rows, depth, columns: chunk } : { rows, depth: chunk, columns },
    );
    const x = { address: engine.address(left), rowStride: left.strides[0] * 4, columnStride: left.strides[1] * 4 };
    const from = addressOf(b, matrix);
    const to = engine.resultAddress(out);
    const { decode } = this.functionsOf(b.dtype as StoredDType);
    for (let row = 0; row < matrix.rows; row += chunk) {
      const count = Math.min(chunk, matrix.rows - row);
      decode(from + row * matrix.rowBytes, matrix.rowBytes, count, matrix.columns, scratch, rowBytes);
      if (matrix.transposed) {
        const y = { address: scratch, rowStride: 4, columnStride: rowBytes };
        work.multiply(x, y, to + row * 4, { rows, depth, columns: count }, columns * 4, false);
      } else {
        const part = { ...x, address: x.address + row * x.columnStride };
        const y = { address: scratch, rowStride: rowBytes, columnStride: 4 };
        work.multiply(part, y, to, { rows, depth: count, columns }, columns * 4, row > 0);
      }
    }
    work.free();
    engine.arena.freeScratch(scratch, scratchBytes);
    return engine.collect(out);
  }

  private dots(left: NDArray, b: NDArray, matrix: StoredMatrix): NDArray {
    const { engine } = this;
    engine.begin(left, b);
    const [rows] = left.shape;
    const out = engine.create("float32", [rows, matrix.rows]);
    const x = engine.address(left);
    const to = engine.resultAddress(out);
    const from = addressOf(b, matrix);
    // Rows of weights are divided in multiples of a cache line of results.
    const parts = matrix.rows * matrix.rowBytes < worthDividing ? 1 : engine.pool.threads;
    const integer = this.integerModule(b.dtype as StoredDType, matrix);
    const module = integer ?? this.moduleOf(b.dtype as StoredDType);
    const roomBytes = integer === undefined ? 0 : roundedBytes(matrix.columns);
    const room = integer === undefined ? 0 : engine.arena.scratch(roomBytes);
    for (let i = 0; i < rows; i++) {
      const row = x + i * left.strides[0] * 4;
      const result = to + i * matrix.rows * 4;
      integer?.functions.round(row, matrix.columns, room);
      const tasks = shares(matrix.rows, parts, 16).map(({ start, size }) => [
        integer === undefined ? row : room,
        from + start * matrix.rowBytes,
        matrix.rowBytes,
        size,
        matrix.columns,
        result + start * 4,
      ]);
      engine.pool.run(module, "dots", tasks);
    }
    if (integer !== undefined) engine.arena.freeScratch(room, roomBytes);
    return engine.collect(out);
  }

  /** float32 elements of a stored array; undefined where only the plain cast can read its layout. */
  decode(x: NDArray): NDArray | undefined {
    const size = sizeOf(x.shape);
    const whole = isContiguous(x) && (x.storage as Handle).cell !== null;
    if (size === 0 || !whole) {
      if (isQuantised(x.dtype)) return this.unreadable(x);
      return undefined;
    }
    const columns = x.shape[x.shape.length - 1];
    const matrix = isHalf(x.dtype)
      ? { rows: 1, columns: size, rowBytes: 0, offset: x.offset * 2 }
      : rowsOf(x, size / columns, columns);
    this.engine.begin(x);
    const out = this.engine.create("float32", x.shape);
    const { decode } = this.functionsOf(x.dtype as StoredDType);
    if ((out.storage as Handle).cell === null) return this.decodeSmall(x, out, matrix, decode);
    const to = this.engine.resultAddress(out);
    decode(addressOf(x, matrix), matrix.rowBytes, matrix.rows, matrix.columns, to, matrix.columns * 4);
    return out;
  }

  /** A few elements that live outside the arena: a whole round of them would not fit a staging slot. */
  private decodeSmall(
    x: NDArray,
    out: NDArray,
    matrix: Omit<StoredMatrix, "transposed">,
    decode: StoredFunctions["decode"],
  ): NDArray {
    const { engine } = this;
    const bytes = (matrix.rows * matrix.columns + 256) * 4;
    const scratch = engine.arena.scratch(bytes);
    decode(addressOf(x, matrix), matrix.rowBytes, matrix.rows, matrix.columns, scratch, matrix.columns * 4);
    const size = sizeOf(out.shape);
    engine.window(out).set(engine.arena.views.float32.subarray(scratch / 4, scratch / 4 + size));
    engine.arena.freeScratch(scratch, bytes);
    return out;
  }

  /** float32 rows of a quantised table. Throws IndexError. */
  gather(x: NDArray, indices: NDArray, axis: number): NDArray {
    const columns = x.shape[x.shape.length - 1];
    if (axis !== 0 || x.shape.length !== 2 || !isContiguous(x))
      throw new DTypeError(`gather: a ${x.dtype} table is a matrix, whose rows (axis 0) can be looked up.`);
    const { engine } = this;
    const { offset, rowBytes } = rowsOf(x, x.shape[0], columns);
    engine.begin(x, indices);
    const count = sizeOf(indices.shape);
    const out = engine.create("float32", [...indices.shape, columns]);
    const at = engine.dense(indices);
    const { decode } = this.functionsOf(x.dtype as StoredDType);
    const scratchBytes = columns * 4 + 64;
    const scratch = engine.arena.scratch(scratchBytes);
    const from = addressOf(x, { offset });
    const target = engine.window(out);
    for (let i = 0; i < count; i++) {
      const index = plain.resolveIndex(at[i], x.shape[0], "gather");
      decode(from + index * rowBytes, rowBytes, 1, columns, scratch, 0);
      target.set(engine.arena.views.float32.subarray(scratch / 4, scratch / 4 + columns), i * columns);
    }
    engine.arena.freeScratch(scratch, scratchBytes);
    return out;
  }

  private moduleOf(dtype: StoredDType): SharedModule {
    this.modules[dtype] ??= storedModule(dtype).share(this.engine.arena.memory);
    return this.modules[dtype] as SharedModule;
  }

  /** For large matrices: rounding the vector pays when many rows meet it. */
  private integerModule(dtype: StoredDType, { rows }: StoredMatrix): SharedModule | undefined {
    if ((dtype !== "q8_0" && dtype !== "q4_0") || rows < leastIntegerRows) return undefined;
    this.integers[dtype] ??= integerDotsModule(dtype).share(this.engine.arena.memory);
    return this.integers[dtype];
  }

  private functionsOf(dtype: StoredDType): StoredFunctions {
    return this.moduleOf(dtype).functions as unknown as StoredFunctions;
  }

  private unreadable(x: NDArray): NDArray {
    if (sizeOf(x.shape) === 0) return this.engine.create("float32", x.shape);
    throw new DTypeError(`cast: only whole rows of a ${x.dtype} tensor can be read, not another view of it.`);
  }
}

/** The matrix with its rows found, whichever way round it is seen; undefined where neither axis is contiguous. */
function matrixOf(x: NDArray): StoredMatrix | undefined {
  if (x.shape.length !== 2 || (x.storage as Handle).cell === null) return undefined;
  const turned = x.strides[0] === 1 && x.strides[1] !== 1;
  const own = turned ? swapLast(x) : x;
  const [rows, columns] = own.shape;
  if (own.strides[1] !== 1) return undefined;
  if (isQuantised(x.dtype)) {
    if (own.strides[0] !== columns && rows !== 1) return undefined;
    return { ...rowsOf(own, rows, columns), transposed: turned };
  }
  if (own.strides[0] < columns) return undefined;
  return { rows, columns, rowBytes: own.strides[0] * 2, offset: x.offset * 2, transposed: turned };
}

/** Where the rows of a quantised array lie; views of whole rows only. */
function rowsOf(x: NDArray, rows: number, columns: number): Omit<StoredMatrix, "transposed"> {
  const rowBytes = quantisedRowBytes(x.dtype as StoredDType as "q8_0", columns);
  if (x.offset % columns !== 0) throw new DTypeError(`A view of a ${x.dtype} tensor must begin with a row.`);
  return { rows, columns, rowBytes, offset: (x.offset / columns) * rowBytes };
}

function addressOf(x: NDArray, matrix: { readonly offset: number }): number {
  return ((x.storage as Handle).cell?.address as number) + matrix.offset;
}
