/**
 * One array of NumPy: the .npy format, versions 1 to 3. A magic string, a header (a Python dictionary with the element
 * type, the order of axes and the shape), then the elements.
 */
import type { DType, TypedArray } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { CheckpointError } from "../safetensors/index.ts";
import { sizeOf } from "../shape.ts";
import { type Tensor, tensor } from "../tensor/index.ts";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

interface Header {
  /** Kind and bytes per element, such as "f4". */
  readonly type: string;
  readonly bigEndian: boolean;
  /** Whether the first axis runs fastest. */
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly start: number;
}

/** What NumPy calls our dtypes. bfloat16 has no name there. */
const typeOfDtype: Partial<Record<DType, string>> = {
  float64: "<f8",
  float32: "<f4",
  float16: "<f2",
  int32: "<i4",
  int8: "|i1",
  uint8: "|u1",
  bool: "|b1",
};

/** The types that are read, by kind and size; int64 where every element fits int32. */
const dtypeOfType: Readonly<Record<string, DType>> = {
  f8: "float64",
  f4: "float32",
  f2: "float16",
  i8: "int32",
  i4: "int32",
  i2: "int32",
  u2: "int32",
  i1: "int8",
  u1: "uint8",
  b1: "bool",
};

const malformed = (what: string, name: string | undefined, code = "PB7101"): CheckpointError =>
  new CheckpointError(`${name === undefined ? "This" : `"${name}"`} is not a whole .npy array: ${what}`, {
    code,
    names: name === undefined ? [] : [name],
  });

function headerOf(bytes: Uint8Array, name: string | undefined): Header {
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte))
    throw malformed("it does not begin as one.", name);
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw malformed(`its version is ${version}.`, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fixed = version === 1 ? 10 : 12;
  if (bytes.length < fixed) throw malformed("it ends within its header.", name, "PB7102");
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = fixed + length;
  if (bytes.length < start) throw malformed("it ends within its header.", name, "PB7102");
  const text = new TextDecoder().decode(bytes.slice(fixed, start));
  const descr = /'descr'\s*:\s*'([<>|=])([a-zA-Z]\d+)'/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const shape = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text);
  if (descr === null || order === null || shape === null) {
    const type = /'descr'\s*:\s*([^,]*)/.exec(text)?.[1];
    if (order !== null && shape !== null && type !== undefined) throw unreadable(type, name);
    throw malformed(`its header is ${JSON.stringify(text.trim().slice(0, 80))}.`, name);
  }
  const extents = shape[1]!.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
  return { type: descr[2]!, bigEndian: descr[1] === ">", fortran: order[1] === "True", shape: extents, start };
}

const unreadable = (type: string, name: string | undefined): CheckpointError =>
  new CheckpointError(`${name === undefined ? "The array" : `"${name}"`} has the element type ${type}.`, {
    code: "PB7104",
    names: name === undefined ? [] : [name],
    hint: "Readable are float16, float32, float64, int8 to int64, uint8, uint16 and bool; convert with astype.",
  });

/**
 * The array in the bytes of a .npy file. int64 is read as int32, and so are 16-bit integers.
 * @param name what errors call it
 * @throws CheckpointError PB7101 when it is malformed, PB7102 when it is shorter than it says, PB7104 when its element
 *   type is none of ours, or an int64 does not fit int32
 */
export function decodeNpy(bytes: Uint8Array, name?: string): Tensor {
  const header = headerOf(bytes, name);
  const dtype = dtypeOfType[header.type];
  if (dtype === undefined) throw unreadable(header.type, name);
  const width = Number(header.type.slice(1));
  const size = sizeOf(header.shape);
  const needed = size * width;
  if (bytes.length - header.start < needed)
    throw malformed(`it has ${bytes.length - header.start} of ${needed} bytes of elements.`, name, "PB7102");
  // A copy of its own: slices of Node's Buffers are views.
  const elements = new Uint8Array(bytes.subarray(header.start, header.start + needed));
  if (header.bigEndian && width > 1)
    for (let at = 0; at < needed; at += width) elements.subarray(at, at + width).reverse();
  const data = elementsOf(elements.buffer as ArrayBuffer, header.type, name);
  if (!header.fortran) return tensor(data, { shape: header.shape, dtype });
  return tensor(data, { shape: [...header.shape].reverse(), dtype }).transpose();
}

function elementsOf(buffer: ArrayBuffer, type: string, name: string | undefined): TypedArray {
  switch (type) {
    case "f8":
      return new Float64Array(buffer);
    case "f4":
      return new Float32Array(buffer);
    case "f2":
      return new Uint16Array(buffer);
    case "i8":
      return Int32Array.from(new BigInt64Array(buffer), (value) => {
        if (BigInt.asIntN(32, value) === value) return Number(value);
        throw unreadable(`int64 and the element ${value}`, name);
      });
    case "i4":
      return new Int32Array(buffer);
    case "i2":
      return Int32Array.from(new Int16Array(buffer));
    case "u2":
      return Int32Array.from(new Uint16Array(buffer));
    case "i1":
      return new Int8Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

/**
 * The bytes of a .npy file (version 1) with this tensor.
 * @throws DTypeError for bfloat16 and quantised tensors, which NumPy does not know
 */
export async function encodeNpy(x: Tensor): Promise<Uint8Array> {
  const type = typeOfDtype[x.dtype];
  if (type === undefined)
    throw new DTypeError(`encodeNpy: NumPy has no ${x.dtype}.`, { hint: 'Cast it first: x.cast("float32").' });
  const shape = x.rank === 1 ? `${x.shape[0]},` : x.shape.join(", ");
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
  // Padded so that the elements begin at a multiple of 64.
  const padding = (64 - ((10 + dictionary.length + 1) % 64)) % 64;
  const text = `${dictionary}${" ".repeat(padding)}\n`;
  const data = await x.data();
  const elements = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bytes = new Uint8Array(10 + text.length + elements.length);
  bytes.set(magic);
  bytes.set([1, 0, text.length & 255, text.length >> 8], 6);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes.set(elements, 10 + text.length);
  return bytes;
}
