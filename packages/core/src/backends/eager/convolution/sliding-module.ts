/**
 * The code that convolution adds to a matrix product. Its right operand is never stored: element (k, p) lies at
 * `source + depthTable[k] + columnTable[p]` (byte offsets), and `pack` reads it panel by panel. Where too few rows would
 * share a panel (depthwise convolution), `slide` and `correlate` read the source directly.
 */

import type { Lanes } from "../kernels/lanes.ts";
import {
  type Expression,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  loopTo,
  ModuleBuilder,
  sequence,
  v128,
  when,
} from "../wasm/index.ts";

export interface SlidingFunctions {
  /** (source, columnTable, depthTable, columns, depth, to): panels `width` columns wide, as `gemmModule` packs them. */
  readonly pack: (...values: number[]) => void;
  /** (source, depthTable, weights, depth, to, columns, step): to[j] = Σ weights[k] · source[j · step + depthTable[k]]. */
  readonly slide: (...values: number[]) => void;
  /** (source, depthTable, cotangents, depth, sums, columns, step): sums[k] += Σ cotangents[j] · source[j · step + depthTable[k]]. */
  readonly correlate: (...values: number[]) => void;
}

/** `width`: the columns of a register tile. */
export function slidingModule(lanes: Lanes, width: number): ModuleBuilder {
  const module = new ModuleBuilder();
  packFunction(module, lanes, width);
  slideFunction(module, lanes);
  correlateFunction(module, lanes);
  return module;
}

/** Lane 0 of a vector to memory. */
function storeFirst(lanes: Lanes, to: Expression, value: Expression) {
  return lanes.count === 4 ? f32.store(to, f32x4.lane(value, 0)) : f64.store(to, f64x2.lane(value, 0));
}

