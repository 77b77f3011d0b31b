/** From the bytes of a file to the elements of a tensor, and back. */
import type { DType, ElementDType, TypedArray } from "../dtype.ts";
import { CheckpointError } from "./errors.ts";
import { dtypeOfType, type TensorEntry } from "./header.ts";

/**
 * The elements that `bytes` (aligned, exactly the entry's range) hold; float16 and bfloat16 as bit patterns.
 *
 * @throws CheckpointError PB7104 for a type that no dtype of ours can hold
 */
export function decodeElements(
  entry: TensorEntry,
  bytes: ArrayBuffer,
  path: string,
): { data: TypedArray; dtype: DType } {
  const dtype = dtypeOfType[entry.type];
  if (dtype === undefined) {
    throw new CheckpointError(`"${entry.name}" has the element type ${entry.type}, which Pullback cannot hold`, {
      code: "PB7104",
      path,
      names: [entry.name],
      hint: `Readable are ${Object.keys(dtypeOfType).join(", ")}; convert the file.`,
    });
  }
  return { data: entry.type === "I64" ? narrow(entry, new BigInt64Array(bytes), path) : view(dtype, bytes), dtype };
}

function view(dtype: ElementDType, bytes: ArrayBuffer): TypedArray {
  switch (dtype) {
    case "float64":
      return new Float64Array(bytes);
    case "float32":
      return new Float32Array(bytes);
    case "float16":
    case "bfloat16":
      return new Uint16Array(bytes);
    case "int32":
      return new Int32Array(bytes);
    case "int8":
      return new Int8Array(bytes);
    case "uint8":
    case "bool":
      return new Uint8Array(bytes);
  }
}

function narrow(entry: TensorEntry, values: BigInt64Array, path: string): Int32Array {
  return Int32Array.from(values, (value) => {
    if (BigInt.asIntN(32, value) === value) return Number(value);
    throw new CheckpointError(`"${entry.name}" holds ${value}, which does not fit int32`, {
      code: "PB7104",
      path,
      names: [entry.name],
      hint: "Convert the tensor to I32 or to a floating type.",
    });
  });
}
