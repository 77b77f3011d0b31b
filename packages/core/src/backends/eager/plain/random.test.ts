import { expect, test } from "@jest/globals";
import { threefry2x32 } from "./random.ts";

test.each([
  ["00000000 00000000", "00000000 00000000", "6b200159 99ba4efe"],
  ["ffffffff ffffffff", "ffffffff ffffffff", "1cb996fc bb002be7"],
  ["13198a2e 03707344", "243f6a88 85a308d3", "c4923a9c 483df7a0"],
])("Threefry-2x32 of key %s, counter %s is %s (Random123's known answers)", (key, counter, answer) => {
  const [k0, k1] = key.split(" ").map((word) => Number.parseInt(word, 16));
  const [c0, c1] = counter.split(" ").map((word) => Number.parseInt(word, 16));
  const out = new Int32Array(2);
  threefry2x32(k0, k1, c0, c1, out, 0);
  expect([...out].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join(" ")).toBe(answer);
});
