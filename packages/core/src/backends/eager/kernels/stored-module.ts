/**
 * Code that reads stored rows (float16, bfloat16, quantised) as float32: `decode` writes them out, `dots` multiplies
 * each with a vector while it is read, so that decoding a token costs one pass over the bytes of the weights.
 * Block layouts: ggml's quants (q8_0, q4_0, q4_K, q6_K), as GGUF files hold them.
 */
import type { QuantisedDType } from "../../../dtype.ts";
import {
  type Expression,
  type FunctionBuilder,
  f32,
  f32x4,
  i8x16,
  i16x8,
  i32,
  i32x4,
  type Local,
  loopTo,
  ModuleBuilder,
  type Statement,
  Steps,
  sequence,
  v128,
} from "../wasm/index.ts";

export type StoredDType = QuantisedDType | "float16" | "bfloat16";

export interface StoredFunctions {
  /** (from, rowBytes, rows, columns, to, toRowBytes): whole vectors are written, up to 12 bytes beyond a row. */
  readonly decode: (...values: number[]) => void;
  /** (x, from, rowBytes, rows, columns, y): y[row] = x · row; `x` is read in whole blocks and must end in zeros. */
  readonly dots: (...values: number[]) => void;
}

/** Elements of a row that one round of its loop reads. */
export const roundOf: Readonly<Record<StoredDType, number>> = {
  bfloat16: 16,
  float16: 16,
  q8_0: 32,
  q4_0: 32,
  q4_k: 256,
  q6_k: 256,
  int8c: 16,
  int4c: 32,
};

/** Takes four decoded elements at an offset, counted in elements from the start of the round. */
type Sink = (element: number, value: Expression) => Statement;

/** The code of a round that begins at `from`, with values that hold for the whole row (set up by `begin`). */
interface Format {
  readonly head: number;
  readonly bytes: number;
  begin(f: FunctionBuilder, row: Local): { code: Statement; scale: Expression };
  round(s: Steps, from: Local, scale: Expression, sink: Sink): void;
}

const noScale = { code: [] as Statement, scale: f32x4.const(1) };
const perBlock = { head: 0, begin: () => noScale };
const perRow = {
  head: 4,
  begin: (f: FunctionBuilder, row: Local) => {
    const scale = f.local("v128");
    return { code: scale.set(v128.load32Splat(row)), scale };
  },
};

/** float16 patterns in 32-bit lanes as float32, exactly: subnormals by the multiplication, infinities by the mask. */
export function fromFloat16(s: Steps, patterns: Expression): Expression {
  const bits = s.let(patterns);
  const magnitude = s.let(i32x4.shl(v128.and(bits, s.once(mask(0x7fff))), 13));
  const special = v128.and(i32x4.gt(magnitude, s.once(mask(0x0f7fffff))), s.once(mask(0x7f800000)));
  const sign = i32x4.shl(v128.and(bits, s.once(mask(0x8000))), 16);
  return v128.or(v128.or(f32x4.mul(magnitude, s.once(f32x4.const(2 ** 112))), special), sign);
}

const mask = (value: number) => i32x4.const(value, value, value, value);
const byteMask = (value: number) => {
  const word = value * 0x01010101;
  return mask(word | 0);
};
const half = (s: Steps, from: Local, at: number) => s.let(fromFloat16(s, i32x4.splat(i32.load16u(from, at))));

/** Sixteen signed bytes times a scale, minus a shift if there is one. */
function bytes(s: Steps, values: Expression, element: number, scale: Expression, sink: Sink, shift?: Expression): void {
  const all = s.let(values);
  [i16x8.extendLow(all), i16x8.extendHigh(all)].forEach((eight, h) => {
    const lanes = s.let(eight);
    [i32x4.extendLow(lanes), i32x4.extendHigh(lanes)].forEach((four, q) => {
      const scaled = f32x4.mul(f32x4.fromI32x4(four), scale);
      s.add(sink(element + h * 8 + q * 4, shift === undefined ? scaled : f32x4.sub(scaled, shift)));
    });
  });
}

