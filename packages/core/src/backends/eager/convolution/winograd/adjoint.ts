/** The code of the adjoint for the weight: inputs and cotangents to points, products over tiles. */
import {
  type Expression,
  type FunctionBuilder,
  i32,
  type Local,
  type ModuleBuilder,
  sequence,
  when,
} from "../../wasm/index.ts";
import { group, room, tile, wide } from "./layout.ts";
import { constant, loop, plus, samplesOf, times } from "./samples.ts";
import type { TileFunctions } from "./tile-module.ts";

/** Adds `adjoint`; see module.ts. */
export function adjointFunction(
  module: ModuleBuilder,
  tiles: TileFunctions,
  block: FunctionBuilder,
  copy: FunctionBuilder,
): void {
  const f = module.function("adjoint", new Array(5).fill("i32"));
  const [words, firstSample, lastSample, to, scratch] = f.parameters as Local[];
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
