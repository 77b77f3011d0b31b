/** Elementwise float32 operations in vectors, over operands of any layout. */
import type { BinaryOp, NDArray, UnaryOp } from "../../../backend/backend.ts";
import { broadcastShape, isContiguous, sameShape, sizeOf } from "../arrays.ts";
import type { Engine } from "../engine.ts";
import { innermost, type Nest, nestOf, walkBlocks } from "../layout.ts";
import type { ModuleBuilder } from "../wasm/index.ts";
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

type Kernel = (...values: number[]) => void;

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
    const from = isContiguous(x) ? x : this.copies.contiguous(x);
    this.engine.begin(from);
    const out = this.engine.create("float32", x.shape);
    kernel(this.engine.address(from), this.engine.resultAddress(out), out.storage.byteLength);
    this.engine.discard(from, x);
    return this.engine.collect(out);
  }

  clip(x: NDArray, low: number, high: number): NDArray {
    this.clipping ??= this.build(clipModule());
    const from = isContiguous(x) ? x : this.copies.contiguous(x);
    this.engine.begin(from);
    const out = this.engine.create("float32", x.shape);
    const bounds = this.engine.stageFloats(low, high);
    this.clipping(this.engine.address(from), this.engine.resultAddress(out), out.storage.byteLength, bounds);
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
      kernel(engine.address(a), engine.address(b), engine.resultAddress(out), 1, bytes, 0, 0);
      return engine.collect(out);
    }
    const shape = same ? a.shape : broadcastShape(a.shape, b.shape);
    const [left, right] = this.runnable(shape, [a, b]);
    engine.begin(left, right);
    const out = engine.create(dtype, shape);
    if (sizeOf(shape) === 0) return out;
    const nest = nestOf(shape, [left, right]);
    const { rows, columns, row, column } = innermost(nest);
    const kernel = this.binaryKernel(op, runOf(column[0]), runOf(column[1]));
    const x = engine.address(left);
    const y = engine.address(right);
    let to = engine.resultAddress(out);
    const step = rows * columns * (dtype === "bool" ? 1 : 4);
    walkBlocks(nest, (offsets) => {
      kernel(x + offsets[0] * 4, y + offsets[1] * 4, to, rows, columns * 4, row[0] * 4, row[1] * 4);
      to += step;
    });
    engine.discard(left, a);
    engine.discard(right, b);
    return engine.collect(out);
  }

  binaryScalar(op: BinaryOp, a: NDArray, scalar: number, reversed: boolean): NDArray {
    const engine = this.engine;
    const array = isContiguous(a) ? a : this.copies.contiguous(a);
    const kernel = reversed ? this.binaryKernel(op, "scalar", "vector") : this.binaryKernel(op, "vector", "scalar");
    engine.begin(array);
    const out = engine.create(vectorComparison[op] === undefined ? "float32" : "bool", a.shape);
    const constant = engine.stageFloats(scalar, scalar);
    const x = engine.address(array);
    const bytes = sizeOf(a.shape) * 4;
    kernel(reversed ? constant : x, reversed ? x : constant, engine.resultAddress(out), 1, bytes, 0, 0);
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
    const nest = nestOf(shape, [left, right, test]);
    const { rows, columns, row, column } = innermost(nest);
    const runA = runOf(column[0]);
    const runB = runOf(column[1]);
    const variant = variantOf(runA, runB);
    this.wheres[variant] ??= this.build(whereModule(runA, runB));
    const kernel = this.wheres[variant];
    const x = engine.address(left);
    const y = engine.address(right);
    const t = engine.address(test);
    let to = engine.resultAddress(out);
    walkBlocks(nest, (offsets) => {
      const at = t + offsets[2];
      kernel(at, x + offsets[0] * 4, y + offsets[1] * 4, to, rows, columns * 4, row[2], row[0] * 4, row[1] * 4);
      to += rows * columns * 4;
    });
    engine.discard(left, a);
    engine.discard(right, b);
    engine.discard(test, condition);
    return engine.collect(out);
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
    return module.instantiate(this.engine.arena.memory).run;
  }
}

const runOf = (stride: number): Run => (stride === 0 ? "scalar" : "vector");
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