const lowNibbles = (s: Steps, v: Expression) => v128.and(v, s.once(byteMask(15)));
const highNibbles = (s: Steps, v: Expression) => lowNibbles(s, i16x8.shrUnsigned(v, 4));
const minus = (s: Steps, v: Expression, bias: number) => i8x16.sub(v, s.once(byteMask(bias)));

/** 16 bytes of nibbles: elements 0–15 low, 16–31 high, biased by 8. */
function nibbleGroup(s: Steps, from: Local, at: number, scale: Expression, sink: Sink): void {
  const packed = s.let(v128.load(from, at));
  bytes(s, minus(s, lowNibbles(s, packed), 8), 0, scale, sink);
  bytes(s, minus(s, highNibbles(s, packed), 8), 16, scale, sink);
}

const formats: Readonly<Record<StoredDType, Format>> = {
  bfloat16: {
    ...perBlock,
    bytes: 32,
    round: (s, from, _, sink) => {
      for (let q = 0; q < 4; q++) s.add(sink(q * 4, i32x4.shl(v128.load16x4Unsigned(from, q * 8), 16)));
    },
  },
  float16: {
    ...perBlock,
    bytes: 32,
    round: (s, from, _, sink) => {
      for (let q = 0; q < 4; q++) s.add(sink(q * 4, fromFloat16(s, v128.load16x4Unsigned(from, q * 8))));
    },
  },
  q8_0: {
    ...perBlock,
    bytes: 34,
    round: (s, from, _, sink) => {
      const d = half(s, from, 0);
      for (const part of [0, 16]) bytes(s, v128.load(from, 2 + part), part, d, sink);
    },
  },
  q4_0: { ...perBlock, bytes: 18, round: (s, from, _, sink) => nibbleGroup(s, from, 2, half(s, from, 0), sink) },
  int8c: { ...perRow, bytes: 16, round: (s, from, scale, sink) => bytes(s, v128.load(from), 0, scale, sink) },
  int4c: { ...perRow, bytes: 16, round: (s, from, scale, sink) => nibbleGroup(s, from, 0, scale, sink) },
  q4_k: {
    ...perBlock,
    bytes: 144,
    round: (s, from, _, sink) => {
      const d = half(s, from, 0);
      const least = half(s, from, 2);
      const times = (factor: Expression, integer: Expression) =>
        s.let(f32x4.mul(factor, f32x4.fromI32x4(i32x4.splat(integer))));
      // Twelve bytes hold eight scales and eight minima of six bits: the upper two bits of the last four of each are in
      // the first eight bytes.
      const byte = (j: number) => i32.load8u(from, 4 + j);
      const bits = (value: Expression, most: number) => i32.and(value, i32.const(most));
      const upper = (value: Expression) => i32.shl(i32.shrUnsigned(value, i32.const(6)), i32.const(4));
      const scaleOf = (j: number) => (j < 4 ? bits(byte(j), 63) : i32.or(bits(byte(j + 4), 15), upper(byte(j - 4))));
      const leastOf = (j: number) =>
        j < 4 ? bits(byte(j + 4), 63) : i32.or(i32.shrUnsigned(byte(j + 4), i32.const(4)), upper(byte(j)));
      for (let j = 0; j < 8; j += 2) {
        const scales = [times(d, scaleOf(j)), times(d, scaleOf(j + 1))];
        const shifts = [times(least, leastOf(j)), times(least, leastOf(j + 1))];
        for (const part of [0, 16]) {
          const packed = s.let(v128.load(from, 16 + j * 16 + part));
          bytes(s, lowNibbles(s, packed), j * 32 + part, scales[0], sink, shifts[0]);
          bytes(s, highNibbles(s, packed), j * 32 + 32 + part, scales[1], sink, shifts[1]);
        }
      }
    },
  },
  q6_k: {
    ...perBlock,
    bytes: 210,
    round: (s, from, _, sink) => {
      const d = half(s, from, 208);
      for (const n of [0, 1]) {
        for (const part of [0, 1]) {
          const low = [0, 32].map((at) => s.let(v128.load(from, n * 64 + at + part * 16)));
          const high = s.let(v128.load(from, 128 + n * 32 + part * 16));
          for (let quarter = 0; quarter < 4; quarter++) {
            const packed = low[quarter & 1];
            const nibbles = quarter < 2 ? lowNibbles(s, packed) : highNibbles(s, packed);
            const two = v128.and(i16x8.shrUnsigned(high, quarter * 2), s.once(byteMask(3)));
            const value = minus(s, v128.or(nibbles, i8x16.shl(two, 4)), 32);
            const integer = i32.load8s(from, 192 + n * 8 + quarter * 2 + part);
            const scale = s.let(f32x4.mul(d, f32x4.fromI32x4(i32x4.splat(integer))));
            bytes(s, value, n * 128 + quarter * 32 + part * 16, scale, sink);
          }
        }
      }
    },
  },
};

