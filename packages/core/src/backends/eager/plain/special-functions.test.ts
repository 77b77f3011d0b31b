import { expect, test } from "@jest/globals";
import { erf, erfc, erfInv } from "./special-functions.ts";

/** erf by its Maclaurin series, summed with Kahan compensation; good for |x| <= 3. */
function series(x: number): number {
  let term = x;
  let sum = 0;
  let carry = 0;
  for (let n = 0; n < 120; n++) {
    const y = term / (2 * n + 1) - carry;
    const next = sum + y;
    carry = next - sum - y;
    sum = next;
    term *= (-x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** erfc by its continued fraction (Abramowitz and Stegun 7.1.14), for x >= 2. */
function fraction(x: number): number {
  let tail = x;
  for (let k = 400; k >= 1; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}

test("erf agrees with its series", () => {
  for (let x = -2; x <= 2; x += 0.0137) expect(Math.abs(erf(x) - series(x))).toBeLessThan(4e-15);
});

test("erfc agrees with its continued fraction far out", () => {
  for (let x = 2; x < 26; x += 0.0931) expect(Math.abs(erfc(x) / fraction(x) - 1)).toBeLessThan(2e-13);
  for (let x = -2; x <= 2; x += 0.0137) expect(Math.abs(erfc(x) - (1 - series(x)))).toBeLessThan(4e-15);
});

test("erfInv undoes erf and erfc", () => {
  for (let y = -0.999; y < 1; y += 0.00713) expect(Math.abs(erf(erfInv(y)) - y)).toBeLessThan(1e-15);
  for (const e of [1e-4, 1e-8, 1e-12, 1e-15]) expect(erfc(erfInv(1 - e)) / (1 - (1 - e))).toBeCloseTo(1, 12);
});

test("limits", () => {
  expect([erf(Infinity), erf(-Infinity), erfc(Infinity), erfc(-Infinity)]).toEqual([1, -1, 0, 2]);
  expect([erf(NaN), erfc(NaN), erfInv(NaN), erfInv(1.5)]).toEqual([NaN, NaN, NaN, NaN]);
  expect([erfInv(1), erfInv(-1)]).toEqual([Infinity, -Infinity]);
});
