import { expect, test } from "@jest/globals";
import { differentiable, gradient, pullback, withDerivative, withoutDerivative } from "../index.ts";
import * as $pb from "../runtime/index.ts";
import { carrying } from "../testdata/functions.ts";
import { Pair } from "../testdata/pair.ts";

test("run plainly, they return their argument", () => {
  const object = { a: 1 };
  const f = (x: number) => x;
  expect(withoutDerivative(object)).toBe(object);
  expect(withDerivative(object, () => undefined)).toBe(object);
  expect(differentiable(f)).toBe(f);
});

test("withoutDerivative passes nothing back", () => {
  const code = $pb.variant(withoutDerivative, "1", "v");
  expect(code.backward(code.forward(3), 1)).toBe(0);
  expect(code.backward(code.forward(new Pair(1, 2)), new Pair(1, 1))).toBeUndefined();
  const list = [1, 2];
  const shadow = [0, 0];
  const byReference = $pb.variant(withoutDerivative, "1", "r");
  const frame = byReference.forward(list, shadow);
  expect(frame.value).toBe(list);
  frame.shadow[0] += 5;
  byReference.backward(frame, undefined);
  expect(shadow).toEqual([0, 0]);
});

test("withDerivative sees and replaces the cotangent, by value and by reference", () => {
  const seen: unknown[] = [];
  const change = (ct: any) => {
    seen.push(ct);
    return typeof ct === "number" ? 10 * ct : ct.map((x: number) => 10 * x);
  };
  const code = $pb.variant(withDerivative, "10", "v-");
  expect(code.backward(code.forward(3, change), 2)).toBe(20);
  const byReference = $pb.variant(withDerivative, "10", "r-");
  const shadow = [0, 0];
  const frame = byReference.forward([1, 2], change, shadow);
  frame.shadow[1] += 3;
  byReference.backward(frame, undefined);
  expect(shadow).toEqual([0, 30]);
  expect(seen).toEqual([2, [0, 3]]);
});

test("gradients of leaf results start at the leaf's one; several components are the leaf's own error", () => {
  const scale = carrying((p: Pair, k: number) => p.times(k), "vv", {
    "11": {
      forward: (p: Pair, k: number) => ({ value: p.times(k), p, k }),
      backward: ({ p, k }, ct: Pair) => [ct.times(k), ct.inner(p)],
    },
  });
  expect(gradient(scale)(new Pair(3, 0), 2)).toEqual([new Pair(2, 0), 3]);
  expect(() => gradient(scale)(new Pair(3, 1), 2)).toThrow(/no scalar/);
  expect(pullback(scale)(new Pair(3, 1), 2)(new Pair(0, 1))).toEqual([new Pair(0, 2), 1]);
  const constant = carrying((p: Pair) => 3 + 0 * p.x, "v", {
    "1": { joint: (_p: Pair, _ct: number) => ({ value: 3, cotangents: undefined }) },
  });
  expect(gradient(constant)(new Pair(1, 2))).toEqual(new Pair(0, 0));
});
