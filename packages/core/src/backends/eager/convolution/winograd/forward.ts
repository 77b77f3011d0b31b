/** The code of a convolution in tiles: inputs to points, products over channels, points to outputs. */
import {
  type Expression,
  type FunctionBuilder,
  i32,
  type Local,
  type ModuleBuilder,
  sequence,
  when,
} from "../../wasm/index.ts";
import { room, tile } from "./layout.ts";
import { constant, loop, plus, samplesOf, times } from "./samples.ts";
import type { TileFunctions } from "./tile-module.ts";

/** Adds `forward`; see module.ts. */
export function forwardFunction(
  module: ModuleBuilder,
  tiles: TileFunctions,
  block: FunctionBuilder,
  copy: FunctionBuilder,
): void {
  const edge = edgeFunction(module);
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
