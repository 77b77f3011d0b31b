/** Every schedule against the golden learning rates (PyTorch 2's schedulers). */

import { describe, expect, test } from "@jest/globals";
import { readGolden, scheduleOf } from "../../testdata/golden.ts";
import * as schedules from "./index.ts";

const cases = (await readGolden("optimizers")).cases.filter((c) => c.call === "schedule");

describe("schedules", () => {
  test("there is a golden case for each", () => {
    const factories = Object.entries(schedules).filter(([, value]) => typeof value === "function");
    expect(cases.map((c) => c.op).sort()).toEqual(factories.map(([name]) => name).sort());
  });

  test.each(cases.map((c) => [c.op, c] as const))("%s", (name, { options, learningRates }) => {
    const schedule = scheduleOf(name, options);
    learningRates.forEach((rate: number, step: number) => {
      expect(Math.abs(schedule(step) - rate)).toBeLessThanOrEqual(1e-9 + 1e-6 * rate);
    });
  });

  test("warmupThen starts neither at zero nor above its base by default", () => {
    // biome-ignore lint/suspicious/noThenProperty: the option's published name
    const schedule = schedules.warmupThen({ warmupSteps: 4, then: schedules.constant({ base: 2 }) });
    expect([0, 1, 2, 3, 4, 5].map(schedule)).toEqual([0.5, 0.875, 1.25, 1.625, 2, 2]);
  });

  test("a one-cycle of few steps, whose rise has no length, has no NaN", () => {
    for (const [steps, warmupFraction] of [
      [20, 0.05],
      [1, 0.3],
      [4, 1],
    ] as const) {
      const schedule = schedules.oneCycle({ maximum: 1, steps, warmupFraction });
      const rates = Array.from({ length: steps + 1 }, (_, step) => schedule(step));
      expect(rates.every((rate) => rate >= 0 && rate <= 1)).toBe(true);
      expect(Math.max(...rates)).toBe(steps === 1 ? schedule(0) : 1);
    }
  });
});
