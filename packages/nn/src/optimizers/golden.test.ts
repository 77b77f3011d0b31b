/** Every optimizer against PyTorch's trajectories, with schedules and clipping. */
import { expect, test } from "@jest/globals";
import type { Tensor } from "@pullback/core";
import { expectClose, onBackends, scheduleOf } from "../../testdata/golden.ts";
import * as optimizers from "./index.ts";

await onBackends("optimizers", (golden) => {
  const cases = golden.cases.filter((c) => c.call === "optimizer");

  test("there are cases for every optimizer that PyTorch 2.13 and the references have", () => {
    const elsewhere = ["Adafactor", "LARS", "Lion", "Muon", "Optimizer"];
    const names = Object.keys(optimizers).filter((name) => !elsewhere.includes(name));
    expect([...new Set(cases.map((c) => c.op))].sort()).toEqual(names.sort());
  });

  test.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
    const model: { weight: Tensor; bias: Tensor } = golden.resolve(c.parameters);
    const gradients = golden.resolve(c.gradients);
    const trajectory = golden.resolve(c.trajectory);
    const optimizer: optimizers.SGD = new (optimizers as any)[c.op](model, {
      ...c.options,
      ...(c.schedule ? { learningRate: scheduleOf(c.schedule.name, c.schedule) } : {}),
      ...(c.clip ? { clip: c.clip } : {}),
    });
    const steps = trajectory.weight.shape[0];
    for (let step = 0; step < steps; step++) {
      if (c.learningRates) expect(optimizer.learningRate).toBeCloseTo(c.learningRates[step], 9);
      optimizer.update(model, { weight: gradients.weight.slice(step), bias: gradients.bias.slice(step) });
      expectClose(model.weight, trajectory.weight.slice(step), c.tolerance.value);
      expectClose(model.bias, trajectory.bias.slice(step), c.tolerance.value);
    }
    expect(optimizer.step).toBe(steps);
  });
});
