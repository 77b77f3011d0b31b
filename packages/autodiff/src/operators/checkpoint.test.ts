import { expect, test } from "@jest/globals";
import {
  checkpoint,
  checkpointedState,
  type DifferentiableFunction,
  gradient,
  pullback,
  valueWithGradient,
} from "../index.ts";
import * as $pb from "../runtime/index.ts";
import { carrying, chained, product, scaled, timesRest } from "../testdata/functions.ts";

test("the same values and gradients as without", () => {
  expect(checkpoint(product)(2, 1)).toBe(product(2, 1));
  expect(gradient(checkpoint(product))(2, 1)).toEqual(gradient(product)(2, 1));
  expect(gradient(checkpoint(product), { wrt: 1 })(2, 1)).toBe(gradient(product, { wrt: 1 })(2, 1));
  expect(gradient(checkpoint(timesRest))(2, 3, 4)).toEqual(gradient(timesRest)(2, 3, 4));
});

test("a registered derivative", () => {
  expect(gradient(checkpoint(Math.atan2))(1, 2)).toEqual([0.4, -0.2]);
  expect(gradient(checkpoint(Math.max))(1, 2)).toEqual([0, 1]);
});

test("in-place writes happen once, and the sweep sees the arguments as the first run did", () => {
  const start = [0.5, 1, -0.25, 2];
  const plain = [...start];
  const again = [...start];
  const expected = valueWithGradient(chained)(plain, 0.3);
  expect(valueWithGradient(checkpoint(chained))(again, 0.3)).toEqual(expected);
  expect(again).toEqual(plain);
  const changed = [...start];
  const back = pullback(checkpoint(chained))(changed, 0.3);
  changed.fill(100);
  changed.push(7);
  expect(back(1)).toEqual([...expected.gradient]);
  expect(back(2)).toEqual(expected.gradient.map((t) => (typeof t === "number" ? 2 * t : t.map((x) => 2 * x))));
  expect(changed).toEqual([100, 100, 100, 100, 7]);
});

test("by-reference results", () => {
  expect(pullback(checkpoint(scaled))([1, 2, 3], 10)([1, 0, 2])).toEqual([[10, 0, 20], 7]);
});

test("the random generator is restored for the second run, and put back after it", () => {
  let seed = 1;
  const draw = () => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
  checkpointedState({
    save: () => seed,
    restore: (saved: number) => {
      seed = saved;
    },
  });
  const noisy = carrying((x: number) => x * draw(), "v", {
    "1": {
      forward: (x) => {
        const factor = draw();
        return { value: x * factor, factor };
      },
      backward: ({ factor }, ct) => ct * factor,
    },
  });
  const { value, gradient: slope } = valueWithGradient(checkpoint(noisy))(2);
  expect(value).toBe(2 * slope);
  expect(seed).toBe(16807);
  const back = pullback(checkpoint(noisy))(2);
  const after = seed;
  expect(back(1)).toBe(back(1));
  expect(seed).toBe(after);
});

test("writes to what the arguments or a closure hold are undone in the second run", () => {
  const layer = { weight: 3, mean: { value: 0 } };
  const count = { calls: 0 };
  const f = carrying(
    (m: typeof layer, x: number) => {
      m.mean.value += x;
      count.calls++;
      return m.weight * x * m.mean.value;
    },
    "rv",
    {
      "11": {
        forward: (m: typeof layer, x: number, shadow) => {
          m.mean.value += x;
          count.calls++;
          return { value: m.weight * x * m.mean.value, w: m.weight, x, mean: m.mean.value, into: shadow };
        },
        backward: ({ w, x, mean, into }, ct: number) => {
          into.weight += ct * x * mean;
          return ct * w * mean;
        },
      },
    },
    { environment: () => [count], shapes: [{ fields: { weight: "v" } }, "v"] },
  );
  expect(gradient(checkpoint(f))(layer, 2)).toEqual([{ weight: 4 }, 6]);
  expect([layer.mean.value, count.calls]).toEqual([2, 1]);
});

test("methods keep their receiver", () => {
  class Scale {
    constructor(public k: number) {}
    apply(x: number) {
      return this.k * x;
    }
  }
  $pb.attach(Scale.prototype.apply, {
    abi: 1,
    name: "apply",
    kinds: "rv",
    receiver: true,
    variants: {
      "11": {
        forward: (self: Scale, x: number, shadow) => ({ value: self.k * x, k: self.k, x, into: shadow }),
        backward: ({ k, x, into }, ct: number) => {
          into.k += ct * x;
          return ct * k;
        },
      },
    },
  });
  const apply = checkpoint(Scale.prototype.apply as DifferentiableFunction<(this: Scale, x: number) => number>);
  expect(apply.call(new Scale(3), 2)).toBe(6);
  const code = $pb.variant(apply, "11", "rv");
  const shadow = { k: 0 };
  const frame = code.forward(new Scale(3), 2, shadow);
  expect([frame.value, code.backward(frame, 1), shadow.k]).toEqual([6, 3, 2]);
});
