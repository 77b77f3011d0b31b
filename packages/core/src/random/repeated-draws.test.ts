/** Numbers drawn inside differentiated code: whatever is recomputed or differentiated again draws the same ones. */
import { describe, expect, test } from "@jest/globals";
import {
  checkpoint,
  type DifferentiableFunction,
  gradient,
  valueWithGradient,
  valueWithPullback,
} from "@pullback/autodiff";
import { dropout, linspace, rand, setSeed, type Tensor, withBackend } from "../index.ts";

const masked = (x: Tensor): Tensor => dropout(x.square(), 0.5);
const rows = (x: Tensor): Tensor => masked(masked(x).add(1));
const isZero = (x: Tensor): boolean[] => [...x.dataSync()].map((value) => value === 0);

describe.each(["eager", "lazy", "tfjs:cpu", "tfjs:wasm"])("%s", (device) => {
  const at = (): Tensor => linspace(1, 2, 64);

  test("a pullback has the mask of its value", () =>
    withBackend(device, () => {
      setSeed(3);
      const { value, pullback } = valueWithPullback(masked)(at());
      expect(new Set(isZero(value)).size).toBe(2);
      expect(isZero(pullback(at()))).toEqual(isZero(value));
    }));

  test("so has a checkpoint, which computes again, and what is drawn afterwards is the same", () =>
    withBackend(device, () => {
      const run = (f: DifferentiableFunction<(x: Tensor) => Tensor>): number[][] => {
        setSeed(4);
        const { value, pullback } = valueWithPullback(f)(at());
        return [value, pullback(at()), rand([3])].map((x) => [...x.dataSync()]);
      };
      expect(run(checkpoint(rows))).toEqual(run(rows));
    }));

  test("a gradient of a gradient has the mask of the value", () =>
    withBackend(device, () => {
      const inner = (x: Tensor): Tensor => gradient((y: Tensor) => masked(y).sum())(x);
      const outer = (x: Tensor): Tensor => inner(x).sum();
      setSeed(5);
      const value = masked(at());
      setSeed(5);
      const slope = inner(at());
      setSeed(5);
      const { gradient: curvature } = valueWithGradient(outer)(at());
      expect(isZero(slope)).toEqual(isZero(value));
      // 2 for each element that is kept, scaled by 2.
      expect(curvature.toArray()).toEqual(isZero(value).map((dropped) => (dropped ? 0 : 4)));
    }));

  test("of a checkpoint, too", () =>
    withBackend(device, () => {
      const outer = (x: Tensor): Tensor => gradient((y: Tensor) => checkpoint(masked)(y).sum())(x).sum();
      setSeed(5);
      const value = masked(at());
      setSeed(5);
      const { gradient: curvature } = valueWithGradient(outer)(at());
      expect(curvature.toArray()).toEqual(isZero(value).map((dropped) => (dropped ? 0 : 4)));
    }));
});
