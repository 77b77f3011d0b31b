/** Counted storage: what is released early, what never is, and what happens after a release too many. */

import { describe, expect, test } from "@jest/globals";
import { registerDerivative, release, storageClock, valueWithGradient } from "@pullback/autodiff";
import { EagerBackend } from "../backends/eager/index.ts";
import { LazyBackend } from "../backends/lazy/index.ts";
import "../derivatives/index.ts";
import { BackendError } from "../errors.ts";
import { Tensor } from "./tensor.ts";

const shape = [64];
const filled = (backend: EagerBackend | LazyBackend, value: number) =>
  new Tensor(backend.full(shape, value, "float32"), backend);

describe("storage of a tensor", () => {
  test("made before the clock's time is nobody's to free", () => {
    const backend = new EagerBackend();
    const x = filled(backend, 1);
    x[release].own(x, ++storageClock().now);
    x[release].release(x);
    expect(x.dataSync()[0]).toBe(1);
  });

  test("is freed by its last holder, views counted with it", () => {
    const backend = new EagerBackend();
    const since = ++storageClock().now;
    const x = filled(backend, 1);
    const view = x.reshape([8, 8]);
    const live = backend.memoryStats().live;
    x[release].own(x, since);
    view[release].own(view, since);
    x[release].release(x);
    expect(view.dataSync()[63]).toBe(1);
    view[release].release(view);
    expect(backend.memoryStats().live).toBe(live - 256);
  });

  test("freed once too often, or read afterwards, is a typed error", () => {
    const backend = new EagerBackend();
    const since = ++storageClock().now;
    const x = filled(backend, 1);
    x[release].own(x, since);
    x[release].release(x);
    expect(() => x[release].release(x)).toThrow(BackendError);
    expect(() => x.add(1)).toThrow(BackendError);
  });

  test("of a recorded operand outlives its release", () => {
    const lazy = new LazyBackend(new EagerBackend());
    const since = ++storageClock().now;
    const x = filled(lazy, 2);
    x[release].own(x, since);
    const y = x.add(1);
    x[release].release(x);
    expect(y.dataSync()[5]).toBe(3);
  });
});

const seen: Tensor[] = [];

function kept(x: Tensor): Tensor {
  return x.mul(2);
}
registerDerivative(kept, {
  vjp: (x: Tensor) => {
    const value = x.mul(2);
    return {
      value,
      pullback: (ct: Tensor) => {
        seen.push(x, value, ct);
        return ct.mul(2);
      },
    };
  },
  retains: true,
});

test("a registered derivative with `retains` may keep its argument, its value and its cotangent", () => {
  const backend = new EagerBackend();
  const found = valueWithGradient((x: Tensor) => kept(x.exp()).square().sum())(filled(backend, 0));
  expect(found.gradient.dataSync()[0]).toBe(8);
  expect(seen.map((t) => t.dataSync()[0])).toEqual([1, 2, 4]);
});
