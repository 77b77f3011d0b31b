/**
 * The code of a convolution: tiles of output channels by positions, whose sums stay in registers while they run over
 * the taps. Nothing is laid out for it: a tap is an offset, and neighbouring positions are neighbours in memory.
 */
import type { Lanes } from "../kernels/lanes.ts";
import {
  type Expression,
  type FunctionBuilder,
  i32,
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

/** Taps that a pass over the positions takes, and output channels: their panels stay in the second-level cache. */
const depthBlock = 288;
const rowBlock = 128;

/** Rows of panels, the widest first, each with the vectors of positions that its tile has registers for. */
export const panelShapes = [
  { rows: 4, vectors: 2 },
  { rows: 2, vectors: 4 },
  { rows: 1, vectors: 4 },
] as const;

type Madd = (a: Expression, b: Expression, sum: Expression) => Expression;

/** `run(plan, firstSample, lastSample, firstRow, lastRow, scratch)`; the rows count in plans with one product. */
export function productModule(lanes: Lanes, relaxed: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const madd: Madd = (a, b, sum) => (relaxed ? lanes.relaxedMadd(a, b, sum) : lanes.add(sum, lanes.mul(a, b)));
  const copy = copyFunction(module, lanes);
  const tiles = panelShapes.map(({ rows, vectors }) => ({
    rows,
    vectors,
    whole: tileFunction(module, `tile${rows}x${vectors}`, lanes, rows, vectors, madd),
    edge: tileFunction(module, `edge${rows}`, lanes, rows, 1, madd),
  }));
  const multiply = multiplyFunction(module, lanes, tiles);
  runFunction(module, copy, multiply);
  return module;
}

interface Tile {
  readonly rows: number;
  readonly vectors: number;
  readonly whole: FunctionBuilder;
  readonly edge: FunctionBuilder;
}

/**
 * (panel, source, taps, depth, to, toRow, toStep, accumulate, left): `rows` channels by as many positions as fill the
 * vectors, of which `left` are written. The panel has the rows' weights of a tap side by side.
 */
function tileFunction(
  module: ModuleBuilder,
  name: string,
  lanes: Lanes,
  rows: number,
  vectors: number,
  madd: Madd,
): FunctionBuilder {
  const f = module.function(name, new Array(9).fill("i32"));
  const [panel, source, taps, depth, to, toRow, toStep, accumulate, left] = f.parameters as Local[];
  const end = f.local("i32");
  const from = f.local("i32");
  const place = f.local("i32");
  const sums = Array.from({ length: rows }, () => Array.from({ length: vectors }, () => f.local("v128")));
  const right = Array.from({ length: vectors }, () => f.local("v128"));
  const weight = f.local("v128");
  const step: Statement[] = [from.set(i32.add(source, i32.load(taps)))];
  for (const [v, vector] of right.entries()) step.push(vector.set(v128.load(from, v * 16)));
  for (const [r, row] of sums.entries()) {
    step.push(weight.set(lanes.loadSplat(panel, r * lanes.bytes)));
    for (const [v, sum] of row.entries()) step.push(sum.set(madd(weight, right[v]!, sum)));
  }
  step.push(panel.set(i32.add(panel, i32.const(rows * lanes.bytes))));

  const nextRow = to.set(i32.add(to, toRow));
  const dense = (read: boolean) =>
    sums.map((row) =>
      sequence(
        ...row.map((sum, v) => v128.store(to, read ? lanes.add(v128.load(to, v * 16), sum) : sum, v * 16)),
        nextRow,
      ),
    );
  const single = (read: boolean) =>
    sums.map((row) =>
      sequence(
        place.set(to),
        ...row.flatMap((sum, v) =>
          Array.from({ length: lanes.count }, (_, lane) => {
            const shuffled = lane === 0 ? sum : shifted(lanes, sum, lane);
            const value = read ? lanes.add(shuffled, lanes.loadSplat(place)) : shuffled;
            const write = sequence(lanes.storeFirst(place, value), place.set(i32.add(place, toStep)));
            return when(i32.gt(left, i32.const(v * lanes.count + lane)), write);
          }),
        ),
        nextRow,
      ),
    );
  const isDense = i32.and(i32.eq(toStep, i32.const(lanes.bytes)), i32.ge(left, i32.const(vectors * lanes.count)));
  f.code(
    ...sums.flat().map((sum) => sum.set(lanes.zero)),
    end.set(i32.add(taps, i32.shl(depth, i32.const(2)))),
    loopTo(taps, end, 4, sequence(...step)),
    when(
      isDense,
      when(accumulate, sequence(...dense(true)), sequence(...dense(false))),
      when(accumulate, sequence(...single(true)), sequence(...single(false))),
    ),
  );
  return f;
}

/** The vector with a lane moved to the front. */
function shifted(lanes: Lanes, vector: Expression, lane: number): Expression {
  const bytes = Array.from({ length: 16 }, (_, i) => (i + lane * lanes.bytes) % 16);
  return v128.shuffle(vector, vector, bytes);
}

/** (product, panels, source, to, toRow, rows, firstRow, lastRow): one product of one group of a sample. */
function multiplyFunction(module: ModuleBuilder, lanes: Lanes, tiles: readonly Tile[]): FunctionBuilder {
  const f = module.function("multiply", new Array(8).fill("i32"));
  const [words, panels, source, to, toRow, rows, first, last] = f.parameters as Local[];
  const word = (name: keyof typeof product) => i32.load(words, 4 * product[name]);
  const names = ["depth", "width", "toStep", "k", "thick", "i", "high", "row", "x", "end", "base", "out", "at"];
  const [depth, width, toStep, k, thick, i, high, row, x, end, base, out, at] = names.map(() =>
    f.local("i32"),
  ) as Local[];
  const smaller = (p: Expression, q: Expression) => i32.select(i32.lt(p, q), p, q);
  const bytes = i32.const(lanes.bytes);

  /** Calls a tile for the rows from `i`, at the positions from `x`. */
  const call = (tile: FunctionBuilder, height: number) =>
    module.call(
      tile,
      i32.add(panels, i32.mul(i32.add(i32.mul(i, depth), i32.mul(k, i32.const(height))), bytes)),
      i32.add(base, i32.mul(x, bytes)),
      i32.add(word("taps"), i32.shl(k, i32.const(2))),
      thick,
      i32.add(at, i32.mul(i, toRow)),
      toRow,
      toStep,
      i32.gt(k, i32.const(0)),
      i32.sub(width, x),
    );
  /** All panels of one height that there are between `i` and `high`. */
  const panelsDown = (tile: FunctionBuilder, height: number) =>
    height === 4
      ? loopTo(i, i32.sub(high, i32.const(3)), 4, call(tile, 4))
      : sequence(call(tile, height), i.set(i32.add(i, i32.const(height))));
  /** Where the panels of the current height begin. */
  const start = f.local("i32");
  const along = ({ rows: height, vectors, whole, edge }: Tile) => {
    const wide = vectors * lanes.count;
    const column = (tile: FunctionBuilder) =>
      sequence(at.set(i32.add(out, i32.mul(x, toStep))), i.set(start), panelsDown(tile, height));
    return sequence(
      x.set(i32.const(0)),
      // More than half a tile is a tile: what it reads beyond the row is not written.
      end.set(i32.sub(width, i32.const(wide / 2))),
      loopTo(x, end, wide, column(whole)),
      loopTo(x, width, lanes.count, column(edge)),
      start.set(i),
    );
  };
  const block = f.local("i32");
  const isLeft = (height: number) => i32.ge(i32.sub(high, start), i32.const(height));
  f.code(
    depth.set(word("depth")),
    width.set(word("width")),
    toStep.set(word("toStep")),
    k.set(i32.const(0)),
    loopTo(
      k,
      depth,
      depthBlock,
      sequence(
        thick.set(smaller(i32.const(depthBlock), i32.sub(depth, k))),
        block.set(i32.const(0)),
        loopTo(
          block,
          rows,
          rowBlock,
          sequence(
            high.set(smaller(i32.add(block, i32.const(rowBlock)), rows)),
            row.set(first),
            loopTo(
              row,
              last,
              1,
              sequence(
                base.set(i32.add(source, i32.load(i32.add(word("rowTable"), i32.shl(row, i32.const(2)))))),
                out.set(i32.add(to, i32.load(i32.add(word("outTable"), i32.shl(row, i32.const(2)))))),
                start.set(block),
                ...tiles.map((tile) => when(isLeft(tile.rows), along(tile))),
              ),
            ),
          ),
        ),
      ),
    ),
  );
  return f;
}

function runFunction(module: ModuleBuilder, copy: FunctionBuilder, multiply: FunctionBuilder): void {
  const f = module.function("run", new Array(6).fill("i32"));
  const [words, sample, lastSample, firstRow, lastRow, scratch] = f.parameters as Local[];
  const [group, from, p, record, count] = Array.from({ length: 5 }, () => f.local("i32")) as Local[];
  const word = (name: keyof typeof plan) => i32.load(words, 4 * plan[name]);
  const own = (name: keyof typeof product) => i32.load(record, 4 * product[name]);
  const offset = (start: keyof typeof plan, bySample: keyof typeof plan, byGroup: keyof typeof plan) =>
    i32.add(word(start), i32.add(i32.mul(sample, word(bySample)), i32.mul(group, word(byGroup))));
  const products = sequence(
    p.set(i32.const(0)),
    record.set(i32.add(words, i32.const(4 * plan.products))),
    count.set(word("productCount")),
    loopTo(
      p,
      count,
      1,
      sequence(
        module.call(
          multiply,
          record,
          i32.add(word("other"), i32.add(own("panels"), i32.mul(group, own("panelsGroup")))),
          from,
          offset("to", "toSample", "toGroup"),
          word("toRow"),
          word("rows"),
          firstRow,
          i32.select(i32.lt(lastRow, own("rowCount")), lastRow, own("rowCount")),
        ),
        record.set(i32.add(record, i32.const(4 * product.words))),
      ),
    ),
  );
  f.code(
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
            from.set(offset("source", "sourceSample", "sourceGroup")),
            when(word("isCopied"), sequence(module.call(copy, words, from, scratch), from.set(scratch))),
            products,
          ),
        ),
      ),
    ),
  );
}
