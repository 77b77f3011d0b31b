/** What the convolution and its adjoint for the weight share: samples copied between zeros, their tiles in blocks. */
import {
  type Expression,
  type FunctionBuilder,
  i32,
  type Local,
  loopTo,
  loopWhile,
  type ModuleBuilder,
  type Statement,
  sequence,
  v128,
} from "../../wasm/index.ts";
import { group, plan, pointCount, wide } from "./layout.ts";

export const constant = i32.const;
export const plus = (...terms: Expression[]): Expression => terms.reduce((sum, term) => i32.add(sum, term));
export const times = (a: Expression, b: Expression | number): Expression =>
  i32.mul(a, typeof b === "number" ? constant(b) : b);
export const smaller = (a: Expression, b: Expression) => i32.select(i32.lt(a, b), a, b);
export const bump = (pointer: Local, by: Expression | number): Statement =>
  pointer.set(i32.add(pointer, typeof by === "number" ? constant(by) : by));
/** `for (counter = first; counter < end; counter += step) body`. */
export const loop = (
  counter: Local,
  first: Expression | number,
  end: Expression,
  step: number,
  body: Statement,
): Statement =>
  sequence(counter.set(typeof first === "number" ? constant(first) : first), loopTo(counter, end, step, body));

/** (from, fromChannel, fromRow, to, toChannel, toRow, channels, rows, columns): planes of float32 to wider planes. */
export function copyFunction(module: ModuleBuilder): FunctionBuilder {
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

/** What both directions do with a number of samples: the plan's words, the copies, and the tiles in blocks. */
export function samplesOf(module: ModuleBuilder, f: FunctionBuilder, words: Local, scratch: Local) {
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
