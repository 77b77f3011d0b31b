import { expect, test } from "@jest/globals";
import {
  checkpoint,
  checkpointedState,
  derivative,
  differential,
  gradient,
  registerDerivative,
  valueWithDerivative,
  valueWithDifferential,
} from "../index.ts";
import * as $pb from "../runtime/index.ts";
import { codeOf } from "../testdata/code-of.ts";
import { carrying, chained, product, scaled, timesRest } from "../testdata/functions.ts";

test("derivative: one per parameter, bare when there is one or wrt is a number", () => {
  expect(derivative(product)(2, 1)).toEqual([Math.sin(1), 2 * Math.cos(1)]);
  expect(derivative(product, { wrt: 1 })(2, 1)).toBe(2 * Math.cos(1));
  expect(derivative(product, { wrt: [1, 0] })(2, 1)).toEqual([2 * Math.cos(1), Math.sin(1)]);
  expect(valueWithDerivative(product, { wrt: 0 })(2, 1)).toEqual({ value: 2 * Math.sin(1), derivative: Math.sin(1) });
  expect(codeOf(() => derivative(chained)([1, 2], 3))).toBe("PB2009");
});

test("differential: linear in its tangents, for the point where it was made", () => {
  const args: [number[], number] = [[0.5, 1, -0.25, 2], 0.3];
  const [da, dk] = gradient(chained)([...args[0]], args[1]);
  const a = [...args[0]];
  const { value, differential: push } = valueWithDifferential(chained)(a, 0.3);
  const after = [...a];
  expect(value).toBe(chained([...args[0]], 0.3));
  a[1] = 100;
  for (let i = 0; i < 4; i++) {
    const e = [0, 0, 0, 0];
    e[i] = 1;
    expect(push(e, 0)).toBeCloseTo(da[i] as number, 12);
  }
  expect(push([0, 0, 0, 0], 2)).toBeCloseTo(2 * dk, 12);
  a[1] = after[1] as number;
  expect(a).toEqual(after);
  expect(differential(scaled)([1, 2, 3], 10)([1, 0, 2], 7)).toEqual([10 + 7, 14, 20 + 21]);
});

test("a rest parameter is one entry, an array", () => {
  expect(differential(timesRest)(2, 3, 4)(1, [0, 1])).toBe(7 + 2);
});

test("functions of Math and checkpoints", () => {
  expect(derivative(Math.sin)(0.4)).toBe(Math.cos(0.4));
  expect(derivative(Math.atan2)(1, 2)).toEqual([0.4, -0.2]);
  expect(differential(Math.max)(1, 3, 2)([5, 7, 9])).toBe(7);
  expect(derivative(checkpoint(product))(2, 1)).toEqual(derivative(product)(2, 1));
});

test("registered rules: numbers always get a number, a missing jvp is a typed error", () => {
  const f = (x: number, y: number) => x * y;
  registerDerivative(f, {
    vjp: (x, y) => ({ value: f(x, y), pullback: (ct) => [ct * y, ct * x] }),
    jvp: (x, y) => ({ value: f(x, y), differential: (dx: number, dy: number) => dx * y + x * dy }),
  });
  expect(derivative(f)(3, 5)).toEqual([5, 3]);
  expect(derivative(f, { wrt: 1 })(3, 5)).toBe(3);
  const g = (x: number) => x;
  registerDerivative(g, { vjp: (x) => ({ value: x, pullback: (ct) => ct }) });
  expect(codeOf(() => derivative(g)(1))).toBe("PB3013");
  expect(
    codeOf(() => derivative(carrying((x: number) => x, "v", { "1": { joint: () => ({ value: 0, cotangents: 0 }) } }))),
  ).toBe("PB3011");
});

test("calls whose function is known at run time: other arity, superset mask, rest parameters", () => {
  expect($pb.jvp(product, "10")(2, 1, 1)).toEqual({ value: 2 * Math.sin(1), tangent: Math.sin(1) });
  expect($pb.jvp(product, "110")(2, 1, "more", 1, 0).tangent).toBe(Math.sin(1));
  expect($pb.jvp(timesRest, "101", true)(2, 3, 4, 1, 1).tangent).toBe(7 + 2);
});

test("the random state is what it was when the differential was made", () => {
  let seed = 3;
  checkpointedState({
    save: () => seed,
    restore: (saved: number) => {
      seed = saved;
    },
  });
  const draw = () => {
    seed = (seed * 16807) % 2147483647;
    return seed;
  };
  const noisy = carrying((x: number) => x * draw(), "v", {
    "1": {
      jvp: (x: number, dx: number) => {
        const factor = draw();
        return { value: x * factor, tangent: dx * factor };
      },
    },
  });
  const { value, differential: push } = valueWithDifferential(noisy)(1);
  const after = seed;
  expect(push(1)).toBe(value);
  expect(push(2)).toBe(2 * value);
  expect(seed).toBe(after);
});
