/**
 * Elementwise code on float32 rows. Results are written in whole vectors: what lies beyond a row is overwritten by the
 * next one or falls into the slack behind every block. Strides and lengths in bytes.
 */
import type { BinaryOp, UnaryOp } from "../../../backend/backend.ts";
import {
  type Expression,
  type FunctionBuilder,
  f32x4,
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
import * as math from "./vector-math.ts";

type Function1 = (s: Steps, x: Expression) => Expression;
type Function2 = (a: Expression, b: Expression) => Expression;

export const vectorUnary: Partial<Record<UnaryOp, Function1>> = {
  abs: (_, x) => f32x4.abs(x),
  neg: (_, x) => f32x4.neg(x),
  square: (s, x) => {
    const value = s.let(x);
    return f32x4.mul(value, value);
  },
  reciprocal: (_, x) => f32x4.div(f32x4.const(1), x),
  sqrt: (_, x) => f32x4.sqrt(x),
  rsqrt: (_, x) => f32x4.div(f32x4.const(1), f32x4.sqrt(x)),
  ceil: (_, x) => f32x4.ceil(x),
  floor: (_, x) => f32x4.floor(x),
  round: (_, x) => f32x4.nearest(x),
  trunc: (_, x) => f32x4.trunc(x),
  relu: (_, x) => f32x4.pmax(x, f32x4.const(0)),
  exp: math.exp,
  log: math.log,
  tanh: math.tanh,
  sigmoid: math.sigmoid,
  erf: math.erf,
  softplus: math.softplus,
  logSigmoid: math.logSigmoid,
  silu: math.silu,
  geluTanh: math.geluTanh,
  geluTanhDerivative: math.geluTanhDerivative,
  sign: math.sign,
};

export const vectorBinary: Partial<Record<BinaryOp, Function2>> = {
  add: f32x4.add,
  sub: f32x4.sub,
  mul: f32x4.mul,
  div: f32x4.div,
  maximum: f32x4.max,
  minimum: f32x4.min,
};

export const vectorComparison: Partial<Record<BinaryOp, Function2>> = {
  equal: f32x4.eq,
  notEqual: f32x4.ne,
  less: f32x4.lt,
  lessEqual: f32x4.le,
  greater: f32x4.gt,
  greaterEqual: f32x4.ge,
};

/** Vectors per round of the main loop. */
const unroll = 4;

/** Runs `step(offset)` for each vector of a row, then `advance(bytes)`: whole rounds first, then single vectors. */
function overRow(
  left: Local,
  bytes: Expression,
  step: (offset: number) => Statement,
  advance: (bytes: number) => Statement,
): Statement {
  const round = sequence(...Array.from({ length: unroll }, (_, u) => step(u * 16)), advance(unroll * 16));
  return sequence(
    left.set(i32.const(unroll * 16 - 1)),
    loopTo(left, bytes, unroll * 16, round),
    left.set(i32.sub(left, i32.const(unroll * 16 - 1))),
    loopTo(left, bytes, 16, sequence(step(0), advance(16))),
  );
}

const bump = (pointer: Local, bytes: Expression) => pointer.set(i32.add(pointer, bytes));

/** `run(x, to, bytes)`. */
export function unaryModule(op: Function1): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32"]);
  const [x, to, bytes] = f.parameters;
  const left = f.local("i32");
  f.code(
    overRow(
      left,
      bytes,
      (offset) => {
        const s = new Steps(f);
        const result = op(s, v128.load(x, offset));
        return [...s.code(), ...v128.store(to, result, offset)];
      },
      (step) => sequence(bump(x, i32.const(step)), bump(to, i32.const(step))),
    ),
  );
  return module;
}

/** `run(x, to, bytes, bounds)`, with low and high, as float32, at `bounds`. */
export function clipModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32", "i32"]);
  const [x, to, bytes, bounds] = f.parameters;
  const left = f.local("i32");
  const low = f.local("v128");
  const high = f.local("v128");
  f.code(
    low.set(v128.load32Splat(bounds)),
    high.set(v128.load32Splat(bounds, 4)),
    overRow(
      left,
      bytes,
      (offset) => v128.store(to, f32x4.pmin(f32x4.pmax(v128.load(x, offset), low), high), offset),
      (step) => sequence(bump(x, i32.const(step)), bump(to, i32.const(step))),
    ),
  );
  return module;
}

/** How an operand runs along a row: element by element, or one element for all. */
export type Run = "vector" | "scalar";

