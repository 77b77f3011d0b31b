import { expect, test } from "@jest/globals";
import {
  arrayOf,
  type Builder,
  buildFunction,
  type HirFunction,
  interpret,
  intType,
  numberType,
  printFunction,
  type Value,
} from "../hir/index.ts";
import { useCursors } from "./index.ts";

const stack = { stack: true } as const;

/** Pushes i and 2 i for each i below n, and gives `sum += (sum + i) * 2 i` over them from the last to the first. */
function there(read?: (b: Builder, array: Value) => Value): HirFunction {
  return buildFunction({ name: "there", params: [["n", intType]] }, (b, n) => {
    const one = b.array([], arrayOf(numberType), stack);
    const two = b.array([], arrayOf(numberType), stack);
    const counted = { start: b.const(0, intType), end: n!, comparison: "<", step: 1 } as const;
    b.loop({ initial: [], counted }, (body, i) => {
      body.push(one, i!);
      body.push(two, body.prim("*", [i!, body.const(2)]));
      return [];
    });
    const from = read === undefined ? one : read(b, one);
    return b.loop({ initial: [b.const(0)], counted }, (body, _, sum) => {
      const x = body.pop(from);
      const y = body.pop(two);
      return [body.prim("+", [sum!, body.prim("*", [body.prim("+", [sum!, x]), y])])];
    })[0]!;
  });
}

test("stacks of one loop share a cursor, and give what they gave", () => {
  const fn = there();
  const made = useCursors(fn);
  const text = printFunction(made);
  expect(text.match(/cursor$/gm)).toHaveLength(1);
  expect(text.match(/ moves$/gm)).toHaveLength(2);
  for (const n of [0, 1, 5]) expect(interpret(made, [n])).toBe(interpret(fn, [n]));
});

test("a copy that is only emptied is not made", () => {
  const fn = there((b, array) => b.array([array], array.type, { spread: [true], ...stack }));
  const made = useCursors(fn);
  expect(printFunction(made)).not.toContain("...");
  for (const n of [0, 1, 5]) expect(interpret(made, [n])).toBe(interpret(fn, [n]));
});

test("a program's own array keeps its push and pop", () => {
  const fn = buildFunction({ name: "own", params: [["x", numberType]] }, (b, x) => {
    const array = b.array([], arrayOf(numberType));
    b.push(array, x!);
    return b.pop(array);
  });
  expect(useCursors(fn)).toBe(fn);
});

test("a stack that is read otherwise keeps them too", () => {
  const fn = buildFunction({ name: "read", params: [["x", numberType]] }, (b, x) => {
    const array = b.array([], arrayOf(numberType), stack);
    b.push(array, x!);
    return b.prim("+", [b.length(array), b.pop(array)]);
  });
  expect(printFunction(useCursors(fn))).toBe(printFunction(fn));
});
