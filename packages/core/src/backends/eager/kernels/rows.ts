/** Loops over the rows of a contiguous float32 matrix, for kernels that reduce along the last axis. */
import {
  type Expression,
  type FunctionBuilder,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  type Local,
  loopTo,
  type Statement,
  sequence,
  v128,
  when,
} from "../wasm/index.ts";

/** Runs `body` for each of `rows` rows; afterwards each pointer moves on by `rowBytes`. */
export function overRows(
  f: FunctionBuilder,
  rows: Local,
  pointers: readonly Local[],
  rowBytes: Local,
  body: Statement,
): Statement {
  const row = f.local("i32");
  return sequence(
    row.set(i32.const(0)),
    loopTo(row, rows, 1, sequence(body, ...pointers.map((pointer) => pointer.set(i32.add(pointer, rowBytes))))),
  );
}

/**
 * Runs `body(at, inside)` for each vector of a row, `at` bytes from its start. The last one may reach beyond the row;
 * then `inside` marks the lanes that belong to it, and elsewhere it is undefined.
 */
export function overVectors(
  f: FunctionBuilder,
  rowBytes: Local,
  body: (at: Local, inside: Expression | undefined) => Statement,
): Statement {
  const at = f.local("i32");
  const whole = f.local("i32");
  const inside = f.local("v128");
  const left = i32x4.splat(i32.shr(i32.sub(rowBytes, at), i32.const(2)));
  return sequence(
    whole.set(i32.and(rowBytes, i32.const(~15))),
    at.set(i32.const(0)),
    loopTo(at, whole, 16, body(at, undefined)),
    when(i32.lt(at, rowBytes), sequence(inside.set(i32x4.gt(left, i32x4.const(0, 1, 2, 3))), body(at, inside))),
  );
}

/** The value where lanes are inside the row, `otherwise` elsewhere. */
export function masked(value: Expression, inside: Expression | undefined, otherwise = 0): Expression {
  return inside === undefined ? value : v128.select(inside, value, f32x4.const(otherwise));
}

/** A sum of float32 lanes in double precision, so that its error does not grow with the length. */
export class DoubleSum {
  private readonly low: Local;
  private readonly high: Local;

  constructor(f: FunctionBuilder) {
    this.low = f.local("v128");
    this.high = f.local("v128");
  }

  clear(): Statement {
    return sequence(this.low.set(f64x2.const(0)), this.high.set(f64x2.const(0)));
  }

  /** Adds four lanes. */
  add(lanes: Local): Statement {
    return sequence(
      this.low.set(f64x2.add(this.low, f64x2.fromLowF32x4(lanes))),
      this.high.set(f64x2.add(this.high, f64x2.fromLowF32x4(highHalf(lanes)))),
    );
  }

  /** All of it, as an f64. */
  total(): Expression {
    return f64.add(
      f64.add(f64x2.lane(this.low, 0), f64x2.lane(this.low, 1)),
      f64.add(f64x2.lane(this.high, 0), f64x2.lane(this.high, 1)),
    );
  }

  /** The four lanes' own sums, rounded to float32. */
  lanes(): Expression {
    const bytes = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
    return v128.shuffle(f64x2.toLowF32x4(this.low), f64x2.toLowF32x4(this.high), bytes);
  }

  /** Adds partial sums that `store` wrote. */
  include(address: Expression): Statement {
    return sequence(
      this.low.set(f64x2.add(this.low, v128.load(address))),
      this.high.set(f64x2.add(this.high, v128.load(address, 16))),
    );
  }

  /** Loads and stores the partial sums, 32 bytes. */
  load(address: Expression): Statement {
    return sequence(this.low.set(v128.load(address)), this.high.set(v128.load(address, 16)));
  }

  store(address: Expression): Statement {
    return sequence(v128.store(address, this.low), v128.store(address, this.high, 16));
  }
}

export function highHalf(lanes: Expression): Expression {
  return v128.shuffle(lanes, lanes, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
}

/** Folds the four lanes of `lanes` into all of them. */
export function foldLanes(lanes: Local, fold: (a: Expression, b: Expression) => Expression): Statement {
  const swapPairs = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];
  const swapHalves = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
  return sequence(
    lanes.set(fold(lanes, v128.shuffle(lanes, lanes, swapHalves))),
    lanes.set(fold(lanes, v128.shuffle(lanes, lanes, swapPairs))),
  );
}