export function storedModule(dtype: StoredDType): ModuleBuilder {
  const module = new ModuleBuilder();
  decodeFunction(module, formats[dtype], roundOf[dtype]);
  dotsFunction(module, formats[dtype], roundOf[dtype]);
  return module;
}

const advance = (pointer: Local, by: Expression | number) =>
  pointer.set(i32.add(pointer, typeof by === "number" ? i32.const(by) : by));

/** Whole rounds; the caller's target has room for a whole last one. */
function decodeFunction(module: ModuleBuilder, format: Format, round: number): void {
  const f = module.function("decode", ["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [from, rowBytes, rows, columns, to, toRowBytes] = f.parameters;
  const [row, column, source, target] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
  const { code, scale } = format.begin(f, from);
  const s = new Steps(f);
  format.round(s, source, scale, (element, value) => v128.store(target, value, element * 4));
  const body = sequence(s.code(), advance(source, format.bytes), advance(target, round * 4));
  f.code(
    s.before(),
    row.set(i32.const(0)),
    loopTo(
      row,
      rows,
      1,
      sequence(
        code,
        source.set(i32.add(from, i32.const(format.head))),
        target.set(to),
        column.set(i32.const(0)),
        loopTo(column, columns, round, body),
        advance(from, rowBytes),
        advance(to, toRowBytes),
      ),
    ),
  );
}

/** Rounds between which partial sums are folded away, so that rounding errors do not grow with the depth. */
const foldEvery = 1024;

function dotsFunction(module: ModuleBuilder, format: Format, round: number): void {
  const f = module.function("dots", ["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [x, from, rowBytes, rows, columns, y] = f.parameters;
  const [row, column, source, left] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
  const end = f.local("i32");
  const sums = Array.from({ length: 4 }, () => f.local("v128"));
  const total = f.local("v128");
  const { code, scale } = format.begin(f, from);
  const s = new Steps(f);
  format.round(s, source, scale, (element, value) => {
    const sum = sums[(element >> 2) & 3];
    return sum.set(f32x4.add(sum, f32x4.mul(value, v128.load(left, element * 4))));
  });
  const body = sequence(s.code(), advance(source, format.bytes), advance(left, round * 4));
  const folded = f32x4.add(f32x4.add(sums[0], sums[1]), f32x4.add(sums[2], sums[3]));
  const lane = (i: number) => f32x4.lane(total, i);
  f.code(
    s.before(),
    row.set(i32.const(0)),
    loopTo(
      row,
      rows,
      1,
      sequence(
        code,
        source.set(i32.add(from, i32.const(format.head))),
        left.set(x),
        total.set(f32x4.const(0)),
        column.set(i32.const(0)),
        end.set(i32.const(0)),
        loopTo(
          end,
          columns,
          foldEvery,
          sequence(
            ...sums.map((sum) => sum.set(f32x4.const(0))),
            loopTo(
              column,
              i32.select(
                i32.lt(i32.add(end, i32.const(foldEvery)), columns),
                i32.add(end, i32.const(foldEvery)),
                columns,
              ),
              round,
              body,
            ),
            total.set(f32x4.add(total, folded)),
          ),
        ),
        f32.store(y, f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3)))),
        advance(y, 4),
        advance(from, rowBytes),
      ),
    ),
  );
}
