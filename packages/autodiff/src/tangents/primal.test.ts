import { expect, test } from "@jest/globals";
import { gradient, primalOf, pullback, tangent, valueWithGradient, zeroTangent } from "../index.ts";
import { Charge, chained, Spring, totalEnergy } from "../testdata/functions.ts";

test("tangents of objects know their value, through the operators and the algebra", () => {
  const elements = [new Spring(3, 0.5, "a"), new Charge(2)];
  const [ofElements, ofNumber] = gradient(totalEnergy)(elements, 2);
  expect(primalOf(ofElements)).toBe(elements);
  expect(primalOf(ofNumber)).toBeUndefined();
  expect(primalOf(valueWithGradient(totalEnergy, { wrt: 0 })(elements, 1).gradient)).toBe(elements);
  const back = pullback(totalEnergy)(elements, 2);
  expect([back(1), back(2)].map(([t]) => primalOf(t))).toEqual([elements, elements]);
  const spring = new Spring(3, 0.5, "a");
  const zero = zeroTangent(spring);
  expect(primalOf(zero)).toBe(spring);
  for (const t of [tangent.add(zero, zero), tangent.sub(zero, zero), tangent.scale(zero, 2)]) {
    expect([t, primalOf(t)]).toEqual([{ k: 0, rest: 0 }, spring]);
  }
});

test("values without fields are not kept alive by their tangents", () => {
  expect(gradient(chained)([1, 2], 3).map(primalOf)).toEqual([undefined, undefined]);
  expect(primalOf({ k: 1 })).toBeUndefined();
});
