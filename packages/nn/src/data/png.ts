/** PNG pixels, whatever their depth and colour type, as eight-bit RGBA. */
import type { DecodedPng } from "fast-png";
import type { Pixels } from "./images.ts";

export async function decodePng(bytes: Uint8Array): Promise<Pixels> {
  const png = (await import("fast-png")).decode(bytes, { checkCrc: true });
  const { width, height } = png;
  const rgba = new Uint8Array(4 * width * height);
  const write = png.palette === undefined ? directPixel(png) : palettePixel(png, png.palette);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) write(y, x, rgba, 4 * (y * width + x));
  }
  return { width, height, rgba };
}

type WritePixel = (y: number, x: number, rgba: Uint8Array, at: number) => void;

/** One element of the image; below eight bits several stand in a byte, the first one highest, each row in whole bytes. */
function sampler({ width, depth, channels, data }: DecodedPng): (y: number, i: number) => number {
  if (depth >= 8) return (y, i) => data[y * width * channels + i];
  const rowBytes = Math.ceil((width * depth) / 8);
  const perByte = 8 / depth;
  return (y, i) => {
    const byte = data[y * rowBytes + Math.floor(i / perByte)];
    return (byte >> (8 - depth * ((i % perByte) + 1))) & (2 ** depth - 1);
  };
}

function palettePixel(png: DecodedPng, palette: readonly (readonly number[])[]): WritePixel {
  const sample = sampler(png);
  return (y, x, rgba, at) => {
    const colour = palette[sample(y, x)];
    if (colour === undefined) throw new Error(`the palette has no colour ${sample(y, x)}`);
    rgba.set([colour[0], colour[1], colour[2], colour[3] ?? 255], at);
  };
}

function directPixel(png: DecodedPng): WritePixel {
  const sample = sampler(png);
  const { channels, depth, transparency } = png;
  const colours = channels < 3 ? 1 : 3;
  const scale = 255 / (2 ** depth - 1);
  return (y, x, rgba, at) => {
    let keyed = transparency !== undefined && transparency.length >= colours;
    for (let c = 0; c < 3; c++) {
      const value = sample(y, x * channels + (colours === 1 ? 0 : c));
      rgba[at + c] = Math.round(value * scale);
      keyed &&= value === transparency![colours === 1 ? 0 : c];
    }
    const alpha = channels === colours ? undefined : sample(y, x * channels + colours);
    rgba[at + 3] = alpha !== undefined ? Math.round(alpha * scale) : keyed ? 0 : 255;
  };
}

/** Where the first chunk begins that does not fit into the file; 0 when all of them do, and the damage is inside one. */
export function pngDamage(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 8;
  while (at + 12 <= bytes.length) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) return at;
    if (view.getUint32(at + 4) === 0x49454e44) return 0; // IEND
    at = end;
  }
  return at;
}
