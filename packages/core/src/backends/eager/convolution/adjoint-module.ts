/**
 * The code of a convolution's adjoint for its weight: each weight is a dot product of cotangents and source along all
 * positions. Both run along rows of positions, so tiles of output channels by taps read whole vectors of each; the
 * cotangents of a tile's channels are packed side by side, with zeros behind each row.
 */
import type { Lanes } from "../kernels/lanes.ts";
import {
  type Expression,
  type FunctionBuilder,
  i32,
  i32x4,
  type Local,
  loopTo,
  ModuleBuilder,
  type Statement,
  sequence,
  v128,
  when,
} from "../wasm/index.ts";
import { copyFunction } from "./copy-module.ts";
import { plan, product } from "./layout.ts";
import { panelShapes } from "./product-module.ts";

type Madd = (a: Expression, b: Expression, sum: Expression) => Expression;

/**
 * `run(plan, firstSample, lastSample, firstRow, lastRow, scratch, packed, to)`: the sums of those samples for those
 * output channels of each group, added to the weights at `to`; the first row is a multiple of 4. `scratch` is for the
 * copy of the source, `packed` for cotangents. `total(parts, stride, count, to, bytes)` adds up such partial sums.
 */
export function adjointModule(lanes: Lanes, relaxed: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const madd: Madd = (a, b, sum) => (relaxed ? lanes.relaxedMadd(a, b, sum) : lanes.add(sum, lanes.mul(a, b)));
  const copy = copyFunction(module, lanes);
  const panels = panelShapes.map(({ rows, vectors }) => ({
    rows,
    taps: vectors,
    pack: packFunction(module, lanes, rows),
    many: tileFunction(module, lanes, rows, vectors, madd),
    one: tileFunction(module, lanes, rows, 1, madd),
  }));
  runFunction(module, lanes, copy, panels);
  totalFunction(module, lanes);
  return module;
}

interface Panel {
  readonly rows: number;
  readonly taps: number;
  readonly pack: FunctionBuilder;
  readonly many: FunctionBuilder;
  readonly one: FunctionBuilder;
}

/** (from, planeBytes, rowCount, width, to): the rows of positions of so many planes, vector by vector side by side. */
function packFunction(module: ModuleBuilder, lanes: Lanes, planes: number): FunctionBuilder {
  const f = module.function(`pack${planes}`, new Array(5).fill("i32"));
  const [from, planeBytes, rowCount, width, to] = f.parameters as Local[];
  const [row, x, i, end, left] = Array.from({ length: 5 }, () => f.local("i32")) as Local[];
  const plane = (p: number) => i32.add(from, i32.mul(planeBytes, i32.const(p)));
  const next = sequence(to.set(i32.add(to, i32.const(planes * 16))));
  const whole = sequence(
    ...Array.from({ length: planes }, (_, p) => v128.store(to, v128.load(plane(p)), p * 16)),
    next,
    from.set(i32.add(from, i32.const(16))),
  );
  const tail = sequence(
    left.set(i32.sub(width, x)),
    ...Array.from({ length: planes }, (_, p) => v128.store(to, lanes.zero, p * 16)),
    i.set(i32.const(0)),
    loopTo(
      i,
      left,
      1,
      sequence(
        ...Array.from({ length: planes }, (_, p) =>
          lanes.copy(i32.add(to, i32.mul(i, i32.const(lanes.bytes))), plane(p), p * 16),
        ),
        from.set(i32.add(from, i32.const(lanes.bytes))),
      ),
    ),
    next,
  );
  f.code(
    end.set(i32.sub(width, i32.const(lanes.count - 1))),
    row.set(i32.const(0)),
    loopTo(
      row,
      rowCount,
      1,
      sequence(x.set(i32.const(0)), loopTo(x, end, lanes.count, whole), when(i32.lt(x, width), tail)),
    ),
  );
  return f;
}

/**
 * (packed, source, taps, rowTable, rowCount, width, to, toRow): adds the dot products of packed channels and as many
 * taps to the weights at `to`, whose channels are `toRow` bytes apart.
 */
