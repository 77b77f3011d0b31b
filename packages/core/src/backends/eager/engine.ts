/**
 * A running kernel's view of memory: it pins operands, makes results, and says where elements are.
 * The order is always `begin`, `use` each operand, `create` results, and only then `elements` or `address`, because
 * creating may grow the memory and so detach its views.
 */
import type { NDArray } from "../../backend/backend.ts";
import { type DType, type QuantisedDType, quantisedRowBytes, type TypedArray } from "../../dtype.ts";
import { DTypeError } from "../../errors.ts";
import { elementBytes, isContiguous, isHalf, newElements, rowMajor, sizeOf } from "./arrays.ts";
import { Arena, type ArenaOptions, type BulkFunctions, bulkFunctions, Handle, type Views } from "./memory/index.ts";
import { fromFloat16, toBfloat16, toFloat16 } from "./plain/half.ts";
import { copyStrided } from "./plain/strided.ts";
import { type PoolOptions, ThreadPool } from "./threads/index.ts";

/** Up to this size an array is a place in a slab: cheaper than a block and a finalizer, or a typed array of its own. */
export const localBytes = 64;

/** The size of a slab. One that lives long keeps its neighbours' bytes alive, so it is no larger than it must. */
const slabBytes = 2048;

/** A typed array that small arrays share; each takes the next free elements, and the collector has it when all are gone. */
interface Slab {
  readonly elements: TypedArray;
  used: number;
}

/** A small array and room for a vector kernel to write beyond it. */
const stagingSlot = 2 * localBytes;

export interface EngineOptions extends ArenaOptions, PoolOptions {
  /** Linear memories at most, each of `limit` bytes (default 16, or 1 where a limit is given). */
  readonly memories?: number;
}

export class Engine {
  readonly arena: Arena;
  readonly pool: ThreadPool;
  private readonly bulk: BulkFunctions;
  private readonly slabs: Partial<Record<DType, Slab>> = {};
  private staged = 0;
  private resultSlot = 0;

  constructor(options?: EngineOptions) {
    this.arena = new Arena(options);
    this.bulk = bulkFunctions(this.arena.memory);
    this.pool = new ThreadPool(this.arena.memory, options);
  }

  /** Begins a kernel over these operands: all are in memory and stay where they are until the next `begin`. */
  begin(a?: NDArray, b?: NDArray, c?: NDArray): void {
    this.arena.begin();
    this.staged = 0;
    if (a !== undefined) this.use(a);
    if (b !== undefined) this.use(b);
    if (c !== undefined) this.use(c);
  }

  use(x: NDArray): void {
    const handle = x.storage as Handle;
    if (handle.cell !== null) this.arena.resident(handle);
  }

  /** A new contiguous array whose elements are not yet written. */
  create(dtype: DType, shape: readonly number[]): NDArray {
    return this.createSized(dtype, shape, sizeOf(shape));
  }

  createSized(dtype: DType, shape: readonly number[], size: number): NDArray {
    const bytes = size * elementBytes[dtype];
    const storage = bytes <= localBytes ? this.allocateLocal(dtype, size, bytes) : this.arena.allocate(bytes);
    return { storage, dtype, shape, strides: rowMajor(shape), offset: 0 };
  }

  private allocateLocal(dtype: DType, size: number, bytes: number): Handle {
    let slab = this.slabs[dtype];
    if (slab === undefined || slab.used + size > slab.elements.length) {
      slab = { elements: newElements(dtype, slabBytes / elementBytes[dtype]), used: 0 };
      this.slabs[dtype] = slab;
    }
    const start = slab.used;
    slab.used += size;
    return new Handle(bytes, null, slab.elements, start);
  }

  /** A new array of quantised rows. */
  createQuantised(dtype: QuantisedDType, shape: readonly number[]): NDArray {
    const columns = shape[shape.length - 1];
    const rows = columns === 0 ? 0 : sizeOf(shape) / columns;
    const storage = this.arena.allocate(rows * quantisedRowBytes(dtype, columns));
    return { storage, dtype, shape, strides: rowMajor(shape), offset: 0 };
  }

  /** The bytes of a whole quantised array. */
  quantisedBytes(x: NDArray): Uint8Array {
    const { cell, byteLength } = x.storage as Handle;
    const columns = x.shape[x.shape.length - 1];
    const whole = isContiguous(x) && x.offset === 0;
    if (
      cell === null ||
      !whole ||
      quantisedRowBytes(x.dtype as QuantisedDType, columns) * (sizeOf(x.shape) / columns) !== byteLength
    )
      throw new DTypeError(`A part of a ${x.dtype} tensor cannot be read as bytes; cast it to float32.`);
    return this.arena.views.uint8.subarray(cell.address, cell.address + byteLength);
  }

  /** The byte address of the element at index 0 … 0; a small array that lives elsewhere is staged for the kernel. */
  address(x: NDArray): number {
    const handle = x.storage as Handle;
    if (handle.cell !== null) return handle.cell.address + x.offset * elementBytes[x.dtype];
    const slot = this.stage();
    const { start } = handle;
    const local = handle.local as TypedArray;
    const view = viewOf(this.arena.views, x.dtype);
    const count = handle.byteLength / elementBytes[x.dtype];
    for (let i = 0, to = slot / elementBytes[x.dtype]; i < count; i++) view[to + i] = local[start + i];
    return slot + x.offset * elementBytes[x.dtype];
  }

  /** The byte address where a kernel writes a new array; `collect` afterwards. */
  resultAddress(out: NDArray): number {
    const cell = (out.storage as Handle).cell;
    if (cell !== null) return cell.address;
    this.resultSlot = this.stage();
    return this.resultSlot;
  }

