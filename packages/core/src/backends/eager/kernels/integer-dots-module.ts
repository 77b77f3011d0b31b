/**
 * A vector times rows of q8_0 or q4_0 weights in integers, which is what decoding one token spends its time on. The
 * vector is rounded to 16 bits once, in blocks of 32 like the weights' with a scale each (so an element is off by at most
 * 2^-16 of the largest of its block); products and their sums in a block are then exact.
 */
import {
  type Expression,
  f32,
  f32x4,
  i16x8,
  i32,
  i32x4,
  type Local,
  loopTo,
  loopWhile,
  ModuleBuilder,
  Steps,
  sequence,
  touch,
  v128,
  when,
} from "../wasm/index.ts";
import { foldLanes } from "./rows.ts";
import { fromFloat16 } from "./stored-module.ts";

/** Elements of a block; columns must be a multiple of it. */
const block = 32;

/**
 * Bytes of the rounded vector: elements; a scale for each block; for each what the bias of four-bit weights adds to its
 * sum; what all scales are to be multiplied with.
 */
export const roundedBytes = (columns: number): number => columns * 2 + (columns / block) * 20 + 4;

export type IntegerDType = "q8_0" | "q4_0";

const blockBytes: Readonly<Record<IntegerDType, number>> = { q8_0: 34, q4_0: 18 };
/** What is taken off each stored four-bit number. */
const bias = 8;

/**
 * A float16 shifted into a float32's place is 2^-112 times as large. The vector's scales make up for that; they are
 * relative to a power of two near the largest, so that nothing on the way is too small or too large for float32.
 */
const shifted = 2 ** 112;

/** `round(x, columns, to)` and `dots(rounded, from, rowBytes, rows, columns, y)`. */
export function integerDotsModule(dtype: IntegerDType): ModuleBuilder {
  const module = new ModuleBuilder();
  roundFunction(module, dtype);
  dotsFunction(module, dtype);
  return module;
}

const bump = (pointer: Local, bytes: number) => pointer.set(i32.add(pointer, i32.const(bytes)));
const scalesOf = (to: Local, columns: Local) => i32.add(to, i32.shl(columns, i32.const(1)));
const biasesOf = (scales: Local, columns: Local) => i32.add(scales, i32.shrUnsigned(columns, i32.const(3)));

function roundFunction(module: ModuleBuilder, dtype: IntegerDType): void {
  const f = module.function("round", ["i32", "i32", "i32"]);
  const [x, columns, to] = f.parameters as [Local, Local, Local];
  const column = f.local("i32");
  const scales = f.local("i32");
  const biases = f.local("i32");
  const largest = f.local("v128");
  const inverse = f.local("v128");
  const sum = f.local("v128");
  const greatest = f.local("v128");
  const loads = Array.from({ length: block / 4 }, (_, i) => v128.load(x, i * 16));
  const rounded = (i: number) => i32x4.fromF32x4(f32x4.nearest(f32x4.mul(v128.load(x, i * 16), inverse)));
  const s = new Steps(f);
  const eights = Array.from({ length: block / 8 }, (_, e) => {
    const [low, high] = [s.let(rounded(e * 2)), s.let(rounded(e * 2 + 1))];
    s.add(sum.set(i32x4.add(sum, i32x4.add(low, high))));
    return s.let(i32x4.narrow(low, high));
  });
  inOrderOf(dtype, eights).forEach((eight, e) => {
    s.add(v128.store(to, eight, e * 16));
  });
  const scale = f32x4.div(largest, f32x4.const(32767));
  const power = v128.and(greatest, f32x4.const(Infinity));
  f.code(
    greatest.set(f32x4.const(2 ** -126)),
    scales.set(scalesOf(to, columns)),
    biases.set(biasesOf(scales, columns)),
    column.set(i32.const(0)),
    loopTo(
      column,
      columns,
      block,
      sequence(
        largest.set(f32x4.const(0)),
        ...loads.map((load) => largest.set(f32x4.max(largest, f32x4.abs(load)))),
        foldLanes(largest, f32x4.max),
        inverse.set(f32x4.div(f32x4.const(32767), largest)),
        sum.set(i32x4.const(0, 0, 0, 0)),
        s.code(),
        f32.store(scales, f32x4.lane(scale, 0)),
        greatest.set(f32x4.max(greatest, scale)),
        v128.store(biases, i32x4.mul(sum, i32x4.splat(i32.const(-bias)))),
        bump(x, block * 4),
        bump(to, block * 2),
        bump(scales, 4),
        bump(biases, 16),
      ),
    ),
    greatest.set(power),
    f32.store(biases, f32x4.lane(greatest, 0)),
    column.set(i32.const(0)),
    loopTo(
      column,
      columns,
      block,
      sequence(
        bump(scales, -4),
        f32.store(scales, f32.mul(f32.div(f32.load(scales), f32x4.lane(greatest, 0)), f32.const(shifted))),
      ),
    ),
  );
}

/**
 * Four-bit elements i and i + 16 share byte i of a block, so a 16-bit word holds the elements 2i, 2i + 16, 2i + 1 and
 * 2i + 17, which `elementsOf` takes apart.
 */
function inOrderOf(dtype: IntegerDType, eights: readonly Expression[]): readonly Expression[] {
  if (dtype === "q8_0") return eights;
  const every = (odd: number, pair: number) =>
    v128.shuffle(
      eights[pair]!,
      eights[pair + 1]!,
      Array.from({ length: 16 }, (_, i) => (i >> 1) * 4 + odd * 2 + (i & 1)),
    );
  return [every(0, 0), every(0, 2), every(1, 0), every(1, 2)];
}