function tileFunction(module: ModuleBuilder, lanes: Lanes, rows: number, taps: number, madd: Madd): FunctionBuilder {
  const f = module.function(`dot${rows}x${taps}`, new Array(8).fill("i32"));
  const [packed, source, tapTable, rowTable, rowCount, width, to, toRow] = f.parameters as Local[];
  const [row, x, end, base] = Array.from({ length: 4 }, () => f.local("i32")) as Local[];
  const inside = f.local("v128");
  const offsets = Array.from({ length: taps }, () => f.local("i32"));
  const pointers = Array.from({ length: taps }, () => f.local("i32"));
  const left = Array.from({ length: rows }, () => f.local("v128"));
  const right = f.local("v128");
  const sums = Array.from({ length: rows }, () => Array.from({ length: taps }, () => f.local("v128")));
  /** One vector of positions; `mask` hides what is behind the row. */
  const step = (mask: Expression | undefined): Statement =>
    sequence(
      ...left.map((lane, r) => lane.set(v128.load(packed, r * 16))),
      ...pointers.flatMap((pointer, t) => [
        right.set(mask === undefined ? v128.load(pointer) : v128.and(v128.load(pointer), mask)),
        ...sums.map((own, r) => own[t]!.set(madd(left[r]!, right, own[t]!))),
        pointer.set(i32.add(pointer, i32.const(16))),
      ]),
      packed.set(i32.add(packed, i32.const(rows * 16))),
    );
  const swapHalves = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
  const swapPairs = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];
  const flush = sums.map((own) =>
    sequence(
      ...own.map((sum, t) =>
        sequence(
          sum.set(lanes.add(sum, v128.shuffle(sum, sum, swapHalves))),
          lanes.count === 4 ? sum.set(lanes.add(sum, v128.shuffle(sum, sum, swapPairs))) : [],
          lanes.storeFirst(to, lanes.add(sum, lanes.loadSplat(to, t * lanes.bytes)), t * lanes.bytes),
        ),
      ),
      to.set(i32.add(to, toRow)),
    ),
  );
  const remaining = i32.sub(width, x);
  const mask =
    lanes.count === 4
      ? i32x4.gt(i32x4.splat(remaining), i32x4.const(0, 1, 2, 3))
      : i32x4.gt(i32x4.splat(remaining), i32x4.const(0, 0, 1, 1));
  f.code(
    ...sums.flat().map((sum) => sum.set(lanes.zero)),
    ...offsets.map((offset, t) => offset.set(i32.add(source, i32.load(tapTable, 4 * t)))),
    end.set(i32.sub(width, i32.const(lanes.count - 1))),
    row.set(i32.const(0)),
    loopTo(
      row,
      rowCount,
      1,
      sequence(
        base.set(i32.load(rowTable)),
        rowTable.set(i32.add(rowTable, i32.const(4))),
        ...pointers.map((pointer, t) => pointer.set(i32.add(base, offsets[t]!))),
        x.set(i32.const(0)),
        loopTo(x, end, lanes.count, step(undefined)),
        when(i32.lt(x, width), sequence(inside.set(mask), step(inside))),
      ),
    ),
    ...flush,
  );
  return f;
}

function runFunction(module: ModuleBuilder, lanes: Lanes, copy: FunctionBuilder, panels: readonly Panel[]): void {
  const f = module.function("run", new Array(8).fill("i32"));
  const [words, sample, lastSample, firstRow, lastRow, scratch, packed, to] = f.parameters as Local[];
  const names = ["group", "from", "i", "k", "depth", "wide", "cotangents", "weights"];
  const [group, from, i, k, depth, wide, cotangents, weights] = names.map(() => f.local("i32")) as Local[];
  const word = (name: keyof typeof plan) => i32.load(words, 4 * plan[name]);
  const own = (name: keyof typeof product) => i32.load(words, 4 * (plan.products + product[name]));
  const at = (start: keyof typeof plan, bySample: keyof typeof plan, byGroup: keyof typeof plan) =>
    i32.add(word(start), i32.add(i32.mul(sample, word(bySample)), i32.mul(group, word(byGroup))));
  const rowBytes = i32.mul(depth, i32.const(lanes.bytes));
  const dot = (tile: FunctionBuilder) =>
    module.call(
      tile,
      packed,
      from,
      i32.add(own("taps"), i32.shl(k, i32.const(2))),
      own("rowTable"),
      own("rowCount"),
      own("width"),
      i32.add(weights, i32.mul(k, i32.const(lanes.bytes))),
      rowBytes,
    );
  const panel = ({ rows, taps, pack, many, one }: Panel) =>
    sequence(
      module.call(
        pack,
        i32.add(cotangents, i32.mul(i, word("toRow"))),
        word("toRow"),
        own("rowCount"),
        own("width"),
        packed,
      ),
      weights.set(i32.add(to, i32.mul(i32.add(i32.mul(group, word("rows")), i), rowBytes))),
      k.set(i32.const(0)),
      wide.set(i32.sub(depth, i32.const(taps - 1))),
      loopTo(k, wide, taps, dot(many)),
      loopTo(k, depth, 1, dot(one)),
      i.set(i32.add(i, i32.const(rows))),
    );
  const [four, ...narrow] = panels as [Panel, ...Panel[]];
  const allRows = sequence(
    i.set(firstRow),
    // Each panel moves `i` on.
    loopTo(i, i32.sub(lastRow, i32.const(3)), 0, panel(four)),
    ...narrow.map((own) => when(i32.ge(i32.sub(lastRow, i), i32.const(own.rows)), panel(own))),
  );
  f.code(
    depth.set(own("depth")),
    loopTo(
      sample,
      lastSample,
      1,
      sequence(
        group.set(i32.const(0)),
        loopTo(
          group,
          word("groups"),
          1,
          sequence(
            from.set(at("source", "sourceSample", "sourceGroup")),
            when(word("isCopied"), sequence(module.call(copy, words, from, scratch), from.set(scratch))),
            cotangents.set(at("other", "otherSample", "otherGroup")),
            allRows,
          ),
        ),
      ),
    ),
  );
}

/** Adds `total(parts, stride, count, to, bytes)`: the sum of partial sums. */
export function totalFunction(module: ModuleBuilder, lanes: Lanes): void {
  const f = module.function("total", new Array(5).fill("i32"));
  const [parts, stride, count, to, bytes] = f.parameters as Local[];
  const [at, part, from] = Array.from({ length: 3 }, () => f.local("i32")) as Local[];
  const sum = f.local("v128");
  f.code(
    at.set(i32.const(0)),
    loopTo(
      at,
      bytes,
      16,
      sequence(
        sum.set(lanes.zero),
        from.set(i32.add(parts, at)),
        part.set(i32.const(0)),
        loopTo(part, count, 1, sequence(sum.set(lanes.add(sum, v128.load(from))), from.set(i32.add(from, stride)))),
        v128.store(i32.add(to, at), sum),
      ),
    ),
  );
}
