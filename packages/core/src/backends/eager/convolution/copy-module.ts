/** The code that copies one group of a sample's channels between zeros, each residue of the stride by itself. */
import type { Lanes } from "../kernels/lanes.ts";
import {
  type FunctionBuilder,
  i32,
  type Local,
  loopTo,
  type ModuleBuilder,
  sequence,
  v128,
  when,
} from "../wasm/index.ts";
import { plan } from "./layout.ts";

/** `copy(plan, from, to)`; the zeros are already there. */
export function copyFunction(module: ModuleBuilder, lanes: Lanes): FunctionBuilder {
  const f = module.function("copy", ["i32", "i32", "i32"]);
  const [words, from, to] = f.parameters as [Local, Local, Local];
  const [channel, row, phase, pair, triple, source, target, i, count, whole, step] = Array.from({ length: 11 }, () =>
    f.local("i32"),
  ) as Local[];
  const word = (name: keyof typeof plan) => i32.load(words, 4 * plan[name]);
  const bump = (pointer: Local, bytes: number) => pointer.set(i32.add(pointer, i32.const(bytes)));
  const vectors = sequence(
    whole.set(i32.sub(count, i32.const(lanes.count - 1))),
    loopTo(i, whole, lanes.count, sequence(v128.store(target, v128.load(source)), bump(source, 16), bump(target, 16))),
  );
  const phaseCopy = sequence(
    source.set(i32.add(i32.add(from, i32.load(pair)), i32.load(triple))),
    target.set(i32.add(i32.add(to, i32.load(pair, 4)), i32.load(triple, 4))),
    count.set(i32.load(triple, 8)),
    i.set(i32.const(0)),
    when(i32.eq(step, i32.const(lanes.bytes)), vectors),
    loopTo(
      i,
      count,
      1,
      sequence(lanes.copy(target, source), source.set(i32.add(source, step)), bump(target, lanes.bytes)),
    ),
    bump(triple, 12),
  );
  const rowCopy = sequence(
    triple.set(word("phases")),
    phase.set(i32.const(0)),
    loopTo(phase, word("phaseCount"), 1, phaseCopy),
    bump(pair, 8),
  );
  f.code(
    step.set(word("fromStep")),
    channel.set(i32.const(0)),
    loopTo(
      channel,
      word("channels"),
      1,
      sequence(
        pair.set(word("rowPairs")),
        row.set(i32.const(0)),
        loopTo(row, word("rowCount"), 1, rowCopy),
        from.set(i32.add(from, word("fromChannel"))),
        to.set(i32.add(to, word("toChannel"))),
      ),
    ),
  );
  return f;
}
