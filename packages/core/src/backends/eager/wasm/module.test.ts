import { expect, test } from "@jest/globals";
import {
  f32,
  f32x4,
  f64,
  i32,
  i32x4,
  loopTo,
  loopWhile,
  ModuleBuilder,
  type Statement,
  sequence,
  v128,
  when,
} from "./index.ts";

const memory = new WebAssembly.Memory({ initial: 1 });
const ints = new Int32Array(memory.buffer);
const floats = new Float32Array(memory.buffer);

function run(
  body: (module: ModuleBuilder, f: ReturnType<ModuleBuilder["function"]>) => Statement,
  ...values: number[]
) {
  const module = new ModuleBuilder();
  const f = module.function(
    "run",
    values.map(() => "i32"),
  );
  f.code(body(module, f));
  module.instantiate(memory).run(...values);
}

test("constants of every length survive their encoding", () => {
  const values = [0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8193, 2 ** 31 - 1, -(2 ** 31), 0x7fffffff >> 3];
  run(() => sequence(...values.map((value, i) => i32.store(i32.const(0), i32.const(value), i * 4))));
  expect([...ints.subarray(0, values.length)]).toEqual(values);
  run(() => sequence(f32.store(i32.const(0), f32.const(-1.5)), f64.store(i32.const(8), f64.const(Math.PI))));
  expect(floats[0]).toBe(-1.5);
  expect(new Float64Array(memory.buffer)[1]).toBe(Math.PI);
});

test("loops test before each round, and nest", () => {
  const triangle = (n: number) => {
    run((_, f) => {
      const [end] = f.parameters;
      const [i, j, count] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const inner = sequence(j.set(i32.const(0)), loopTo(j, i, 1, count.set(i32.add(count, i32.const(1)))));
      return sequence(loopTo(i, end, 1, inner), i32.store(i32.const(0), count));
    }, n);
    return ints[0];
  };
  expect([0, 1, 2, 5].map(triangle)).toEqual([0, 0, 1, 10]);
  run((_, f) => {
    const [x] = f.parameters;
    return sequence(loopWhile(i32.gt(x, i32.const(10)), x.set(i32.shr(x, i32.const(1)))), i32.store(i32.const(0), x));
  }, 1000);
  expect(ints[0]).toBe(7);
});

test("conditions choose a branch, select a value", () => {
  const choose = (x: number) => {
    run((_, f) => {
      const [value] = f.parameters;
      const store = (n: number) => i32.store(i32.const(0), i32.const(n));
      const smaller = i32.select(i32.lt(value, i32.const(7)), value, i32.const(7));
      return sequence(when(i32.eqz(value), store(1), store(2)), i32.store(i32.const(4), smaller));
    }, x);
    return [ints[0], ints[1]];
  };
  expect([choose(0), choose(9)]).toEqual([
    [1, 0],
    [2, 7],
  ]);
});

test("functions of a module call each other", () => {
  const module = new ModuleBuilder();
  const callee = module.function("callee", ["i32", "i32"]);
  callee.code(i32.store(callee.parameters[0], callee.parameters[1]));
  module.function("run", []).code(module.call(callee, i32.const(12), i32.const(34)));
  module.instantiate(memory).run();
  expect(ints[3]).toBe(34);
});

test("vector lanes keep their order", () => {
  floats.set([1, -2, 3.5, NaN], 4);
  run(() =>
    sequence(
      v128.store(i32.const(0), f32x4.pmax(v128.load(i32.const(16)), f32x4.const(2))),
      v128.store(i32.const(32), i32x4.sub(i32x4.const(1, 2, 3, 4), i32x4.splat(i32.const(1)))),
      f32.store(i32.const(48), f32x4.lane(v128.load(i32.const(16)), 2)),
    ),
  );
  expect([...floats.subarray(0, 4)]).toEqual([2, 2, 3.5, NaN]);
  expect([...ints.subarray(8, 12)]).toEqual([0, 1, 2, 3]);
  expect(floats[12]).toBe(3.5);
});
