/** Elementwise float32 operations in vectors, over operands of any layout. */
import type { BinaryOp, NDArray, UnaryOp } from "../../../backend/backend.ts";
import { broadcastShape, elementBytes, isContiguous, sameShape, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { innermost, type Nest, nestOf, walkBlocks } from "../layout.ts";
import { shares } from "../threads/index.ts";
import type { ModuleBuilder, SharedModule } from "../wasm/index.ts";
import type { CopyKernels } from "./copy.ts";
import {
  binaryModule,
  clipModule,
  type Run,
  unaryModule,
  vectorBinary,
  vectorComparison,
  vectorUnary,
  whereModule,
} from "./elementwise-modules.ts";

/** Its function is `run`. */
type Kernel = SharedModule;

/** Bytes of a result below which a thread's share of the work is not worth its while; less where each is dear. */
const leastBytes = 2 ** 17;
const leastDearBytes = 2 ** 15;
const dear: ReadonlySet<UnaryOp> = new Set([
  "exp",
  "log",
  "tanh",
  "sigmoid",
  "erf",
  "softplus",
  "logSigmoid",
  "silu",
  "geluTanh",
  "geluTanhDerivative",
]);

/** An operation's kernels by how each operand runs: 0 vector, 1 scalar for the left, plus 2 for a scalar right. */
type Variants = (Kernel | undefined)[];

export class ElementwiseKernels {
  private readonly engine: Engine;
  private readonly copies: CopyKernels;
  private readonly unaries = new Map<UnaryOp, Kernel>();
  private readonly binaries = new Map<BinaryOp, Variants>();
  private readonly wheres: Variants = [];
  private clipping: Kernel | undefined;

  constructor(engine: Engine, copies: CopyKernels) {
    this.engine = engine;
    this.copies = copies;
  }

  /** Whether there is a kernel; if not, the plain one serves. */
  hasUnary(op: UnaryOp, x: NDArray): boolean {
    return x.dtype === "float32" && vectorUnary[op] !== undefined;
  }

  hasBinary(op: BinaryOp, x: NDArray): boolean {
    return x.dtype === "float32" && (vectorBinary[op] !== undefined || vectorComparison[op] !== undefined);
  }

  unary(op: UnaryOp, x: NDArray): NDArray {
    let kernel = this.unaries.get(op);
    if (kernel === undefined) {
      kernel = this.build(unaryModule(vectorUnary[op] as NonNullable<(typeof vectorUnary)[UnaryOp]>));
      this.unaries.set(op, kernel);
    }
    const from = this.copies.dense(x);
    this.engine.begin(from);
    const out = this.engine.create("float32", x.shape);
    const [source, to] = [this.engine.address(from), this.engine.resultAddress(out)];
    this.alongRow(kernel, out, dear.has(op) ? leastDearBytes : leastBytes, (at) => [source + at, to + at]);
    this.engine.discard(from, x);
    return this.engine.collect(out);
  }

  clip(x: NDArray, low: number, high: number): NDArray {
    this.clipping ??= this.build(clipModule());
    const from = this.copies.dense(x);
    this.engine.begin(from);
    const out = this.engine.create("float32", x.shape);
    const bounds = this.engine.stageFloats(low, high);
    const [source, to] = [this.engine.address(from), this.engine.resultAddress(out)];
    this.alongRow(this.clipping, out, leastBytes, (at) => [source + at, to + at], bounds);
    this.engine.discard(from, x);
    return this.engine.collect(out);
  }

  binary(op: BinaryOp, a: NDArray, b: NDArray): NDArray {
    const same = sameShape(a.shape, b.shape);
    const engine = this.engine;
    const dtype = vectorComparison[op] === undefined ? "float32" : "bool";
    if (same && isContiguous(a) && isContiguous(b)) {
      const kernel = this.binaryKernel(op, "vector", "vector");
      engine.begin(a, b);
      const out = engine.create(dtype, a.shape);
      const bytes = sizeOf(a.shape) * 4;
      const [x, y, to] = [engine.address(a), engine.address(b), engine.resultAddress(out)];
      if (bytes < 2 * leastBytes) kernel.functions.run(x, y, to, 1, bytes, 0, 0, 1, 0, 0);
      else this.overNest(kernel, { shape: [bytes / 4], strides: [[1], [1]] }, [x, y], [4, 4], to, elementBytes[dtype]);
      return engine.collect(out);
    }
    const shape = same ? a.shape : broadcastShape(a.shape, b.shape);
    const [left, right] = this.runnable(shape, [a, b]);
    engine.begin(left, right);
    const out = engine.create(dtype, shape);
    if (sizeOf(shape) === 0) return out;
    const nest = nestOf(shape, [left, right]);
    const kernel = this.binaryKernel(op, runOf(nest, 0), runOf(nest, 1));
    const from = [engine.address(left), engine.address(right)];
    this.overNest(kernel, nest, from, [4, 4], engine.resultAddress(out), elementBytes[dtype]);
    engine.discard(left, a);
    engine.discard(right, b);
    return engine.collect(out);
  }

  binaryScalar(op: BinaryOp, a: NDArray, scalar: number, reversed: boolean): NDArray {
    const engine = this.engine;
    const array = this.copies.dense(a);
    const kernel = reversed ? this.binaryKernel(op, "scalar", "vector") : this.binaryKernel(op, "vector", "scalar");
    engine.begin(array);
    const dtype = vectorComparison[op] === undefined ? "float32" : "bool";
    const out = engine.create(dtype, a.shape);
    const constant = engine.stageFloats(scalar, scalar);
    const x = engine.address(array);
    const to = engine.resultAddress(out);
    const bytes = sizeOf(a.shape) * 4;
    const from = reversed ? [constant, x] : [x, constant];
    const strides = reversed ? [[0], [1]] : [[1], [0]];
    if (bytes < 2 * leastBytes) kernel.functions.run(from[0], from[1], to, 1, bytes, 0, 0, 1, 0, 0);
    else this.overNest(kernel, { shape: [bytes / 4], strides }, from, [4, 4], to, elementBytes[dtype]);
    engine.discard(array, a);
    return engine.collect(out);
  }

  /** `condition` is bool, the others float32. */
  where(condition: NDArray, a: NDArray, b: NDArray): NDArray {
    const engine = this.engine;
    const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
    const [left, right] = this.runnable(shape, [a, b], condition);
    let test = condition;
    if (!isRow(nestOf(shape, [left, right, test]), 2, true)) {
      test = this.copies.contiguous(stretch(condition, shape));
    }
    engine.begin(left, right, test);
    const out = engine.create("float32", shape);
    if (sizeOf(shape) === 0) return out;
    const nest = nestOf(shape, [test, left, right]);
    const runs = [runOf(nest, 1), runOf(nest, 2)] as const;
    const variant = variantOf(...runs);
    this.wheres[variant] ??= this.build(whereModule(...runs));
    const from = [engine.address(test), engine.address(left), engine.address(right)];
    this.overNest(this.wheres[variant], nest, from, [1, 4, 4], engine.resultAddress(out), 4);
    engine.discard(left, a);
    engine.discard(right, b);
    engine.discard(test, condition);
    return engine.collect(out);
  }

  /** Runs a kernel `(from, to, bytes, …rest)` along a contiguous array; `at` is the byte where a share begins. */
  private alongRow(
    kernel: Kernel,
    out: NDArray,
    least: number,
    pointers: (at: number) => number[],
    ...rest: number[]
  ): void {
    const bytes = out.storage.byteLength;
    if (bytes < 2 * least) kernel.functions.run(...pointers(0), bytes, ...rest);
    else this.engine.pool.divide(kernel, "run", bytes, 64, least, (start, size) => [...pointers(start), size, ...rest]);
  }

  /**
   * Runs a kernel over a nest of operands at addresses `from`, with elements of so many bytes: its three innermost axes
   * at a time, in shares along the outermost of them.
   */
  private overNest(
    kernel: Kernel,
    nest: Nest,
    from: readonly number[],
    bytes: readonly number[],
    to: number,
    toBytes: number,
  ): void {
    const { blocks, rows, columns, block, row, column } = innermost(nest);
    const rowSteps = row.map((stride, i) => stride * bytes[i]);
    const blockSteps = block.map((stride, i) => (stride - rows * row[i]) * bytes[i]);
    const { pool } = this.engine;
    const size = blocks * rows * columns;
    // Rows that are no whole vectors write into the next row, which must then come later.
    const isFree = columns % 4 === 0 || blocks * rows === 1;
    const threads = isFree ? pool.threads : 1;
    const tasks: number[][] = [];
    let target = to;
    walkBlocks(nest, (offsets) => {
      const start = from.map((address, i) => address + offsets[i] * bytes[i]);
      // A share along an axis begins where the operands are after so many of its steps.
      const piece = (at: number, steps: readonly number[], elements: number, extents: readonly number[]) =>
        tasks.push([
          ...start.map((address, i) => address + at * steps[i] * bytes[i]),
          target + at * elements * toBytes,
          extents[1],
          extents[2] * 4,
          ...rowSteps,
          extents[0],
          ...blockSteps,
        ]);
      const least = leastBytes / 4;
      if (blocks > 1)
        for (const share of shares(blocks, threads, 1, least / (rows * columns)))
          piece(share.start, block, rows * columns, [share.size, rows, columns]);
      else if (rows > 1)
        for (const share of shares(rows, threads, 1, least / columns))
          piece(share.start, row, columns, [1, share.size, columns]);
      else for (const share of shares(columns, threads, 16, least)) piece(share.start, column, 1, [1, 1, share.size]);
      target += size * toBytes;
    });
    if (isFree) pool.run(kernel, "run", tasks);
    else for (const task of tasks) kernel.functions.run(...task);
  }

  /** The operands, copied where a kernel could not run along them: within a row their stride must be 1 or 0. */
  private runnable(shape: readonly number[], operands: readonly NDArray[], also?: NDArray): readonly NDArray[] {
    const nest = nestOf(shape, also === undefined ? operands : [...operands, also]);
    return operands.map((x, i) => (isRow(nest, i, false) ? x : this.copies.contiguous(stretch(x, shape))));
  }

  private binaryKernel(op: BinaryOp, runA: Run, runB: Run): Kernel {
    let variants = this.binaries.get(op);
    if (variants === undefined) {
      variants = [];
      this.binaries.set(op, variants);
    }
    const variant = variantOf(runA, runB);
    if (variants[variant] === undefined) {
      const comparison = vectorComparison[op];
      const f = comparison ?? (vectorBinary[op] as NonNullable<typeof comparison>);
      variants[variant] = this.build(binaryModule(f, runA, runB, comparison !== undefined));
    }
    return variants[variant];
  }

  private build(module: ModuleBuilder): Kernel {
    return module.share(this.engine.arena.memory);
  }
}

/** How operand i of a nest runs along its innermost axis. */
const runOf = (nest: Nest, i: number): Run => ((nest.strides[i].at(-1) ?? 1) === 0 ? "scalar" : "vector");
const variantOf = (a: Run, b: Run): number => (a === "scalar" ? 1 : 0) + (b === "scalar" ? 2 : 0);

/** Whether operand i runs along the innermost axis element by element, or (unless `strictly`) stands still. */
function isRow(nest: Nest, i: number, strictly: boolean): boolean {
  const stride = nest.strides[i][nest.shape.length - 1] ?? 1;
  return stride === 1 || (stride === 0 && !strictly);
}

/** `x` stretched along the innermost axis of `shape` that is not 1, so that a copy of it runs there. */
function stretch(x: NDArray, shape: readonly number[]): NDArray {
  let innermostAxis = shape.length - 1;
  while (innermostAxis > 0 && shape[innermostAxis] === 1) innermostAxis--;
  const axis = innermostAxis - (shape.length - x.shape.length);
  if (axis >= 0 && x.shape[axis] === shape[innermostAxis]) return x;
  const { storage, dtype, offset } = x;
  if (axis < 0) {
    const own = shape.slice(innermostAxis);
    return { storage, dtype, shape: own, strides: own.map(() => 0), offset };
  }
  const own = x.shape.map((extent, i) => (i === axis ? shape[innermostAxis] : extent));
  return { storage, dtype, shape: own, strides: x.strides.map((stride, i) => (i === axis ? 0 : stride)), offset };
}
