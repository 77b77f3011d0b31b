/** Second derivatives of losses against reference numbers (PyTorch in float64): the Hessian times the tangents. */
import { expect, test } from "@jest/globals";
import { hessianVectorProduct } from "@pullback/autodiff";
import type { Tensor } from "@pullback/core";
import { expectClose, type Golden, onBackends, type Tolerance } from "../../testdata/golden.ts";
import { crossEntropy, huberLoss, meanSquaredError, sigmoidCrossEntropy } from "./index.ts";

type Pair = [Tensor, Tensor];

await onBackends("losses-second-order", (golden: Golden) => {
  const named = (name: string): Tensor => golden.tensors.get(name)!;
  const agrees = (id: string, product: (x: never, v: never) => readonly Tensor[]): void => {
    test(id, () => {
      const c = golden.cases.find((each) => each.id === `second-order/${id}`)!;
      const got = product(c.wrt.map(named) as never, c.tangents.map(named) as never);
      const { hvp } = c.tolerance as unknown as { hvp: Tolerance };
      expect(got.length).toBe(c.hvp.length);
      c.hvp.forEach((name: string, i: number) => {
        expectClose(got[i]!, named(name), hvp);
      });
    });
  };
  agrees(
    "crossEntropy.1",
    hessianVectorProduct(([x]: [Tensor]) =>
      crossEntropy(x, named("crossEntropy.1.in1")).mul(named("crossEntropy.1.ct")),
    ),
  );
  agrees(
    "crossEntropy.2",
    hessianVectorProduct(([x]: [Tensor]) =>
      crossEntropy(x, named("crossEntropy.2.in1"), { reduction: "sum" }).mul(named("crossEntropy.2.ct")),
    ),
  );
  agrees(
    "meanSquaredError.1",
    hessianVectorProduct(([x, y]: Pair) => meanSquaredError(x, y).mul(named("meanSquaredError.1.ct"))),
  );
  agrees(
    "huberLoss.1",
    hessianVectorProduct(([x, y]: Pair) => huberLoss(x, y).mul(named("huberLoss.1.ct"))),
  );
  agrees(
    "sigmoidCrossEntropy.1",
    hessianVectorProduct(([x, y]: Pair) => sigmoidCrossEntropy(x, y).mul(named("sigmoidCrossEntropy.1.ct"))),
  );
});