function packFunction(module: ModuleBuilder, lanes: Lanes, width: number): void {
  const f = module.function("pack", ["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [source, column, depthTable, columns, depth, to] = f.parameters;
  const panel = f.local("i32");
  const left = f.local("i32");
  const k = f.local("i32");
  const kEnd = f.local("i32");
  const from = f.local("i32");
  const i = f.local("i32");
  const starts = Array.from({ length: width }, () => f.local("i32"));
  const size = lanes.bytes;
  const step = to.set(i32.add(to, i32.const(width * size)));

  const together = loopTo(
    k,
    kEnd,
    4,
    sequence(
      from.set(i32.add(starts[0], i32.load(k))),
      ...Array.from({ length: (width * size) / 16 }, (_, v) => v128.store(to, v128.load(from, v * 16), v * 16)),
      step,
    ),
  );
  const apart = loopTo(
    k,
    kEnd,
    4,
    sequence(from.set(i32.load(k)), ...starts.map((start, r) => lanes.copy(to, i32.add(start, from), r * size)), step),
  );
  // The last panel may be narrower: zeros stand for what is missing.
  const narrow = loopTo(
    k,
    kEnd,
    4,
    sequence(
      from.set(i32.add(source, i32.load(k))),
      ...starts.map((_, r) => lanes.clear(to, r * size)),
      i.set(i32.const(0)),
      loopTo(
        i,
        left,
        1,
        lanes.copy(
          i32.add(to, i32.mul(i, i32.const(size))),
          i32.add(from, i32.load(i32.add(column, i32.mul(i, i32.const(4))))),
        ),
      ),
      step,
    ),
  );
  f.code(
    kEnd.set(i32.add(depthTable, i32.mul(depth, i32.const(4)))),
    panel.set(i32.const(0)),
    loopTo(
      panel,
      columns,
      width,
      sequence(
        left.set(i32.sub(columns, panel)),
        k.set(depthTable),
        when(
          i32.ge(left, i32.const(width)),
          sequence(
            ...starts.map((start, r) => start.set(i32.add(source, i32.load(column, r * 4)))),
            // Offsets increase by at least one element, so the ends tell whether all are neighbours.
            when(i32.eq(i32.sub(starts[width - 1], starts[0]), i32.const((width - 1) * size)), together, apart),
          ),
          narrow,
        ),
        column.set(i32.add(column, i32.const(width * 4))),
      ),
    ),
  );
}

function slideFunction(module: ModuleBuilder, lanes: Lanes): void {
  const f = module.function("slide", ["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [source, depthTable, weights, depth, to, columns, step] = f.parameters;
  const j = f.local("i32");
  const whole = f.local("i32");
  const k = f.local("i32");
  const kEnd = f.local("i32");
  const w = f.local("i32");
  const from = f.local("i32");
  const scale = f.local("v128");
  const sums = Array.from({ length: 4 }, () => f.local("v128"));
  const size = lanes.bytes;

  const taps = (used: typeof sums, load: (v: number) => Expression) =>
    sequence(
      ...used.map((sum) => sum.set(lanes.zero)),
      w.set(weights),
      k.set(depthTable),
      loopTo(
        k,
        kEnd,
        4,
        sequence(
          scale.set(lanes.loadSplat(w)),
          from.set(i32.add(source, i32.load(k))),
          ...used.map((sum, v) => sum.set(lanes.add(sum, lanes.mul(scale, load(v))))),
          w.set(i32.add(w, i32.const(size))),
        ),
      ),
    );
  const pass = (vectors: number) =>
    sequence(
      taps(sums.slice(0, vectors), (v) => v128.load(from, v * 16)),
      ...sums.slice(0, vectors).map((sum, v) => v128.store(to, sum, v * 16)),
      source.set(i32.add(source, i32.const(vectors * 16))),
      to.set(i32.add(to, i32.const(vectors * 16))),
    );
  const single = sequence(
    taps(sums.slice(0, 1), () => lanes.loadSplat(from)),
    storeFirst(lanes, to, sums[0]),
    source.set(i32.add(source, step)),
    to.set(i32.add(to, i32.const(size))),
  );
  const wide = 4 * lanes.count;
  f.code(
    kEnd.set(i32.add(depthTable, i32.mul(depth, i32.const(4)))),
    j.set(i32.const(0)),
    when(
      i32.eq(step, i32.const(size)),
      sequence(
        whole.set(i32.sub(columns, i32.const(wide - 1))),
        loopTo(j, whole, wide, pass(4)),
        whole.set(i32.sub(columns, i32.const(lanes.count - 1))),
        loopTo(j, whole, lanes.count, pass(1)),
      ),
    ),
    loopTo(j, columns, 1, single),
  );
}

function correlateFunction(module: ModuleBuilder, lanes: Lanes): void {
  const f = module.function("correlate", ["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [source, depthTable, cotangents, depth, sums, columns, step] = f.parameters;
  const j = f.local("i32");
  const whole = f.local("i32");
  const k = f.local("i32");
  const kEnd = f.local("i32");
  const ct = f.local("i32");
  const from = f.local("i32");
  const many = f.local("v128");
  const one = f.local("v128");
  const size = lanes.bytes;
  const advance = (bytes: Expression, by: number) =>
    sequence(from.set(i32.add(from, bytes)), ct.set(i32.add(ct, i32.const(by))));
  const swapHalves = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
  const swapPairs = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];
  const folded = sequence(
    many.set(lanes.add(many, v128.shuffle(many, many, swapHalves))),
    ...(lanes.count === 4 ? [many.set(lanes.add(many, v128.shuffle(many, many, swapPairs)))] : []),
  );
  f.code(
    kEnd.set(i32.add(depthTable, i32.mul(depth, i32.const(4)))),
    whole.set(i32.sub(columns, i32.const(lanes.count - 1))),
    k.set(depthTable),
    loopTo(
      k,
      kEnd,
      4,
      sequence(
        many.set(lanes.zero),
        one.set(lanes.loadSplat(sums)),
        from.set(i32.add(source, i32.load(k))),
        ct.set(cotangents),
        j.set(i32.const(0)),
        when(
          i32.eq(step, i32.const(size)),
          loopTo(
            j,
            whole,
            lanes.count,
            sequence(many.set(lanes.add(many, lanes.mul(v128.load(ct), v128.load(from)))), advance(i32.const(16), 16)),
          ),
        ),
        loopTo(
          j,
          columns,
          1,
          sequence(one.set(lanes.add(one, lanes.mul(lanes.loadSplat(ct), lanes.loadSplat(from)))), advance(step, size)),
        ),
        folded,
        storeFirst(lanes, sums, lanes.add(one, many)),
        sums.set(i32.add(sums, i32.const(size))),
      ),
    ),
  );
}
