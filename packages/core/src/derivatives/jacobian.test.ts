/** Jacobians of tensor functions, against hand-computed derivatives. */
import { expect, test } from "@jest/globals";
import { jacobian } from "@pullback/autodiff";
import { type Tensor, tensor } from "../index.ts";

test("a tensor gives [...out, ...in]", () => {
  const w = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const j = jacobian((x: Tensor) => x.matmul(w))(tensor([[7, 8]]));
  expect(j.shape).toEqual([1, 3, 1, 2]);
  expect(j.reshape([3, 2]).toArray()).toEqual([
    [1, 4],
    [2, 5],
    [3, 6],
  ]);
  const squares = jacobian((x: Tensor) => x.mul(x))(tensor([3, 5]));
  expect(squares.toArray()).toEqual([
    [6, 0],
    [0, 10],
  ]);
  expect(jacobian((x: Tensor) => x.mul(x).sum())(tensor([3, 5])).toArray()).toEqual([6, 10]);
});

test("arrays beside tensors", () => {
  const rows = jacobian((x: Tensor) => [x.sum().item(), x.mul(x).sum().item() * 2])(tensor([3, 5]));
  expect(rows.map((row) => row.toArray())).toEqual([
    [1, 1],
    [12, 20],
  ]);
  const c = tensor([3, 5]);
  expect(jacobian((t: number) => c.mul(t * t))(2).toArray()).toEqual([12, 20]);
});
