/** Element types, how they are seen from JavaScript, and how they promote when they meet. */

/** Element types. Block-quantised formats join this list with the engine's storage types. */
export type DType = "float32" | "float64" | "float16" | "bfloat16" | "int32" | "int8" | "uint8" | "bool";

/** How the elements of a dtype are seen from JavaScript. float16 and bfloat16 read as their 16-bit patterns. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array | Uint16Array;

export const dtypes: readonly DType[] = ["bool", "uint8", "int8", "int32", "float16", "bfloat16", "float32", "float64"];

/** Whether a dtype is a floating type, that is, whether its tensors have derivatives. */
export function isFloating(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}

/** bool < uint8, int8 < int32 < float16, bfloat16 < float32 < float64; two of one rank meet at the next rank. */
const rank: Readonly<Record<DType, number>> = {
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
  if (a === b) return a;
  if (rank[a] !== rank[b]) return rank[a] > rank[b] ? a : b;
  return rank[a] === 1 ? "int32" : "float32";
}

/**
 * The dtype in which a tensor of dtype `a` meets a JavaScript number: the tensor's own, except that a number that is
 * not an integer makes an integer or bool tensor float32, and an integer makes a bool tensor int32.
 */
export function promoteWithNumber(a: DType, value: number): DType {
  if (isFloating(a)) return a;
  if (!Number.isInteger(value)) return "float32";
  return a === "bool" ? "int32" : a;
}

/** The dtype in which floating functions of `a` are computed: `a` itself when floating, else float32. */
export function floatingOf(a: DType): DType {
  return isFloating(a) ? a : "float32";
}

/** The dtype in which bool and 8-bit integers are summed and multiplied up: int32. */
export function accumulatorOf(a: DType): DType {
  return a === "bool" || a === "int8" || a === "uint8" ? "int32" : a;
}
