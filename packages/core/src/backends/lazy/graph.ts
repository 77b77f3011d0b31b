/**
 * The graph language: each node is one primitive of the backend interface with its operands, and computes values.
 * Operands are strided views, as everywhere in the engine, of a value or of memory that exists. Numbers that a primitive
 * takes (a learning rate, a random key) are inputs of the node like its operands: no program is made for one of them.
 */
import { storageClock } from "@pullback/autodiff";
import type { Backend, BinaryOp, NDArray, ReduceOp, Storage, UnaryOp } from "../../backend/backend.ts";
import type { DType } from "../../dtype.ts";
import { rowMajorStrides, sizeOf } from "../../shape.ts";
import { elementBytes } from "../eager/arrays.ts";

/** What a node computes where fused code can compute it too; the others are run by the eager backend. */
export type Meaning =
  | { readonly kind: "unary"; readonly op: UnaryOp }
  | { readonly kind: "binary"; readonly op: BinaryOp }
  /** The number is the node's scalar 0; `reversed`: it is the left operand. */
  | { readonly kind: "binaryScalar"; readonly op: BinaryOp; readonly reversed: boolean }
  /** Scalars 0 and 1 are the bounds. */
  | { readonly kind: "clip" }
  | { readonly kind: "where" }
  | { readonly kind: "cast" }
  | { readonly kind: "copy" }
  /** Scalar 0 everywhere. */
  | { readonly kind: "fill" }
  | { readonly kind: "reduce"; readonly op: ReduceOp; readonly axes: readonly number[] };

/** Runs a primitive on arrays that exist. What it closes over must be in the node's attributes, except scalars. */
export type Run = (eager: Backend, operands: readonly NDArray[], scalars: readonly number[]) => NDArray | NDArray[];

/** The name and attributes of a primitive, and how it is run. */
export interface Primitive {
  readonly name: string;
  /** Everything but operands and scalars that its result depends on. */
  readonly attributes: string;
  readonly run: Run;
  readonly meaning?: Meaning | undefined;
}

export class Node {
  readonly primitive: Primitive;
  readonly operands: readonly NDArray[];
  readonly scalars: readonly number[];
  readonly values: Value[];
  /** Equal for nodes of equal primitive and operands of equal dtype and layout. */
  readonly signature: number;
  /** Where it was recorded, of primitives that may throw on data. */
  readonly recordedAt: { readonly stack?: string } | undefined;
  executed = false;

  constructor(
    primitive: Primitive,
    operands: readonly NDArray[],
    scalars: readonly number[],
    results: readonly Result[],
    signature: number,
    recordedAt: { readonly stack?: string } | undefined,
  ) {
    this.primitive = primitive;
    this.operands = operands;
    this.scalars = scalars;
    this.signature = signature;
    this.recordedAt = recordedAt;
    this.values = results.map(({ dtype, shape }) => new Value(this, dtype, shape));
  }
}

/** What one result of a primitive is. */
export interface Result {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Who wants to know that a value was used after the program that computed it had run. */
export interface Origin {
  usedLater(slot: number): void;
}

const clock = storageClock();

/** A contiguous array that a node computes: what tensors of the lazy backend hold on to. */
export class Value implements Storage {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** How to compute it; given up when it is there. */
  node: Node | null;
  /** Its elements, once they are there. */
  array: NDArray | null = null;
  /** Why there are none. */
  error: unknown = undefined;
  /** No tensor will ever ask for it. */
  released = false;
  readonly born = clock.now;
  holders = 0;
  origin: Origin | null = null;
  /** Its number in `origin`. */
  slot = -1;

  constructor(node: Node, dtype: DType, shape: readonly number[]) {
    this.node = node;
    this.dtype = dtype;
    this.shape = shape;
    this.byteLength = sizeOf(shape) * elementBytes[dtype];
  }

  /** The whole value as an operand. */
  whole(): NDArray {
    return { storage: this, dtype: this.dtype, shape: this.shape, strides: rowMajorStrides(this.shape), offset: 0 };
  }

  /** Tells the elements; the recipe and what it holds on to are not needed any more. */
  settle(array: NDArray): void {
    this.array = array;
    this.node = null;
  }
}

/** The value behind an operand; undefined for memory that exists. */
export function valueBehind(x: NDArray): Value | undefined {
  return x.storage instanceof Value ? x.storage : undefined;
}

/** An operand in terms of memory that exists; its value must be there. */
export function located(x: NDArray): NDArray {
  if (!(x.storage instanceof Value)) return x;
  const { storage, offset } = x.storage.array as NDArray;
  return { storage, dtype: x.dtype, shape: x.shape, strides: x.strides, offset: offset + x.offset };
}
