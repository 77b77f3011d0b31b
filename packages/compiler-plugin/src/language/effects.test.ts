/** What a function does to the world happens once, however often its derivatives run it; and they all see the same world. */
import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  checkpoint,
  derivative,
  differential,
  gradient,
  hessian,
  hessianVectorProduct,
  jacobian,
  pullback,
  valueWithDifferential,
  valueWithGradient,
  valueWithPullback,
} from "@pullback/autodiff";
import { expectCentralDifferences } from "./central-differences.ts";
import { drawn, meter, say, tally } from "./testdata/world.ts";

/** It calls itself, so that its calls cannot be copied in. */
function noisy(x: number, turns: number): number {
  if (turns === 0) return x ** 3 * meter.read();
  tally.turns++;
  tally.list.push(turns);
  say("turn");
  drawn.push(Math.random());
  return noisy(x, turns - 1) * (drawn.at(-1)! + Math.sin(x) * tally.turns);
}

/** The same with what the world said: the factors are read when the innermost turn is over. */
function quiet(x: number, world: readonly number[], reading: number): number {
  return x ** 3 * reading * (world[1]! + Math.sin(x) * 2) ** 2;
}

const f = (x: number) => noisy(x, 2);
const pair = (a: number[]) => noisy(a[0]!, 2) * a[1]!;
const list = (a: number[]) => [noisy(a[0]!, 2) * a[1]!, a[0]! * a[1]!, a[1]! ** 2];
const two = (x: number, y: number) => noisy(x, 1) * y + noisy(y, 1);

beforeEach(() => {
  tally.turns = 0;
  tally.list.length = 0;
  tally.said = 0;
  drawn.length = 0;
});

const forms: Record<string, () => unknown> = {
  gradient: () => gradient(f)(0.7),
  "gradient of gradient": () => gradient(gradient(f))(0.7),
  "derivative of gradient": () => derivative(gradient(f))(0.7),
  "gradient of derivative": () => gradient(derivative(f))(0.7),
  "derivative of derivative": () => derivative(derivative(f))(0.7),
  "third order": () => gradient(gradient(gradient(f)))(0.7),
  "pullback of gradient, called twice": () => {
    const back = pullback(gradient(f))(0.7);
    return back(1) + back(2);
  },
  "differential of gradient, called twice": () => {
    const push = differential(gradient(f))(0.7);
    return push(1) + push(2);
  },
  valueWithDifferential: () => {
    const { value, differential: push } = valueWithDifferential(pair)([0.7, 2]);
    return [value, push([1, 0]), push([0, 1])];
  },
  hessian: () => hessian(pair)([0.7, 2]),
  hessianVectorProduct: () => hessianVectorProduct(pair)([0.7, 2], [1, 2]),
  jacobian: () => jacobian(list)([0.7, 2]),
  "jacobian of gradient": () => jacobian(gradient(pair))([0.7, 2]),
  "derivative with two parameters": () => derivative(two)(0.7, 2),
  "gradient inside": () => gradient((x: number) => gradient(f)(x) * x)(0.7),
  "gradient inside, forward": () => derivative((x: number) => gradient(f)(x) * x)(0.7),
  "derivative with two parameters inside": () =>
    gradient((x: number) => {
      const [a, b] = derivative(two)(x, 2 * x);
      return a * b;
    })(0.7),
  "pullback inside, called twice": () =>
    gradient((x: number) => {
      const { value, pullback: back } = valueWithPullback(f)(x);
      return back(value) * back(x);
    })(0.7),
  "hessian inside": () => gradient((x: number) => hessian(pair)([x, x * x])[0]![1]! * x)(0.7),
  "jacobian inside": () => derivative((x: number) => (jacobian(list)([x, x * x]) as number[][])[0]![1]! * x)(0.7),
  "hessianVectorProduct inside": () => gradient((x: number) => hessianVectorProduct(pair)([x, x], [1, x])[1]!)(0.7),
  checkpoint: () => gradient((x: number) => checkpoint(f)(x) * x)(0.7),
  "checkpoint, twice": () => gradient(gradient((x: number) => checkpoint(f)(x) * x))(0.7),
};

test.each(Object.entries(forms))("%s", (_, run) => {
  run();
  expect([tally.turns, tally.list.length, tally.said, drawn.length]).toEqual([2, 2, 2, 2]);
});

describe("every run sees what the first one saw", () => {
  test("first, second and third derivatives", () => {
    const reading = () => meter.last();
    const check = (order: (x: number) => number, below: (g: (x: number) => number) => (x: number) => number) => {
      tally.turns = 0;
      drawn.length = 0;
      const found = order(0.7);
      const world = [...drawn];
      const at = reading();
      expectCentralDifferences(
        below((x) => quiet(x, world, at)),
        [0.7],
        [found],
        1e-4,
      );
    };
    check(gradient(f), (g) => g);
    const slope = (g: (x: number) => number) => (x: number) => (g(x + 1e-5) - g(x - 1e-5)) / 2e-5;
    for (const second of [gradient(gradient(f)), derivative(gradient(f)), gradient(derivative(f)), hessian(f)])
      check(second, slope);
  });

  test("gradient and second derivative of one call belong together", () => {
    const both = (x: number) => valueWithGradient(gradient(f))(x);
    const { value, gradient: second } = both(0.7);
    const [world, at] = [[...drawn], meter.last()];
    const slope = (x: number) => (quiet(x + 1e-6, world, at) - quiet(x - 1e-6, world, at)) / 2e-6;
    expect(value).toBeCloseTo(slope(0.7), 5);
    expect(second).toBeCloseTo((slope(0.7001) - slope(0.6999)) / 2e-4, 3);
  });
});

test("an exception leaves no run unfinished", () => {
  const failing = (x: number, turns: number): number => {
    say("before");
    if (turns === 0) throw new RangeError("no");
    return failing(x, turns - 1) * x;
  };
  const at = pullback(gradient((x: number) => noisy(x, 2)))(0.7);
  expect(() => gradient(gradient((x: number) => failing(x, 2)))(0.7)).toThrow(RangeError);
  expect(tally.said).toBe(5);
  expect(at(1)).toBe(at(1));
  gradient(gradient(f))(0.7);
  expect(tally.said).toBe(7);
});
