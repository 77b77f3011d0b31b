import { expect, test } from "@jest/globals";
import { borrow, giveBack } from "./borrowed.ts";

test("what was given back is handed out again, long enough, and to one borrower at a time", () => {
  const one = borrow(10);
  const other = borrow(10);
  expect(other).not.toBe(one);
  giveBack(one);
  expect(borrow(1000)).toBe(one);
  giveBack(other);
  for (const length of [0, 1, 1023, 1024, 1025, 4096, 100_000, 2 ** 22, 2 ** 22 + 1]) {
    const array = borrow(length);
    expect(array.length).toBeGreaterThanOrEqual(length);
    giveBack(array);
    if (length <= 2 ** 22) expect(borrow(length)).toBe(array);
  }
});

test("lists keep 64 MiB at most", () => {
  const taken = [borrow(2 ** 22), borrow(2 ** 22), borrow(2 ** 22)];
  for (const array of taken) giveBack(array);
  const again = [borrow(2 ** 22), borrow(2 ** 22), borrow(2 ** 22)];
  expect(again.filter((array) => taken.includes(array)).length).toBeLessThanOrEqual(2);
  expect(new Set(again).size).toBe(3);
});
