/** Images of common formats as tensors. */
import { type Tensor, tensor } from "@pullback/core";
import { DataError } from "../errors.ts";
import { decodePng, pngDamage } from "./png.ts";

export interface ImageOptions {
  /** 1 grey, 3 red, green and blue (default), 4 with alpha, whatever the file has. */
  readonly channels?: 1 | 3 | 4;
}

/** Pixels in reading order, four bytes each: red, green, blue, alpha. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/**
 * Reads a PNG or JPEG file to a uint8 tensor `[channels, height, width]`; where the package `sharp` is installed, every
 * format that it knows. Alpha is left out, not blended, and an orientation noted in the file is not applied. For a
 * network: `image.cast("float32").div(255)`.
 *
 * @throws DataError PB7204, with file and offset, when it is none of these or damaged
 */
export async function readImage(path: string, options: ImageOptions = {}): Promise<Tensor> {
  const { readFile } = await import("node:fs/promises");
  return decodeImage(await readFile(path), options, path);
}

/** The same from bytes, such as an image column of a Parquet file; `file` is the name for errors. */
export async function decodeImage(bytes: Uint8Array, options: ImageOptions = {}, file?: string): Promise<Tensor> {
  const { width, height, rgba } = await decode(bytes, file);
  const channels = options.channels ?? 3;
  return tensor(planes(rgba, width * height, channels), { shape: [channels, height, width] });
}

async function decode(bytes: Uint8Array, file: string | undefined): Promise<Pixels> {
  const fail = (what: string, offset: number, cause?: unknown) =>
    new DataError(what, { code: "PB7204", offset, cause, ...(file !== undefined && { file }) });
  const isPng = startsWith(bytes, [0x89, 0x50, 0x4e, 0x47]);
  const isJpeg = startsWith(bytes, [0xff, 0xd8, 0xff]);
  try {
    const sharp = await optionalSharp();
    if (sharp !== undefined) return await decodeBySharp(sharp, bytes);
    if (isPng) return await decodePng(bytes);
    if (isJpeg) return await decodeJpeg(bytes);
  } catch (cause) {
    const offset = isPng ? pngDamage(bytes) : isJpeg && !endsJpeg(bytes) ? bytes.length : 0;
    throw fail(`it cannot be decoded (${(cause as Error).message})`, offset, cause);
  }
  throw fail("it is neither a PNG nor a JPEG image", 0);
}

const startsWith = (bytes: Uint8Array, signature: readonly number[]) => signature.every((byte, i) => bytes[i] === byte);

const endsJpeg = (bytes: Uint8Array) => bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9;

async function decodeJpeg(bytes: Uint8Array): Promise<Pixels> {
  const { default: jpeg } = await import("jpeg-js");
  if (!endsJpeg(bytes)) throw new Error("the end of the image is missing");
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, tolerantDecoding: false });
  return { width, height, rgba: data };
}

/** The part of sharp's interface that is used: the package is optional, so are its types. */
type Sharp = (bytes: Uint8Array) => {
  toColourspace(space: string): ReturnType<Sharp>;
  ensureAlpha(): ReturnType<Sharp>;
  raw(): ReturnType<Sharp>;
  toBuffer(options: {
    resolveWithObject: true;
  }): Promise<{ data: Uint8Array; info: { width: number; height: number } }>;
};

let sharpLoaded: Promise<Sharp | undefined> | undefined;

function optionalSharp(): Promise<Sharp | undefined> {
  // In a variable, so that neither the type checker nor a bundler looks for a package that need not be there.
  const name: string = "sharp";
  sharpLoaded ??= import(/* @vite-ignore */ name).then((module) => module.default as Sharp, () => undefined); // biome-ignore format: one thought
  return sharpLoaded;
}

async function decodeBySharp(sharp: Sharp, bytes: Uint8Array): Promise<Pixels> {
  const decoded = await sharp(bytes).toColourspace("srgb").ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: decoded.info.width, height: decoded.info.height, rgba: decoded.data };
}

/** Channel after channel; grey is ITU-R 601 luma. */
function planes(rgba: Uint8Array, count: number, channels: 1 | 3 | 4): Uint8Array {
  const data = new Uint8Array(channels * count);
  for (let i = 0; i < count; i++) {
    const at = 4 * i;
    if (channels === 1) data[i] = Math.round(0.299 * rgba[at] + 0.587 * rgba[at + 1] + 0.114 * rgba[at + 2]);
    else for (let c = 0; c < channels; c++) data[c * count + i] = rgba[at + c];
  }
  return data;
}
