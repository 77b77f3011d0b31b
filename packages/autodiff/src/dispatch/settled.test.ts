import { expect, test } from "@jest/globals";
import { registerDerivative } from "../index.ts";
import * as $pb from "../runtime/index.ts";
import { codeOf } from "../testdata/code-of.ts";
import { carrying } from "../testdata/functions.ts";

const root = (x: number): number => {
  if (x < 0) throw new RangeError("negative");
  return Math.sqrt(x);
};
registerDerivative(root, {
  vjp: (x) => {
    const value = root(x);
    return { value, pullback: (ct) => ct / (2 * value) };
  },
});

test("the settled form of a registered rule: an outcome, with or without a value, and its cotangent", () => {
  const settled = $pb.settled(root);
  expect($pb.settled(root)).toBe(settled);
  expect(settled(4)).toEqual({ thrown: false, error: undefined, value: 2 });
  expect(settled(-1)).toMatchObject({ thrown: true, error: new RangeError("negative") });
  const code = $pb.variant(settled, "1", "v");
  const frame = code.forward(4);
  frame.shadow.value += 3;
  expect(code.backward(frame, undefined)).toBe(3 / 4);
  // The same frame again: its shadow is zero.
  expect(code.backward(frame, undefined)).toBe(0);
  const thrown = code.forward(-1);
  expect(thrown.value).toMatchObject({ thrown: true, error: new RangeError("negative") });
  expect(code.backward(thrown, undefined)).toBe(0);
});

test("a function that may throw after it has changed something needs code of its own", () => {
  const late = carrying((a: number[]) => a.length, "r", { "1": {} });
  Object.assign($pb.derivativeOf(late) as object, { changesFirst: true });
  expect(codeOf(() => $pb.variant($pb.settled(late), "1", "r"))).toBe("PB3011");
});
