/** Quantisation to nearest, block by block: each scale comes from the block's extreme values, none is searched for. */
import { type QuantisedDType, quantisedBlocks, quantisedRowBytes } from "../../../dtype.ts";
import { fromFloat16, toFloat16 } from "./half.ts";

/** `rows` rows of `columns` float32 values as the bytes of a quantised dtype. */
export function quantise(values: ArrayLike<number>, dtype: QuantisedDType, rows: number, columns: number): Uint8Array {
  const rowBytes = quantisedRowBytes(dtype, columns);
  const { elements, bytes } = quantisedBlocks[dtype];
  const out = new Uint8Array(rows * rowBytes);
  const view = new DataView(out.buffer);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    const to = row * rowBytes;
    if (dtype === "int8c" || dtype === "int4c") {
      perChannel(values, from, columns, dtype, view, to);
      continue;
    }
    const block = blocks[dtype];
    for (let i = 0; i < columns / elements; i++) block(values, from + i * elements, view, to + i * bytes);
  }
  return out;
}

type Block = (x: ArrayLike<number>, from: number, out: DataView, to: number) => void;

const blocks: Readonly<Record<Exclude<QuantisedDType, "int8c" | "int4c">, Block>> = {
  q8_0: (x, from, out, to) => {
    const scale = storeHalf(out, to, largest(x, from, 32) / 127);
    for (let i = 0; i < 32; i++) out.setInt8(to + 2 + i, nearest(x[from + i], scale, -128, 127));
  },
  q4_0: (x, from, out, to) => {
    // The value of largest magnitude becomes -8, the only one of its size.
    const scale = storeHalf(out, to, extreme(x, from, 32) / -8);
    nibbles(x, from, scale, out, to + 2);
  },
  q4_k: (x, from, out, to) => {
    const least = Array.from({ length: 8 }, (_, j) => Math.max(0, -minimum(x, from + j * 32, 32)));
    const scales = least.map((low, j) => (Math.max(0, maximum(x, from + j * 32, 32)) + low) / 15);
    const d = storeHalf(out, to, Math.max(...scales) / 63);
    const dmin = storeHalf(out, to + 2, Math.max(...least) / 63);
    for (let j = 0; j < 8; j++) {
      const scale = nearest(scales[j], d, 0, 63);
      const low = nearest(least[j], dmin, 0, 63);
      const at = to + 4;
      if (j < 4) {
        out.setUint8(at + j, out.getUint8(at + j) | scale);
        out.setUint8(at + j + 4, out.getUint8(at + j + 4) | low);
      } else {
        out.setUint8(at + j + 4, (scale & 15) | ((low & 15) << 4));
        out.setUint8(at + j - 4, out.getUint8(at + j - 4) | ((scale >> 4) << 6));
        out.setUint8(at + j, out.getUint8(at + j) | ((low >> 4) << 6));
      }
      for (let i = 0; i < 32; i++) {
        const q = nearest(x[from + j * 32 + i] + dmin * low, d * scale, 0, 15);
        const byte = to + 16 + (j >> 1) * 32 + i;
        out.setUint8(byte, out.getUint8(byte) | (q << ((j & 1) * 4)));
      }
    }
  },
  q6_k: (x, from, out, to) => {
    const scales = Array.from({ length: 16 }, (_, j) => extreme(x, from + j * 16, 16) / -32);
    const d = storeHalf(out, to + 208, extreme(scales, 0, 16) / -128);
    for (let j = 0; j < 16; j++) {
      const scale = nearest(scales[j], d, -128, 127);
      out.setInt8(to + 192 + j, scale);
      for (let i = 0; i < 16; i++) {
        const q = nearest(x[from + j * 16 + i], d * scale, -32, 31) + 32;
        const element = j * 16 + i;
        const [half, quarter, l] = [element >> 7, (element >> 5) & 3, element & 31];
        const low = to + half * 64 + (quarter & 1) * 32 + l;
        const high = to + 128 + half * 32 + l;
        out.setUint8(low, out.getUint8(low) | ((q & 15) << (quarter < 2 ? 0 : 4)));
        out.setUint8(high, out.getUint8(high) | ((q >> 4) << (quarter * 2)));
      }
    }
  },
};

function perChannel(
  x: ArrayLike<number>,
  from: number,
  columns: number,
  dtype: string,
  out: DataView,
  to: number,
): void {
  const scale = dtype === "int8c" ? largest(x, from, columns) / 127 : extreme(x, from, columns) / -8;
  out.setFloat32(to, scale, true);
  const stored = out.getFloat32(to, true);
  if (dtype === "int8c") {
    for (let i = 0; i < columns; i++) out.setInt8(to + 4 + i, nearest(x[from + i], stored, -128, 127));
  } else {
    for (let i = 0; i < columns; i += 32) nibbles(x, from + i, stored, out, to + 4 + i / 2);
  }
}

/** 32 values in 16 bytes, biased by 8: the first half in the low nibbles. */
function nibbles(x: ArrayLike<number>, from: number, scale: number, out: DataView, to: number): void {
  for (let i = 0; i < 16; i++) {
    const low = nearest(x[from + i], scale, -8, 7) + 8;
    const high = nearest(x[from + 16 + i], scale, -8, 7) + 8;
    out.setUint8(to + i, low | (high << 4));
  }
}

/** Rounded to float16, which is what a reader will see. */
function storeHalf(out: DataView, at: number, value: number): number {
  const pattern = toFloat16(value);
  out.setUint16(at, pattern, true);
  return fromFloat16(pattern);
}

const nearest = (value: number, scale: number, low: number, high: number): number =>
  scale === 0 ? 0 : Math.min(high, Math.max(low, Math.round(value / scale)));

function minimum(x: ArrayLike<number>, from: number, count: number): number {
  let found = Infinity;
  for (let i = from; i < from + count; i++) found = Math.min(found, x[i]);
  return found;
}

function maximum(x: ArrayLike<number>, from: number, count: number): number {
  let found = -Infinity;
  for (let i = from; i < from + count; i++) found = Math.max(found, x[i]);
  return found;
}

/** The value of largest magnitude, with its sign. */
function extreme(x: ArrayLike<number>, from: number, count: number): number {
  const [low, high] = [minimum(x, from, count), maximum(x, from, count)];
  return -low > high ? low : high;
}

const largest = (x: ArrayLike<number>, from: number, count: number): number => Math.abs(extreme(x, from, count));
