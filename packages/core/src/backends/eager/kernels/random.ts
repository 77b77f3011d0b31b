/** Threefry-2x32 on four counters at a time. The scalar definition is `plain/random.ts`. */
import type { NDArray } from "../../../backend/backend.ts";
import type { Engine } from "../engine.ts";
import { parity, rotations } from "../plain/random.ts";
import { i32, i32x4, loopTo, ModuleBuilder, Steps, v128 } from "../wasm/index.ts";

/** `run(k0, k1, to, pairs)`: words of counters (0, 0), (1, 0), …; up to three pairs too many land in slack. */
function threefryModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32", "i32"]);
  const [k0, k1, to, pairs] = f.parameters;
  const counter = f.local("i32");
  const key = [f.local("v128"), f.local("v128"), f.local("v128")];
  const s = new Steps(f);
  let x0 = s.let(i32x4.add(i32x4.add(i32x4.splat(counter), i32x4.const(0, 1, 2, 3)), key[0]));
  let x1 = s.let(key[1]);
  for (let round = 0; round < 20; round++) {
    const turn = rotations[round & 7];
    x0 = s.let(i32x4.add(x0, x1));
    x1 = s.let(v128.xor(v128.or(i32x4.shl(x1, turn), i32x4.shrUnsigned(x1, 32 - turn)), x0));
    if ((round & 3) === 3) {
      const injection = (round + 1) >> 2;
      x0 = s.let(i32x4.add(x0, key[injection % 3]));
      const count = i32x4.const(injection, injection, injection, injection);
      x1 = s.let(i32x4.add(i32x4.add(x1, key[(injection + 1) % 3]), count));
    }
  }
  s.add(
    v128.store(to, v128.shuffle(x0, x1, [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23])),
    v128.store(to, v128.shuffle(x0, x1, [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31]), 16),
    to.set(i32.add(to, i32.const(32))),
  );
  f.code(
    key[0].set(i32x4.splat(k0)),
    key[1].set(i32x4.splat(k1)),
    key[2].set(i32x4.splat(i32.xor(i32.xor(k0, k1), i32.const(parity)))),
    counter.set(i32.const(0)),
    loopTo(counter, pairs, 4, s.code()),
  );
  return module;
}

export class RandomKernels {
  private readonly engine: Engine;
  private run: ((...values: number[]) => void) | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  bits(k0: number, k1: number, count: number): NDArray {
    this.run ??= threefryModule().instantiate(this.engine.arena.memory).run;
    this.engine.begin();
    const out = this.engine.createSized("int32", [count], count);
    this.run(k0, k1, this.engine.resultAddress(out), Math.ceil(count / 2));
    return this.engine.collect(out);
  }
}
