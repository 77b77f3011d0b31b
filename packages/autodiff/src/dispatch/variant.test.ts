import { expect, test } from "@jest/globals";
import type { Variant } from "../protocol/index.ts";
import * as $pb from "../runtime/index.ts";
import { codeOf } from "../testdata/code-of.ts";
import { carrying, chained, product, Spring, same, timesRest } from "../testdata/functions.ts";
import { Pair } from "../testdata/pair.ts";

/** Runs both sweeps and returns the value, what backward returned, and the shadows. */
function run(code: Variant, args: unknown[], shadows: unknown[], cotangent: unknown) {
  const frame = code.forward(...args, ...shadows);
  return { value: frame.value, cotangents: code.backward(frame, cotangent), shadows };
}

test("the function's own variant when it fits exactly, one cached adapter otherwise", () => {
  expect($pb.variant(product, "10", "vv")).toBe($pb.derivativeOf(product)?.variants["10"]);
  expect($pb.variant(product, "01", "vv")).toBe($pb.variant(product, "01", "vv"));
});

test("a superset mask: the cotangents nobody asked for are dropped, dummy shadows made", () => {
  expect(run($pb.variant(product, "01", "vv"), [2, 1], [], 3).cotangents).toBe(3 * 2 * Math.cos(1));
  const onlyK = $pb.variant(chained, "01", "rv");
  expect(run(onlyK, [[1, 2, 3], 0.5], [], 1).cotangents).toBeCloseTo(1 + 2.5 ** 2 + 1 * (2 * 0.5 * 2.5) * 1, 12);
  const onlyA = $pb.variant(chained, "10", "rv");
  const shadow = [0, 0, 0];
  expect(run(onlyA, [[1, 2, 3], 0.5], [shadow], 1).cotangents).toEqual([]);
  expect(shadow).toEqual([1 + 1 + 2.5, 1 + 2.5, 1]);
  expect(onlyA.mutates).toBe("10");
});

test("a call site that knows less: kinds u for what is by value or by reference", () => {
  const spring = new Spring(3, 0.5, "s");
  const code = $pb.variant(spring.energy, "11", "uu");
  const shadow = $pb.zeroShadow(spring);
  expect(run(code, [spring, 2], [shadow, undefined], 1).cotangents).toEqual([undefined, 3 * 1.5]);
  expect(shadow).toEqual({ k: 0.5 * 1.5 ** 2, rest: -3 * 1.5 });
  expect(run($pb.variant(same, "1", "v"), [new Pair(1, 2)], [], new Pair(3, 4)).cotangents).toEqual(new Pair(3, 4));
});

test("other arities: extra arguments get zero, missing ones undefined", () => {
  const spring = new Spring(3, 0.5, "s");
  const more = $pb.variant(spring.energy, "1111", "rvvv");
  const shadow = $pb.zeroShadow(spring);
  expect(run(more, [spring, 2, 7, new Pair(1, 2)], [shadow], 1).cotangents).toEqual([4.5, 0, undefined]);
  const optional = carrying((x: number, k?: number) => x * (k ?? 10), "vv", {
    "10": { forward: (x, k) => ({ value: x * (k ?? 10), k: k ?? 10 }), backward: ({ k }, ct) => ct * k },
  });
  expect(run($pb.variant(optional, "1", "v"), [2], [], 1)).toMatchObject({ value: 20, cotangents: 10 });
});

test("rest parameters at a call site that passes them one by one", () => {
  const code = $pb.variant(timesRest, "111", "vvv");
  const frame = code.forward(2, 3, 4);
  expect(frame.value).toBe(14);
  expect(code.backward(frame, 1)).toEqual([7, 2, 2]);
  expect(code.backward(frame, 1)).toEqual([7, 2, 2]);
  expect(run($pb.variant(timesRest, "101", "vvv"), [2, 3, 4], [], 1).cotangents).toEqual([7, 2]);
});

test("derivatives made on demand, and only the joint form there is", () => {
  const asked: string[] = [];
  const f = carrying(
    (x: number) => 2 * x,
    "v",
    {},
    {
      derive: (mask) => {
        asked.push(mask);
        return { forward: (x) => ({ value: 2 * x }), backward: (_frame, ct) => 2 * ct };
      },
    },
  );
  expect(run($pb.variant(f, "1"), [3], [], 1).cotangents).toBe(2);
  expect(run($pb.variant(f, "1"), [3], [], 1).cotangents).toBe(2);
  expect(asked).toEqual(["1"]);
  const joint = carrying((x: number) => x, "v", { "1": { joint: (x, ct) => ({ value: x, cotangents: ct }) } });
  expect(codeOf(() => $pb.variant(joint, "1"))).toBe("PB3011");
});

test("accessors along the prototypes", () => {
  expect($pb.accessor(new Pair(1, 2), "sum", "get").call(new Pair(3, 4))).toBe(7);
  expect(codeOf(() => $pb.accessor(new Pair(1, 2), "x", "get"))).toBe("PB3004");
  expect(codeOf(() => $pb.accessor(new Pair(1, 2), "sum", "set"))).toBe("PB3004");
});
