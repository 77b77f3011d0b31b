/**
 * The code of a convolution by Winograd's tiles: inputs to points, a matrix product over channels for each of the 36
 * points, products to outputs; and its adjoint for the weight, where the products run over tiles.
 */
import { blockFunction } from "../../kernels/gemm-module.ts";
import type { Lanes } from "../../kernels/lanes.ts";
import {
  type Expression,
  type FunctionBuilder,
  i32,
  type Local,
  loopTo,
  loopWhile,
  ModuleBuilder,
  type Statement,
  sequence,
  v128,
  when,
} from "../../wasm/index.ts";
import { totalFunction } from "../adjoint-module.ts";
import { group, plan, room } from "./layout.ts";
import { type TileFunctions, tileFunctions } from "./tile-module.ts";
import { outputs, points } from "./transforms.ts";

/** Weights and cotangents are packed four channels side by side, inputs eight. */
export const tile = { rows: 4, vectors: 2 } as const;
const wide = 8;
const pointCount = points * points;

/**
 * `weights(from, rowStep, channelStep, rowBytes, tapBytes, rows, channels, scratch, to, toPoint)`;
 * `forward(plan, firstSample, lastSample, firstTile, lastTile, scratch)`: the tiles count among those of the samples that
 * are copied at a time;
 * `adjoint(plan, firstSample, lastSample, scratch, to)`: adds to the products of all points at `to`;
 * `gradient(from, fromPoint, rowBytes, rows, channels, scratch, to)`: from products to the adjoint for the weight;
 * `total` as in the module of the direct adjoint.
 */
export function winogradModule(lanes: Lanes, relaxed: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const tiles = tileFunctions(module, lanes, relaxed);
  const block = blockFunction(module, lanes, tile, relaxed);
  const copy = copyFunction(module);
  const edge = edgeFunction(module);
  weightsFunction(module, tiles);
  forwardFunction(module, tiles, block, copy, edge);
  adjointFunction(module, tiles, block, copy);
  gradientFunction(module, tiles);
  totalFunction(module, lanes);
  return module;
}

const constant = i32.const;
const plus = (...terms: Expression[]): Expression => terms.reduce((sum, term) => i32.add(sum, term));
const times = (a: Expression, b: Expression | number): Expression =>
  i32.mul(a, typeof b === "number" ? constant(b) : b);
const smaller = (a: Expression, b: Expression) => i32.select(i32.lt(a, b), a, b);
const bump = (pointer: Local, by: Expression | number): Statement =>
  pointer.set(i32.add(pointer, typeof by === "number" ? constant(by) : by));
/** `for (counter = first; counter < end; counter += step) body`. */
const loop = (counter: Local, first: Expression | number, end: Expression, step: number, body: Statement): Statement =>
  sequence(counter.set(typeof first === "number" ? constant(first) : first), loopTo(counter, end, step, body));

/** (from, fromChannel, fromRow, to, toChannel, toRow, channels, rows, columns): planes of float32 to wider planes. */
function copyFunction(module: ModuleBuilder): FunctionBuilder {
  const f = module.function("copy", new Array(9).fill("i32"));
  const [from, fromChannel, fromRow, to, toChannel, toRow, channels, rows, columns] = f.parameters as Local[];
  const [channel, row, x, end, source, target] = Array.from({ length: 6 }, () => f.local("i32")) as Local[];
  f.code(
    end.set(i32.sub(columns!, constant(3))),
    loop(
      channel!,
      0,
      channels!,
      1,
      loop(
        row!,
        0,
        rows!,
        1,
        sequence(
          source!.set(plus(from!, times(channel!, fromChannel!), times(row!, fromRow!))),
          target!.set(plus(to!, times(channel!, toChannel!), times(row!, toRow!))),
          loop(x!, 0, end!, 4, sequence(v128.store(target!, v128.load(source!)), bump(source!, 16), bump(target!, 16))),
          loopTo(x!, columns!, 1, sequence(i32.store(target!, i32.load(source!)), bump(source!, 4), bump(target!, 4))),
        ),
      ),
    ),
  );
  return f;
}

