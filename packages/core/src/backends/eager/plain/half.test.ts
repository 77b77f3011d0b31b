import { expect, test } from "@jest/globals";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half.ts";

/** The value of a binary16 pattern by its definition. */
function meaning(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >> 10) & 31;
  const fraction = pattern & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

test("every float16 pattern decodes by its definition and encodes back", () => {
  for (let pattern = 0; pattern < 65536; pattern++) {
    const value = fromFloat16(pattern);
    if (!Object.is(value, meaning(pattern))) expect([pattern, value]).toEqual([pattern, meaning(pattern)]);
    if (!Number.isNaN(value) && toFloat16(value) !== pattern) expect(toFloat16(value)).toBe(pattern);
  }
  expect(fromFloat16(toFloat16(NaN))).toBeNaN();
});

test("float16 rounds to nearest, half to even, up to Infinity and down to zero", () => {
  for (let pattern = 0; pattern < 0x7bff; pattern++) {
    const low = meaning(pattern);
    const high = meaning(pattern + 1);
    const middle = (low + high) / 2;
    const even = pattern & 1 ? pattern + 1 : pattern;
    const quarter = (high - low) / 4;
    const rounded = [toFloat16(middle), toFloat16(middle - quarter), toFloat16(middle + quarter)];
    if (rounded.join() !== [even, pattern, pattern + 1].join()) expect(rounded).toEqual([even, pattern, pattern + 1]);
  }
  expect(fromFloat16(toFloat16(65519))).toBe(65504);
  expect(fromFloat16(toFloat16(65520))).toBe(Infinity);
  expect(fromFloat16(toFloat16(1e9))).toBe(Infinity);
  expect(Object.is(fromFloat16(toFloat16(-1e-12)), -0)).toBe(true);
});

test("every bfloat16 pattern survives, and encoding rounds half to even", () => {
  for (let pattern = 0; pattern < 65536; pattern++) {
    const value = fromBfloat16(pattern);
    if (!Number.isNaN(value) && toBfloat16(value) !== pattern) expect(toBfloat16(value)).toBe(pattern);
  }
  expect(fromBfloat16(toBfloat16(1 + 2 ** -8))).toBe(1);
  expect(fromBfloat16(toBfloat16(1 + 3 * 2 ** -8))).toBe(1 + 2 ** -6);
  expect(fromBfloat16(toBfloat16(3.4e38))).toBe(Infinity);
  expect(fromBfloat16(toBfloat16(NaN))).toBeNaN();
});