  /** Brings a small result home from where `resultAddress` put it. */
  collect(out: NDArray): NDArray {
    const { local, start, byteLength } = out.storage as Handle;
    if (local !== null) {
      const from = this.resultSlot / elementBytes[out.dtype];
      const view = viewOf(this.arena.views, out.dtype);
      const count = byteLength / elementBytes[out.dtype];
      for (let i = 0; i < count; i++) local[start + i] = view[from + i];
    }
    return out;
  }

  /** Zeroes so many bytes. */
  clear(address: number, bytes: number): void {
    this.bulk.clear(address, bytes);
  }

  /** Copies a contiguous array to a new one of the same size; both are in memory already, or both are small. */
  move(from: NDArray, to: NDArray): void {
    const { cell } = to.storage as Handle;
    if (cell !== null && (from.storage as Handle).cell !== null)
      this.bulk.move(cell.address, this.address(from), sizeOf(to.shape) * elementBytes[to.dtype]);
    else this.window(to).set(this.dense(from) as Float32Array);
  }

  /** Two numbers where a kernel can read them, as float32. */
  stageFloats(first: number, second: number): number {
    const slot = this.stage();
    const at = slot >>> 2;
    this.arena.views.float32[at] = first;
    this.arena.views.float32[at + 1] = second;
    return slot;
  }

  private stage(): number {
    const slot = this.staged;
    this.staged += stagingSlot;
    return slot;
  }

  /** Frees what was made for one kernel only: `temporary`, unless it is (a view of) `original`. */
  discard(temporary: NDArray, original: NDArray): void {
    if (temporary.storage !== original.storage) this.arena.release(temporary.storage as Handle);
  }

  /** The typed array that holds the elements of `x`, starting at `base(x)`. */
  elements(x: NDArray): TypedArray {
    return (x.storage as Handle).local ?? viewOf(this.arena.views, x.dtype);
  }

  /** Where the element at index 0 … 0 is in `elements(x)`. */
  base(x: NDArray): number {
    const { cell, start } = x.storage as Handle;
    return cell === null ? start + x.offset : cell.address / elementBytes[x.dtype] + x.offset;
  }

  /**
   * The elements in row-major order as the numbers to compute with (float16 and bfloat16 as float32): a window on the
   * array itself where its layout allows, else a copy. To be read only.
   */
  dense(x: NDArray): TypedArray {
    const size = sizeOf(x.shape);
    const elements = this.elements(x);
    const base = this.base(x);
    let dense: TypedArray;
    if (isContiguous(x)) {
      dense = base === 0 && elements.length === size ? elements : elements.subarray(base, base + size);
      if (!isHalf(x.dtype)) return dense;
    } else {
      dense = newElements(x.dtype, size);
      copyStrided(elements, base, x.shape, x.strides, dense, 0);
    }
    return isHalf(x.dtype) ? decodeHalf(dense as Uint16Array, x.dtype) : dense;
  }

  /**
   * `dense` without a window: an array in which the elements lie in row-major order from `runBase(x)` on. What small
   * operations read, for whom making a window would be most of the work.
   */
  run(x: NDArray): TypedArray {
    return isContiguous(x) && !isHalf(x.dtype) ? this.elements(x) : this.dense(x);
  }

  runBase(x: NDArray): number {
    return isContiguous(x) && !isHalf(x.dtype) ? this.base(x) : 0;
  }

  /** `target` without a window: to be written from `runBase(x)` on. */
  runTarget(x: NDArray): TypedArray {
    return isHalf(x.dtype) ? new Float32Array(sizeOf(x.shape)) : this.elements(x);
  }

  /** A window on a new array's own elements, to be written; for half types `encode` into it. */
  window(x: NDArray): TypedArray {
    const elements = this.elements(x);
    const base = this.base(x);
    const size = sizeOf(x.shape);
    return base === 0 && elements.length === size ? elements : elements.subarray(base, base + size);
  }

  /** Where to compute a new array's elements: the window itself, or for half types a float32 array for `finish`. */
  target(x: NDArray): TypedArray {
    return isHalf(x.dtype) ? new Float32Array(sizeOf(x.shape)) : this.window(x);
  }

  /** Stores what was computed in `target(x)`. */
  finish(x: NDArray, computed: TypedArray): NDArray {
    if (isHalf(x.dtype)) encodeHalf(computed, x.dtype, this.window(x));
    return x;
  }
}

function viewOf(views: Views, dtype: DType): TypedArray {
  switch (dtype) {
    case "float32":
      return views.float32;
    case "float64":
      return views.float64;
    case "float16":
    case "bfloat16":
      return views.uint16;
    case "int32":
      return views.int32;
    case "int8":
      return views.int8;
    case "uint8":
    case "bool":
      return views.uint8;
    default:
      return refuse(dtype);
  }
}

function refuse(dtype: DType): never {
  throw new DTypeError(`This operation does not read ${dtype}; matmul (right operand), gather and cast do.`, {
    hint: 'Cast it first: x.cast("float32").',
  });
}

export function decodeHalf(patterns: Uint16Array, dtype: DType): Float32Array {
  const out = new Float32Array(patterns.length);
  if (dtype === "bfloat16") {
    // A bfloat16 is the upper half of a float32.
    const bits = new Int32Array(out.buffer);
    for (let i = 0; i < bits.length; i++) bits[i] = patterns[i] << 16;
  } else {
    for (let i = 0; i < out.length; i++) out[i] = fromFloat16(patterns[i]);
  }
  return out;
}

export function encodeHalf(values: TypedArray, dtype: DType, out: TypedArray): void {
  const encode = dtype === "bfloat16" ? toBfloat16 : toFloat16;
  for (let i = 0; i < values.length; i++) out[i] = encode(values[i]);
}
