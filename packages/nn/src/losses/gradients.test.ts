/** The derivative of every loss against PyTorch's, through the compiler. */
import { expect, test } from "@jest/globals";
import { type DifferentiableFunction, pullback } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { expectClose, onBackends } from "../../testdata/golden.ts";
import * as losses from "./index.ts";

/** Cotangents of the arguments at `positions`, for a loss that carries its derivative. */
function cotangents(
  loss: DifferentiableFunction<(...args: any[]) => Tensor>,
  args: readonly unknown[],
  positions: readonly number[],
  cotangent: Tensor,
): any {
  return pullback(loss, { wrt: positions })(...args)(cotangent);
}

await onBackends("losses", (golden) => {
  const cases = golden.cases.filter((c) => c.wrt !== undefined);

  test.each(cases.map((c) => [c.id, c] as const))("%s", (_, c) => {
    const positions = c.wrt.map((name: string) => c.args.findIndex((arg: any) => arg?.$ === name));
    const loss = (losses as Record<string, any>)[c.op];
    const found = cotangents(loss, golden.resolve(c.args), positions, golden.tensors.get(c.cotangents[0])!);
    expect(found).toHaveLength(positions.length);
    for (const [i, name] of c.gradients.entries())
      expectClose(found[i], golden.tensors.get(name)!, c.tolerance.gradient);
  });
});