/** (from, to, toRow, inside): what is inside of a tile of outputs. */
function edgeFunction(module: ModuleBuilder): FunctionBuilder {
  const f = module.function("edge", new Array(4).fill("i32"));
  const [from, to, toRow, inside] = f.parameters as Local[];
  const [x, y] = [f.local("i32"), f.local("i32")];
  const at = (base: Local, row: Expression) => plus(base, times(y, row), times(x, 4));
  f.code(
    loop(
      y,
      0,
      i32.shr(inside!, constant(8)),
      1,
      loop(x, 0, i32.and(inside!, constant(255)), 1, i32.store(at(to!, toRow!), i32.load(at(from!, constant(16))))),
    ),
  );
  return f;
}

function weightsFunction(module: ModuleBuilder, tiles: TileFunctions): void {
  const f = module.function("weights", new Array(10).fill("i32"));
  const [from, rowStep, channelStep, rowBytes, tapBytes, rows, channels, scratch, to, toPoint] =
    f.parameters as Local[];
  const [row, channel, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
  // Beyond the last row it is taken again: what comes of it is not used.
  const one = (i: number) =>
    plus(
      from!,
      times(smaller(i32.add(row, constant(i)), i32.sub(rows!, constant(1))), rowStep!),
      times(channel, channelStep!),
    );
  f.code(
    at.set(to!),
    loop(
      row,
      0,
      rows!,
      tile.rows,
      loop(
        channel,
        0,
        channels!,
        1,
        sequence(
          module.call(tiles.weight, one(0), one(1), one(2), one(3), rowBytes!, tapBytes!, scratch!, at, toPoint!),
          bump(at, 16),
        ),
      ),
    ),
  );
}

/** What both directions do with a number of samples: the plan's words, the copies, and the tiles in blocks. */
function samplesOf(module: ModuleBuilder, f: FunctionBuilder, words: Local, scratch: Local) {
  const names = ["sample", "i", "p", "c", "t", "tiles", "block", "count", "padded", "record"] as const;
  const locals = Object.fromEntries(names.map((name) => [name, f.local("i32")])) as Record<
    (typeof names)[number],
    Local
  >;
  const word = (name: keyof typeof plan) => i32.load(words, 4 * plan[name]);
  const { sample, i, tiles, block, count, padded, record, t, p } = locals;
  /** Copies the planes of the samples from `sample` on, so many as `tiles` says. */
  const copies = (copy: FunctionBuilder, from: "source" | "other", start: Expression) => {
    const copyOf = from === "source" ? "copy" : "otherCopy";
    return loop(
      i,
      0,
      samples,
      1,
      module.call(
        copy,
        plus(word(from), times(i32.add(sample, i), word(`${from}Sample`))),
        word(`${from}Channel`),
        word(`${from}Row`),
        plus(scratch, word(copyOf), start, times(i, word(`${copyOf}Sample`))),
        word(`${copyOf}Channel`),
        word(`${copyOf}Row`),
        word(from === "source" ? "channels" : "rows"),
        word(`${from}Rows`),
        word(`${from}Columns`),
      ),
    );
  };
  const samples = f.local("i32");
  const eachBlock = (first: Expression, last: Expression, body: Statement) =>
    sequence(
      block.set(first),
      loopWhile(
        i32.lt(block, smaller(last, tiles)),
        sequence(
          count.set(smaller(word("tilesAtOnce"), i32.sub(smaller(last, tiles), block))),
          padded.set(i32.and(i32.add(count, constant(wide - 1)), constant(-wide))),
          body,
          bump(block, word("tilesAtOnce")),
        ),
      ),
    );
  const eachSample = (last: Expression, body: Statement) =>
    loopWhile(
      i32.lt(sample, last),
      sequence(
        samples.set(smaller(word("samplesAtOnce"), i32.sub(last, sample))),
        tiles.set(times(samples, word("tilesPerSample"))),
        body,
        bump(sample, word("samplesAtOnce")),
      ),
    );
  /** The record of the group of tiles that `t` of the block is in. */
  const findRecord = record.set(plus(word("groups"), times(i32.shr(i32.add(block, t), constant(2)), 4 * group.words)));
  const entry = (name: keyof typeof group, lane: number) => i32.load(record, 4 * (group[name] + lane));
  const eachPoint = (body: Statement) => loop(p, 0, constant(pointCount), 1, body);
  return { word, locals, copies, eachSample, eachBlock, findRecord, entry, eachPoint };
}

function forwardFunction(
  module: ModuleBuilder,
  tiles: TileFunctions,
  block: FunctionBuilder,
  copy: FunctionBuilder,
  edge: FunctionBuilder,
): void {
  const f = module.function("forward", new Array(6).fill("i32"));
  const [words, firstSample, lastSample, firstTile, lastTile, scratch] = f.parameters as Local[];
  const own = samplesOf(module, f, words!, scratch!);
  const { word, entry } = own;
  const { sample, p, c, t, count, padded } = own.locals;
  const [base, to, roomForEdge] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const lanes = [0, 1, 2, 3];
  const inputs = loop(
    c,
    0,
    word("channels"),
    1,
    sequence(
      base.set(plus(scratch!, word("copy"), times(c, word("copyChannel")))),
      loop(
        t,
        0,
        count,
        4,
        sequence(
          own.findRecord,
          module.call(
            tiles.input,
            ...lanes.map((lane) => i32.add(base, entry("source", lane))),
            word("copyRow"),
            scratch!,
            plus(
              scratch!,
              word("inputs"),
              times(plus(times(i32.shr(t, constant(3)), word("channels")), c), 32),
              times(i32.and(t, constant(4)), 4),
            ),
            word("inputsPoint"),
          ),
        ),
      ),
    ),
  );
  const products = own.eachPoint(
    module.call(
      block,
      i32.add(word("weights"), times(p, word("weightsPoint"))),
      plus(scratch!, word("inputs"), times(p, word("inputsPoint"))),
      plus(scratch!, word("products"), times(p, word("productsPoint"))),
      times(word("tilesAtOnce"), 4),
      i32.and(i32.add(word("rows"), constant(tile.rows - 1)), constant(-tile.rows)),
      padded,
      word("channels"),
      constant(0),
      i32.add(scratch!, constant(room.tile)),
    ),
  );
  const takeOut = (addresses: Expression[], rowBytes: Expression) =>
    module.call(
      tiles.output,
      plus(scratch!, word("products"), times(plus(times(c, word("tilesAtOnce")), t), 4)),
      word("productsPoint"),
      scratch!,
      ...addresses,
      rowBytes,
    );
  const results = loop(
    c,
    0,
    word("rows"),
    1,
    sequence(
      to.set(plus(word("other"), times(sample, word("otherSample")), times(c, word("otherChannel")))),
      loop(
        t,
        0,
        count,
        4,
        sequence(
          own.findRecord,
          when(
            i32.and(entry("isWhole", 0), i32.le(i32.add(t, constant(4)), count)),
            takeOut(
              lanes.map((lane) => i32.add(to, entry("other", lane))),
              word("otherRow"),
            ),
            sequence(
              roomForEdge.set(i32.add(scratch!, constant(room.edge))),
              takeOut(
                lanes.map((lane) => i32.add(roomForEdge, constant(64 * lane))),
                constant(16),
              ),
              ...lanes.map((lane) =>
                when(
                  i32.lt(i32.add(t, constant(lane)), count),
                  module.call(
                    edge,
                    i32.add(roomForEdge, constant(64 * lane)),
                    i32.add(to, entry("other", lane)),
                    word("otherRow"),
                    entry("inside", lane),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
  f.code(
    sample.set(firstSample!),
    own.eachSample(
      lastSample!,
      sequence(
        own.copies(copy, "source", word("copyStart")),
        own.eachBlock(firstTile!, lastTile!, sequence(inputs, products, results)),
      ),
    ),
  );
}

function adjointFunction(
  module: ModuleBuilder,
  tiles: TileFunctions,
  block: FunctionBuilder,
  copy: FunctionBuilder,
): void {
  const f = module.function("adjoint", new Array(5).fill("i32"));
  const [words, firstSample, lastSample, scratch, to] = f.parameters as Local[];
  const own = samplesOf(module, f, words!, scratch!);
  const { word } = own;
  const { sample, p, c, t, count } = own.locals;
  const [base, other, otherChannel, lane] = Array.from({ length: 4 }, () => f.local("i32")) as Local[];
  const lanes = [0, 1, 2, 3];
  const entryOf = (name: "source" | "other") => i32.load(plus(own.locals.record, times(lane!, 4)), 4 * group[name]);
  /** Points of four channels side by side, `side` of them in a panel. */
  const place = (name: "inputs" | "products", side: number) =>
    plus(
      scratch!,
      word(name),
      times(plus(times(i32.and(c, constant(-side)), count), times(t, side), i32.and(c, constant(side - 1))), 4),
    );
  const take = (
    fn: FunctionBuilder,
    from: Expression,
    channel: Expression,
    row: Expression,
    name: "inputs" | "products",
  ) =>
    loop(
      c,
      0,
      word(name === "inputs" ? "channels" : "rows"),
      4,
      module.call(
        fn,
        ...lanes.map((i) => i32.add(from, times(i32.add(c, constant(i)), channel))),
        row,
        scratch!,
        place(name, name === "inputs" ? wide : tile.rows),
        word(`${name}Point`),
      ),
    );
  const eachTile = loop(
    t,
    0,
    count,
    1,
    sequence(
      own.findRecord,
      lane!.set(i32.and(t, constant(3))),
      base!.set(plus(scratch!, word("copy"), entryOf("source"))),
      take(tiles.input, base!, word("copyChannel"), word("copyRow"), "inputs"),
      base!.set(i32.add(other!, entryOf("other"))),
      take(
        tiles.cotangent,
        base!,
        otherChannel!,
        i32.select(word("otherIsCopied"), word("otherCopyRow"), word("otherRow")),
        "products",
      ),
    ),
  );
  const columns = i32.and(i32.add(word("channels"), constant(wide - 1)), constant(-wide));
  const pointBytes = plus(times(times(columns, word("rows")), 4), constant(64));
  const products = own.eachPoint(
    module.call(
      block,
      plus(scratch!, word("products"), times(p, word("productsPoint"))),
      plus(scratch!, word("inputs"), times(p, word("inputsPoint"))),
      plus(to!, times(p, pointBytes)),
      times(columns, 4),
      word("rows"),
      columns,
      count,
      constant(1),
      i32.add(scratch!, constant(room.tile)),
    ),
  );
  f.code(
    sample.set(firstSample!),
    own.eachSample(
      lastSample!,
      sequence(
        own.copies(copy, "source", word("copyStart")),
        otherChannel!.set(word("otherChannel")),
        other!.set(plus(word("other"), times(sample, word("otherSample")))),
        when(
          word("otherIsCopied"),
          sequence(
            own.copies(copy, "other", constant(0)),
            other!.set(i32.add(scratch!, word("otherCopy"))),
            otherChannel!.set(word("otherCopyChannel")),
          ),
        ),
        own.eachBlock(constant(0), own.locals.tiles, sequence(eachTile, products)),
      ),
    ),
  );
}

function gradientFunction(module: ModuleBuilder, tiles: TileFunctions): void {
  const f = module.function("gradient", new Array(7).fill("i32"));
  const [from, fromPoint, rowBytes, rows, channels, scratch, to] = f.parameters as Local[];
  const [row, channel, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
  f.code(
    at.set(to!),
    loop(
      row,
      0,
      rows!,
      1,
      loop(
        channel,
        0,
        channels!,
        4,
        sequence(
          module.call(
            tiles.gradient,
            plus(from!, times(row, rowBytes!), times(channel, 4)),
            fromPoint!,
            scratch!,
            ...[0, 1, 2, 3].map((i) => i32.add(at, constant(36 * i))),
          ),
          bump(at, 4 * 36),
        ),
      ),
    ),
  );
}

/** Bytes from one point to the next, with a cache line between them so that they do not share the cache's sets. */
export const pointBytes = (elements: number): number => elements * 4 + 64;
export { outputs, pointCount };
