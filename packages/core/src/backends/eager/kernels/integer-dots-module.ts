/**
 * A vector times rows of q8_0 or q4_0 weights in integers, which is what decoding one token spends its time on. The
 * vector is rounded to 16 bits once, in blocks of 32 like the weights' with a scale each (so an element is off by at most
 * 2^-16 of the largest of its block); products and their sums in a block are then exact.
 */
import {
  type Expression,
  f32,
  f32x4,
  i8x16,
  i16x8,
  i32,
  i32x4,
  type Local,
  loopTo,
  ModuleBuilder,
  Steps,
  sequence,
  v128,
} from "../wasm/index.ts";
import { foldLanes } from "./rows.ts";
import { fromFloat16 } from "./stored-module.ts";

/** Elements of a block, and how many blocks a round takes: columns must be a multiple of both. */
const block = 32;
const blocks = 4;
export const integerRound = block * blocks;

/** Bytes of the rounded vector: elements, scales, and what the bias of four-bit weights adds up to. */
export const roundedBytes = (columns: number): number => columns * 2 + 2 * (columns / block) * 4;

export type IntegerDType = "q8_0" | "q4_0";

const blockBytes: Readonly<Record<IntegerDType, number>> = { q8_0: 34, q4_0: 18 };
/** What is taken off each stored four-bit number. */
const bias = 8;

/** `round(x, columns, to)` and `dots(rounded, from, rowBytes, rows, columns, y)`. */
export function integerDotsModule(dtype: IntegerDType): ModuleBuilder {
  const module = new ModuleBuilder();
  roundFunction(module);
  dotsFunction(module, dtype);
  return module;
}

const bump = (pointer: Local, bytes: number) => pointer.set(i32.add(pointer, i32.const(bytes)));
const tableOf = (to: Local, columns: Local) => i32.add(to, i32.shl(columns, i32.const(1)));

function roundFunction(module: ModuleBuilder): void {
  const f = module.function("round", ["i32", "i32", "i32"]);
  const [x, columns, to] = f.parameters as [Local, Local, Local];
  const column = f.local("i32");
  const scales = f.local("i32");
  const biases = f.local("i32");
  const largest = f.local("v128");
  const inverse = f.local("v128");
  const sum = f.local("v128");
  const loads = Array.from({ length: block / 4 }, (_, i) => v128.load(x, i * 16));
  const rounded = (i: number) => i32x4.fromF32x4(f32x4.nearest(f32x4.mul(v128.load(x, i * 16), inverse)));
  const s = new Steps(f);
  for (let i = 0; i < block / 4; i += 2) {
    const low = s.let(rounded(i));
    const high = s.let(rounded(i + 1));
    s.add(sum.set(i32x4.add(sum, i32x4.add(low, high))), v128.store(to, i32x4.narrow(low, high), i * 8));
  }
  const scale = f32x4.div(largest, f32x4.const(32767));
  f.code(
    scales.set(tableOf(to, columns)),
    biases.set(i32.add(scales, i32.shrUnsigned(columns, i32.const(3)))),
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
        foldLanes(sum, i32x4.add),
        f32.store(biases, f32x4.lane(f32x4.mul(f32x4.mul(f32x4.fromI32x4(sum), scale), f32x4.const(-bias)), 0)),
        bump(x, block * 4),
        bump(to, block * 2),
        bump(scales, 4),
        bump(biases, 4),
      ),
    ),
  );
}

function dotsFunction(module: ModuleBuilder, dtype: IntegerDType): void {
  const f = module.function("dots", new Array(6).fill("i32"));
  const [vector, from, rowBytes, rows, columns, y] = f.parameters as Local[];
  const [row, column, source, x, scales, biases] = Array.from({ length: 6 }, () => f.local("i32")) as Local[];
  const total = f.local("v128");
  const bytes = blockBytes[dtype];
  const fifteen = i32x4.const(0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f);
  const s = new Steps(f);
  let halves = i32x4.splat(i32.load16u(source));
  for (let b = 1; b < blocks; b++) halves = i32x4.withLane(halves, b, i32.load16u(source, b * bytes));
  const own = s.let(fromFloat16(s, halves));
  const scale = s.let(f32x4.mul(own, v128.load(scales)));
  for (let b = 0; b < blocks; b++) {
    const at = b * bytes + 2;
    const bytesOf = (): Expression[] => {
      if (dtype === "q8_0") return [v128.load(source, at), v128.load(source, at + 16)];
      const packed = s.let(v128.load(source, at));
      return [v128.and(packed, fifteen), i8x16.shrUnsigned(packed, 4)];
    };
    const parts = bytesOf().flatMap((expression, half) => {
      const values = s.let(expression);
      return [i16x8.extendLow(values), i16x8.extendHigh(values)].map((eight, e) =>
        i32x4.dot(eight, v128.load(x, b * block * 2 + half * 32 + e * 16)),
      );
    });
    const sum = i32x4.add(i32x4.add(parts[0]!, parts[1]!), i32x4.add(parts[2]!, parts[3]!));
    const lane = Array.from({ length: 16 }, (_, i) => b * 4 + (i % 4));
    s.add(total.set(f32x4.add(total, f32x4.mul(f32x4.fromI32x4(sum), v128.shuffle(scale, scale, lane)))));
  }
  if (dtype === "q4_0") s.add(total.set(f32x4.add(total, f32x4.mul(own, v128.load(biases)))));
  const lane = (i: number) => f32x4.lane(total, i);
  f.code(
    row.set(i32.const(0)),
    loopTo(
      row,
      rows,
      1,
      sequence(
        total.set(f32x4.const(0)),
        source.set(from),
        x.set(vector),
        scales.set(tableOf(vector, columns)),
        biases.set(i32.add(scales, i32.shrUnsigned(columns, i32.const(3)))),
        column.set(i32.const(0)),
        loopTo(
          column,
          columns,
          integerRound,
          sequence(
            s.code(),
            bump(source, blocks * bytes),
            bump(x, integerRound * 2),
            bump(scales, 16),
            bump(biases, 16),
          ),
        ),
        f32.store(y, f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3)))),
        bump(y, 4),
        from.set(i32.add(from, rowBytes)),
      ),
    ),
  );
}
