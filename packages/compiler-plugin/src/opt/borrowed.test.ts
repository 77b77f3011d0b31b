import { expect, test } from "@jest/globals";
import type { Value } from "../hir/index.ts";
import {
  arrayOf,
  type Builder,
  buildFunction,
  type HirFunction,
  intType,
  numberType,
  printFunction,
} from "../hir/index.ts";
import { borrowStacks } from "./index.ts";

/** Keeps the squares below n in a stack, and gives their sum; `also` uses the stack in another way. */
function squares(also?: (b: Builder, stack: Value) => void, length?: number): HirFunction {
  return buildFunction({ name: "squares", params: [["n", intType]] }, (b, n) => {
    const end = length === undefined ? (n as Value) : b.const(length, intType);
    const stack = b.stack(end, arrayOf(numberType), "square_stack");
    const counted = { start: b.const(0, intType), end, comparison: "<", step: 1 } as const;
    b.loop({ initial: [], counted }, (body, i) => {
      body.store(stack, i as Value, body.prim("*", [i as Value, i as Value]));
      return [];
    });
    also?.(b, stack);
    return b.loop({ initial: [b.const(0)], counted }, (body, i, sum) => [
      body.prim("+", [sum as Value, body.load(stack, i as Value)]),
    ])[0] as Value;
  });
}

const runtimeCalls = (fn: HirFunction) => printFunction(borrowStacks(fn)).match(/borrow|giveBack|newArray/g);

test("a stack that only this call reads and writes is borrowed, and given back after its last use", () => {
  const made = borrowStacks(squares());
  expect(runtimeCalls(squares())).toEqual(["borrow", "giveBack"]);
  const kinds = made.body.ops.map((op) => (op.kind === "runtime" ? op.fn : op.kind));
  expect(kinds.slice(kinds.indexOf("borrow"))).toEqual(["borrow", "const", "loop", "const", "loop", "giveBack"]);
});

test("what leaves the call is an array of its own", () => {
  expect(runtimeCalls(squares((b, stack) => b.runtime("keep", [stack], undefined, { effects: true })))).toEqual([
    "newArray",
  ]);
});

test("a few entries are made as they are", () => {
  expect(runtimeCalls(squares(undefined, 4))).toEqual(["newArray"]);
  expect(runtimeCalls(squares(undefined, 400))).toEqual(["borrow", "giveBack"]);
});
