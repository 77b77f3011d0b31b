/** Element types, how they are seen from JavaScript, and how they promote when they meet. */

import { DTypeError } from "./errors.ts";

/** Types of single elements. */
export type ElementDType = "float32" | "float64" | "float16" | "bfloat16" | "int32" | "int8" | "uint8" | "bool";

/**
 * Quantised weights, block by block along the last axis; only matmul (right operand), gather and cast understand them,
 * and they have no tangent. q8_0, q4_0, q4_k and q6_k are laid out as in GGUF files; a row of int8c or int4c is its
 * float32 scale, then signed bytes or (in groups of 32, as in q4_0) nibbles.
 */
export type QuantisedDType = "q8_0" | "q4_0" | "q4_k" | "q6_k" | "int8c" | "int4c";

export type DType = ElementDType | QuantisedDType;

/** How the elements of a dtype are seen from JavaScript. float16 and bfloat16 read as their 16-bit patterns. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array | Uint16Array;

export const dtypes: readonly ElementDType[] = [
  "bool",
  "uint8",
  "int8",
  "int32",
  "float16",
  "bfloat16",
  "float32",
  "float64",
];

/** How a row of each is divided: elements and bytes of a block, bytes before the first. */
export const quantisedBlocks: Readonly<Record<QuantisedDType, { elements: number; bytes: number; head: number }>> = {
  q8_0: { elements: 32, bytes: 34, head: 0 },
  q4_0: { elements: 32, bytes: 18, head: 0 },
  q4_k: { elements: 256, bytes: 144, head: 0 },
  q6_k: { elements: 256, bytes: 210, head: 0 },
  int8c: { elements: 1, bytes: 1, head: 4 },
  int4c: { elements: 32, bytes: 16, head: 4 },
};

export function isQuantised(dtype: DType): dtype is QuantisedDType {
  return Object.hasOwn(quantisedBlocks, dtype);
}

/** Bytes of a row of `columns` quantised elements. @throws DTypeError when they do not fill blocks. */
export function quantisedRowBytes(dtype: QuantisedDType, columns: number): number {
  const { elements, bytes, head } = quantisedBlocks[dtype];
  if (columns % elements !== 0)
    throw new DTypeError(`${dtype}: rows of ${columns} elements do not divide into blocks of ${elements}.`);
  return head + (columns / elements) * bytes;
}

/** @throws DTypeError for quantised dtypes. */
export function requireElements(dtype: DType): asserts dtype is ElementDType {
  if (isQuantised(dtype))
    throw new DTypeError(`Only matmul (right operand), gather and cast understand ${dtype}.`, {
      hint: 'Cast it first: x.cast("float32").',
    });
}

/** Whether a dtype is a floating type, that is, whether its tensors have derivatives. */
export function isFloating(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}

/** Whether a dtype has 16 bits. */
export function isHalf(dtype: DType): boolean {
  return dtype === "float16" || dtype === "bfloat16";
}

/** bool < uint8, int8 < int32 < float16, bfloat16 < float32 < float64; two of one rank meet at the next rank. */
const rank: Readonly<Record<ElementDType, number>> = {
  bool: 0,
  uint8: 1,
  int8: 1,
  int32: 2,
  float16: 3,
  bfloat16: 3,
  float32: 4,
  float64: 5,
};

/** The smallest dtype that both reach: uint8 with int8 is int32, float16 with bfloat16 is float32. */
export function promote(a: DType, b: DType): DType {
  requireElements(a);
  requireElements(b);
  if (a === b) return a;
  if (rank[a] !== rank[b]) return rank[a] > rank[b] ? a : b;
  return rank[a] === 1 ? "int32" : "float32";
}

/**
 * The dtype in which a tensor of dtype `a` meets a JavaScript number: the tensor's own, except that a number that is
 * not an integer makes an integer or bool tensor float32, and an integer makes a bool tensor int32.
 */
export function promoteWithNumber(a: DType, value: number): DType {
  requireElements(a);
  if (isFloating(a)) return a;
  if (!Number.isInteger(value)) return "float32";
  return a === "bool" ? "int32" : a;
}

/** The dtype in which floating functions of `a` are computed: `a` itself when floating, else float32. */
export function floatingOf(a: DType): DType {
  requireElements(a);
  return isFloating(a) ? a : "float32";
}

/** The dtype in which bool and 8-bit integers are summed and multiplied up: int32. */
export function accumulatorOf(a: DType): DType {
  requireElements(a);
  return a === "bool" || a === "int8" || a === "uint8" ? "int32" : a;
}