/**
 * Rows that are read side by side, so that the vector is loaded once for them. A round is one block of each: V8 moves all
 * loads of a longer loop body to its beginning, and what is loaded to the stack.
 */
const together = 4;

function dotsFunction(module: ModuleBuilder, dtype: IntegerDType): void {
  const f = module.function("dots", new Array(6).fill("i32"));
  const [vector, from, rowBytes, rows, columns, y] = f.parameters as Local[];
  const [row, column, x, scales, biases, carefully] = Array.from({ length: 6 }, () => f.local("i32")) as Local[];
  const sources = Array.from({ length: together }, () => f.local("i32"));
  const totals = Array.from({ length: together }, () => f.local("v128"));
  const largest = f.local("v128");

  // Four short stretches at once are nothing that the machine foresees: one pointer runs through the next rows ahead.
  const ahead = f.local("i32");
  const roundBytes = together * blockBytes[dtype];
  const touches = Array.from({ length: Math.ceil(roundBytes / 64) }, (_, line) => touch(ahead, line * 64));
  const afterNext = i32.add(row, i32.const(2 * together));
  const nextRows = i32.mul(rowBytes, i32.select(i32.gt(afterNext, rows), i32.const(0), i32.const(together)));

  /** The next `count` rows times the vector, the scales of their blocks converted by `scaleOf`. */
  const some = (count: number, scaleOf: (round: Steps, half: Local) => Expression) => {
    const own = sources.slice(0, count);
    const round = new Steps(f);
    const eights = Array.from({ length: block / 8 }, (_, e) => round.let(v128.load(x, e * 16)));
    own.forEach((source, r) => {
      const parts = elementsOf(round, dtype, source).map((part, e) => i32x4.dot(part, eights[e]!));
      const products = i32x4.add(i32x4.add(parts[0]!, parts[1]!), i32x4.add(parts[2]!, parts[3]!));
      const sum = dtype === "q4_0" ? i32x4.add(products, v128.load(biases)) : products;
      const half = round.let(i32x4.shl(v128.load32Splat(source), 16));
      const scale = f32x4.mul(scaleOf(round, half), v128.load32Splat(scales));
      round.add(totals[r]!.set(f32x4.add(totals[r]!, f32x4.mul(f32x4.fromI32x4(sum), scale))));
    });
    const sumOf = (total: Local) => {
      const lane = (i: number) => f32x4.lane(total, i);
      return f32.mul(f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3))), f32.load(biases));
    };
    const code = round.code();
    return sequence(
      round.before(),
      ...own.flatMap((source, r) => [
        source.set(i32.add(from, i32.mul(rowBytes, i32.const(r)))),
        totals[r]!.set(f32x4.const(0)),
      ]),
      x.set(vector),
      scales.set(scalesOf(vector, columns)),
      biases.set(biasesOf(scales, columns)),
      column.set(i32.const(0)),
      loopTo(
        column,
        columns,
        block,
        sequence(
          code,
          ...own.map((source) => bump(source, blockBytes[dtype])),
          ...(count === 1 ? [] : [...touches, bump(ahead, roundBytes)]),
          bump(x, block * 2),
          bump(scales, 4),
          bump(biases, 16),
        ),
      ),
      ...own.map((_, r) => f32.store(y, sumOf(totals[r]!), r * 4)),
    );
  };
  const next = (count: number) =>
    sequence(bump(row, count), bump(y, count * 4), from.set(i32.add(from, i32.mul(rowBytes, i32.const(count)))));
  const fast = some(together, (round, half) => {
    round.add(largest.set(i32x4.maxUnsigned(largest, i32x4.shl(half, 1))));
    return v128.and(i32x4.shr(half, 3), round.once(word(0x8fffe000)));
  });
  // One row at a time at the end, and where a scale is infinite or NaN.
  const careful = some(1, (round, half) =>
    f32x4.mul(fromFloat16(round, i32x4.shrUnsigned(half, 16)), f32x4.const(1 / shifted)),
  );
  const finite = i32.lt(i32.shrUnsigned(i32x4.lane(largest, 0), i32.const(1)), i32.const(0x7c000000));
  const few = i32.gt(i32.add(row, i32.const(together)), rows);
  const body = when(
    i32.or(few, i32.lt(row, carefully)),
    sequence(careful, next(1)),
    sequence(
      largest.set(i32x4.const(0, 0, 0, 0)),
      ahead.set(i32.add(from, nextRows)),
      fast,
      when(finite, next(together), carefully.set(i32.add(row, i32.const(together)))),
    ),
  );
  f.code(row.set(i32.const(0)), carefully.set(i32.const(0)), loopWhile(i32.lt(row, rows), body));
}

const word = (value: number) => i32x4.const(value | 0, value | 0, value | 0, value | 0);

/** A block's elements in four times eight 16-bit lanes, in the order that `round` gives the vector's. */
function elementsOf(s: Steps, dtype: IntegerDType, source: Local): Expression[] {
  if (dtype === "q8_0") return [0, 8, 16, 24].map((e) => v128.load8x8(source, e + 2));
  const packed = s.let(v128.load(source, 2));
  const fifteen = s.once(word(0x000f000f));
  return [
    v128.and(packed, fifteen),
    v128.and(i16x8.shrUnsigned(packed, 4), fifteen),
    v128.and(i16x8.shrUnsigned(packed, 8), fifteen),
    i16x8.shrUnsigned(packed, 12),
  ];
}