/** An operand along a row: `begin` at its start, `at` an offset, `advance` by bytes of float32. */
function operand(f: FunctionBuilder, run: Run, row: Local) {
  if (run === "scalar") {
    const value = f.local("v128");
    return { begin: value.set(v128.load32Splat(row)), at: () => value as Expression, advance: () => [] as Statement };
  }
  const pointer = f.local("i32");
  return {
    begin: pointer.set(row),
    at: (offset: number) => v128.load(pointer, offset),
    advance: (step: number) => bump(pointer, i32.const(step)),
  };
}

/** Runs `rows` for each of `blocks` blocks; in between each pointer moves on by its step. */
function overBlocks(
  f: FunctionBuilder,
  blocks: Local,
  steps: readonly (readonly [pointer: Local, step: Local])[],
  rows: Statement,
): Statement {
  const block = f.local("i32");
  return sequence(
    block.set(i32.const(0)),
    loopTo(block, blocks, 1, sequence(rows, ...steps.map(([pointer, step]) => bump(pointer, step)))),
  );
}

/**
 * `run(a, b, to, rows, rowBytes, strideA, strideB, blocks, stepA, stepB)`: float32 rows, or bool rows for a comparison.
 * The steps go from behind the last row of a block to the first of the next.
 */
export function binaryModule(op: Function2, runA: Run, runB: Run, comparison: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", new Array(10).fill("i32"));
  const [a, b, to, rows, rowBytes, strideA, strideB, blocks, stepA, stepB] = f.parameters;
  const left = f.local("i32");
  const pointer = f.local("i32");
  const row = f.local("i32");
  const x = operand(f, runA, a);
  const y = operand(f, runB, b);
  const write = (offset: number) => {
    const value = op(x.at(offset), y.at(offset));
    return comparison ? storeBools(pointer, value, offset / 4) : v128.store(pointer, value, offset);
  };
  const shrink = comparison ? 4 : 1;
  const block = sequence(
    row.set(i32.const(0)),
    loopTo(
      row,
      rows,
      1,
      sequence(
        x.begin,
        y.begin,
        pointer.set(to),
        overRow(left, rowBytes, write, (step) =>
          sequence(x.advance(step), y.advance(step), bump(pointer, i32.const(step / shrink))),
        ),
        bump(a, strideA),
        bump(b, strideB),
        bump(to, comparison ? i32.shr(rowBytes, i32.const(2)) : rowBytes),
      ),
    ),
  );
  f.code(
    overBlocks(
      f,
      blocks,
      [
        [a, stepA],
        [b, stepB],
      ],
      block,
    ),
  );
  return module;
}

/** Four lane masks become four bytes, 0 or 1. */
function storeBools(to: Expression, mask: Expression, offset: number): Statement {
  const ones = v128.and(mask, i32x4.const(1, 1, 1, 1));
  const zero = i32x4.const(0, 0, 0, 0);
  return v128.store32Lane0(to, i32x4.narrow16(i32x4.narrow(ones, zero), zero), offset);
}

/**
 * `run(condition, a, b, to, rows, rowBytes, conditionStride, aStride, bStride, blocks, …steps)`, as `binaryModule`: the
 * condition is bool rows.
 */
export function whereModule(runA: Run, runB: Run): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", new Array(13).fill("i32"));
  const [condition, a, b, to, rows, rowBytes, strideCondition, strideA, strideB, blocks, ...steps] = f.parameters;
  const left = f.local("i32");
  const pointer = f.local("i32");
  const test = f.local("i32");
  const row = f.local("i32");
  const x = operand(f, runA, a);
  const y = operand(f, runB, b);
  const taken = (offset: number) =>
    i32x4.ne(i32x4.fromBytes(v128.load32Zero(test, offset / 4)), i32x4.const(0, 0, 0, 0));
  const block = sequence(
    row.set(i32.const(0)),
    loopTo(
      row,
      rows,
      1,
      sequence(
        x.begin,
        y.begin,
        pointer.set(to),
        test.set(condition),
        overRow(
          left,
          rowBytes,
          (offset) => v128.store(pointer, v128.select(taken(offset), x.at(offset), y.at(offset)), offset),
          (step) =>
            sequence(x.advance(step), y.advance(step), bump(pointer, i32.const(step)), bump(test, i32.const(step / 4))),
        ),
        bump(condition, strideCondition),
        bump(a, strideA),
        bump(b, strideB),
        bump(to, rowBytes),
      ),
    ),
  );
  const pointers = [condition, a, b];
  f.code(
    overBlocks(
      f,
      blocks,
      pointers.map((moved, i) => [moved, steps[i]] as const),
      block,
    ),
  );
  return module;
}
