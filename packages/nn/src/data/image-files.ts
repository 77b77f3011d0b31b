/** The binary files of MNIST (IDX) and CIFAR. */
import type { TypedArray } from "@pullback/core";
import { DataError } from "../errors.ts";

/** What an IDX file holds: MNIST's images are uint8 `[count, 28, 28]`, its labels `[count]`. */
export interface Idx {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

const idxTypes: Record<number, { bytes: number; read: (view: DataView, at: number) => number; type: any }> = {
  8: { bytes: 1, type: Uint8Array, read: (view, at) => view.getUint8(at) },
  9: { bytes: 1, type: Int8Array, read: (view, at) => view.getInt8(at) },
  11: { bytes: 2, type: Int32Array, read: (view, at) => view.getInt16(at) },
  12: { bytes: 4, type: Int32Array, read: (view, at) => view.getInt32(at) },
  13: { bytes: 4, type: Float32Array, read: (view, at) => view.getFloat32(at) },
  14: { bytes: 8, type: Float64Array, read: (view, at) => view.getFloat64(at) },
};

/**
 * Reads an IDX file, gzipped or not. 16-bit integers become int32.
 *
 * @throws DataError PB7204 with the offset of what is wrong
 */
export async function readIdx(path: string): Promise<Idx> {
  const bytes = await bytesOf(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (message: string, offset: number) =>
    new DataError(message, { code: "PB7204", file: path, offset, hint: "The file is no IDX file, or is damaged." });
  if (bytes.length < 4) throw fail("it is too short for the header of an IDX file", 0);
  const element = idxTypes[view.getUint8(2)];
  const rank = view.getUint8(3);
  if (view.getUint16(0) !== 0 || element === undefined) throw fail("it does not begin as an IDX file does", 0);
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw fail("its header is cut off", bytes.length);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (bytes.length !== start + count * element.bytes) {
    throw fail(
      `it should have ${start + count * element.bytes} bytes for shape [${shape}], and has ${bytes.length}`,
      bytes.length,
    );
  }
  const data = new element.type(count);
  for (let i = 0; i < count; i++) data[i] = element.read(view, start + i * element.bytes);
  return { shape, data };
}

/** One image of CIFAR: `pixels` are uint8 `[3, 32, 32]`, red, green, blue. */
export interface CifarSample {
  readonly pixels: Uint8Array;
  readonly label: number;
  /** CIFAR-100's superclass; CIFAR-10 has none. */
  readonly coarseLabel?: number;
}

const cifarPixels = 3 * 32 * 32;

/**
 * Reads a binary file of CIFAR-10 (one label byte per image) or CIFAR-100 (two), gzipped or not.
 *
 * @throws DataError PB7204 when the file is no whole number of images, or a label is out of range
 */
export async function readCifar(path: string, classes: 10 | 100 = 10): Promise<CifarSample[]> {
  const bytes = await bytesOf(path);
  const labels = classes === 100 ? 2 : 1;
  const record = labels + cifarPixels;
  const fail = (message: string, offset: number) =>
    new DataError(message, {
      code: "PB7204",
      file: path,
      offset,
      hint: `Is this the binary version of CIFAR-${classes}?`,
    });
  if (bytes.length % record !== 0) throw fail(`${bytes.length} bytes are no whole number of images`, bytes.length);
  return Array.from({ length: bytes.length / record }, (_, i): CifarSample => {
    const at = i * record;
    const label = bytes[at + labels - 1]!;
    if (label >= classes) throw fail(`label ${label} of image ${i} is out of range`, at);
    const pixels = bytes.slice(at + labels, at + record);
    return labels === 2 ? { pixels, label, coarseLabel: bytes[at]! } : { pixels, label };
  });
}

/** A file's bytes, decompressed where it is gzipped. */
async function bytesOf(path: string): Promise<Uint8Array> {
  const { readFile } = await import("node:fs/promises");
  const raw = await readFile(path);
  if (raw[0] !== 0x1f || raw[1] !== 0x8b) return raw;
  const { gunzipSync } = await import("node:zlib");
  try {
    return gunzipSync(raw);
  } catch (cause) {
    throw new DataError("it cannot be decompressed", { code: "PB7204", file: path, offset: 0, cause });
  }
}
